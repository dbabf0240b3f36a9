"""What somebody pushes past schiff: a broken manifest fails alone and is reported; what must stay, stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

import pytest

from schiff.manifests.flux import DEFINITIONS
from tests.bed.objects import Object, condition, is_ready
from tests.bed.waiting import wait_for
from tests.git.repositories import commit
from tests.journeys.delivered import Delivered
from tests.journeys.loop import Loop

METAL = "baremetal-site-1-customer-a-1"
EMPTY = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"
BROKEN = {
    "vsphere-site-1-customer-c-1": (
        ("clusterNetwork:", "clusterNetwrk:"),
        ("ReconciliationFailed", ".spec.clusterNetwrk: field not declared in schema"),
    ),
    "vsphere-site-1-customer-a-2": (("kind: Cluster\n", "kind: [Cluster\n"), ("BuildFailed", "in File: Cluster.yml")),
}
"""What somebody makes of two clusters' files, and what Flux says of it."""
PRUNED = {"MachineDeployment", "MachineHealthCheck", "Kustomization", "Role", "RoleBinding", "Secret"}
"""What goes with its file; nothing else does: not the Cluster, its templates, servers, addresses, or its namespace."""


@dataclass(frozen=True)
class Mistakes:
    """One commit of somebody else's with all mistakes at once, and what was there before."""

    loop: Loop
    before: Delivered
    live: Mapping[str, Object]
    paths: tuple[str, ...]
    revision: str

    def take_back(self) -> None:
        """Put back what was there, unless it was already."""
        texts = {path: self.before.files[path] for path in self.paths}
        if not texts.items() <= Delivered(self.loop.repository("definitions")).files.items():
            commit(self.loop.repository("definitions"), {path: text.decode() for path, text in texts.items()})
        self.loop.settle()


@pytest.fixture(scope="module")
def mistakes(loop: Loop) -> Iterator[Mistakes]:
    """Have somebody break two clusters' files and empty a third's list, and take it back at the end."""
    loop.settle()
    before = Delivered(loop.repository("definitions"))
    paths = {name: f"{loop.folder_of(name)}/Cluster.yml" for name in BROKEN}
    texts = {path: before.files[path].decode().replace(*BROKEN[name][0], 1) for name, path in paths.items()}
    texts[f"{loop.folder_of(METAL)}/kustomization.yaml"] = EMPTY
    clusters = {name: cluster_of(loop, before, name) for name in BROKEN}
    revision = commit(loop.repository("definitions"), texts)
    loop.pull()
    made = Mistakes(loop, before, clusters, tuple(texts), revision)
    yield made
    made.take_back()


def cluster_of(loop: Loop, definitions: Delivered, name: str) -> Object:
    """Return the live Cluster of a folder."""
    listed = definitions.folder(loop.folder_of(name)).values()
    [live] = [loop.find(item) for item in listed if item["kind"] == "Cluster"]
    assert live is not None
    return live


def test_a_broken_manifest_fails_alone_and_is_reported(loop: Loop, mistakes: Mistakes) -> None:
    said = wait_failed(loop, BROKEN.keys(), mistakes.revision)
    for name, (_, (reason, message)) in BROKEN.items():
        assert said[name]["reason"] == reason
        assert message in said[name]["message"]
        assert cluster_of(loop, mistakes.before, name)["spec"] == mistakes.live[name]["spec"]
        told = wait_for(partial(loop.receiver.about, "Kustomization", name, reason), f"{name} reported", 60)
        assert message in told[-1]["message"]
        assert told[-1]["metadata"]["managementCluster"] == "schiff-mgmt-x"


def wait_failed(loop: Loop, names: AbstractSet[str], revision: str) -> dict[str, Mapping[str, str]]:
    """Wait until these failed at a commit and all others reached it; return what they say."""

    def failed() -> dict[str, Mapping[str, str]] | None:
        of_source = [item for item in loop.own_kustomizations() if item["spec"]["sourceRef"]["name"] == DEFINITIONS]
        tried = {item["status"].get("lastAttemptedRevision", "")[-len(revision) :] for item in of_source}
        said = {item["metadata"]["name"]: condition(item, "Ready") for item in of_source if not is_ready(item)}
        ended = all(ready.get("status") == "False" for ready in said.values())
        return said if tried == {revision} and said.keys() == names and ended else None

    return wait_for(failed, f"{', '.join(sorted(names))} and no others failed at {revision}", 120)


def test_what_must_stay_survives_its_file_and_the_rest_goes(loop: Loop, mistakes: Mistakes) -> None:
    listed = mistakes.before.folder(loop.folder_of(METAL)).values()
    goes = [item for item in listed if item["kind"] in PRUNED]
    stays = [item for item in listed if item["kind"] not in PRUNED]
    assert {item["kind"] for item in stays} >= {"Namespace", "Cluster", "BareMetalHost", "Metal3MachineTemplate"}
    loop.management.objects.wait_ready("Kustomization", METAL, revision=mistakes.revision, seconds=120)
    wait_for(lambda: not any(map(loop.find, goes)), "what may be pruned is gone")
    assert [item["metadata"]["name"] for item in stays if loop.find(item) is None] == []


def test_everything_heals_when_the_mistakes_are_taken_back(loop: Loop, mistakes: Mistakes) -> None:
    mistakes.take_back()
    listed = mistakes.before.folder(loop.folder_of(METAL)).values()
    assert [item["metadata"]["name"] for item in listed if loop.find(item) is None] == []

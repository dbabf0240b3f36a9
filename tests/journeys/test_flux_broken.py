"""What somebody pushes past schiff: a broken manifest fails alone and is reported; what must stay, stays."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import partial

from schiff.manifests.flux import DEFINITIONS
from tests.bed.objects import Object, condition, is_ready
from tests.bed.reading import read_documents
from tests.bed.waiting import wait_for
from tests.journeys.delivered import Delivered
from tests.journeys.loop import Loop
from tests.journeys.pushed import folder_of, pushed

METAL = "baremetal-site-1-customer-a-1"
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


def wait_failed(loop: Loop, names: AbstractSet[str], revision: str) -> dict[str, Mapping[str, str]]:
    """Wait until these failed at a commit and all others reached it; return what they say."""
    loop.pull()

    def failed() -> dict[str, Mapping[str, str]] | None:
        of_source = [item for item in loop.own_kustomizations() if item["spec"]["sourceRef"]["name"] == DEFINITIONS]
        tried = {item["status"].get("lastAttemptedRevision", "")[-len(revision) :] for item in of_source}
        said = {item["metadata"]["name"]: condition(item, "Ready") for item in of_source if not is_ready(item)}
        ended = all(ready.get("status") == "False" for ready in said.values())
        return said if tried == {revision} and said.keys() == names and ended else None

    return wait_for(failed, f"{', '.join(sorted(names))} and no others failed at {revision}", 120)


def test_a_broken_manifest_fails_alone_is_reported_and_heals(loop: Loop) -> None:
    files = Delivered(loop.repository("definitions")).files
    paths = {name: f"{folder_of(loop, name)}/Cluster.yml" for name in BROKEN}
    texts = {path: files[path].decode().replace(*BROKEN[name][0], 1) for name, path in paths.items()}
    clusters = [one for path in paths.values() for one in read_documents(files[path]) if one["kind"] == "Cluster"]
    before = [spec_of(loop, one) for one in clusters]
    with pushed(loop, texts) as revision:
        said = wait_failed(loop, BROKEN.keys(), revision)
        assert [spec_of(loop, one) for one in clusters] == before
        for name, (_, (reason, message)) in BROKEN.items():
            assert said[name]["reason"] == reason
            assert message in said[name]["message"]
            told = wait_for(partial(loop.receiver.about, "Kustomization", name, reason), f"{name} reported", 60)
            assert message in told[-1]["message"]
            assert told[-1]["metadata"]["managementCluster"] == "schiff-mgmt-x"


def spec_of(loop: Loop, document: Object) -> object:
    """Return the spec of the live object of a document."""
    live = loop.find(document)
    assert live is not None
    return live["spec"]


def test_what_must_stay_survives_its_file_and_the_rest_goes(loop: Loop) -> None:
    path = folder_of(loop, METAL)
    listed = Delivered(loop.repository("definitions")).folder(path)
    empty = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n"
    goes = [item for item in listed.values() if item["kind"] in PRUNED]
    stays = [item for item in listed.values() if item["kind"] not in PRUNED]
    assert {item["kind"] for item in stays} >= {"Namespace", "Cluster", "BareMetalHost", "Metal3MachineTemplate"}
    with pushed(loop, {f"{path}/kustomization.yaml": empty}) as revision:
        loop.pull()
        loop.management.objects.wait_ready("Kustomization", METAL, revision=revision, seconds=120)
        wait_for(lambda: not any(map(loop.find, goes)), "what may be pruned is gone")
        assert [item["metadata"]["name"] for item in stays if loop.find(item) is None] == []
    assert [item["metadata"]["name"] for item in listed.values() if loop.find(item) is None] == []

"""A delivered environment whose clusters live: two tenants and their management cluster behind made-up API servers.

What is delivered is compiled; what the servers hold is the same, with the
status of recorded controllers that are content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schiff.compiler.environment import Folder
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.delivery.expected_clusters import ExpectedCluster, expected_clusters
from schiff.delivery.snapshot import Snapshot, look
from schiff.git.clone import CachedClone
from schiff.rollout.health import Expected
from schiff.rollout.health.references import repository_of
from tests.bed.kubeconfig import kubeconfig
from tests.cli.fleet_folder import write_fleet
from tests.git.repositories import a_repository, commit, git, head
from tests.makers import MANAGEMENT_CLUSTER, changed
from tests.rollout.recorded_cluster import machines
from tests.rollout.test_health_expected import COMMIT, as_bytes, compiled, line, reported
from tests.sources.fake_api_server import FakeApiServer, a_secret

MANAGEMENT = "schiff-mgmt-x"
VSPHERE, METAL3 = "vsphere-site-1/customer-a-1", "baremetal-site-1/customer-a-2"
TENANTS = (METAL3, VSPHERE)
REPOSITORIES = ("definitions", "components")
_TIMES = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass
class Living:
    """The project's folder, and the servers by the names of clusters."""

    root: Path
    servers: Mapping[str, FakeApiServer]
    expected: Mapping[str, ExpectedCluster] = field(default_factory=dict)

    def repository(self, name: str) -> Path:
        return self.root / ".schiff" / f"cluster-{name}.git"

    def deliver(self) -> None:
        """Write what is compiled to both repositories, and the list of another environment."""
        for name in REPOSITORIES:
            folders = [folder for folder in compiled().folders if folder.repository == name]
            commit(self.repository(name), {**_files(folders), **_manifest("tst", map(line, folders))})
        self._deliver_other_list()
        self.read()

    def _deliver_other_list(self) -> None:
        path, bare = f"{MANAGEMENT}/flux/ref", self.repository("definitions")
        commit(bare, {f"{path}/kustomization.yaml": "resources: []\n"})
        tree = git(bare, "rev-parse", f"main:{path}").strip()
        commit(bare, _manifest("ref", [Line(path, tree, "folder", path)]))

    def read(self) -> None:
        """Learn what is expected now."""
        definitions, components = (self._snapshot(name) for name in REPOSITORIES)
        found = expected_clusters(definitions, components, "tst")
        self.expected = {one.expected.cluster: one for one in found}

    def _snapshot(self, name: str) -> Snapshot:
        clone = CachedClone(str(self.repository(name)), "main", self.root / ".cache")
        clone.refresh()
        return look(clone, "tst")

    def settle(self) -> None:
        """Have every server hold what is expected, from the commits at the heads."""
        commits = {f"cluster-{name}": head(self.repository(name)) for name in REPOSITORIES}
        tenants = [self.expected[name].expected for name in TENANTS]
        own = self.expected[MANAGEMENT].expected
        live = [item for one in (*tenants, own) for item in on_management(one)]
        self.servers[MANAGEMENT].hold(settled([*live, *map(reported, own.tenant)], commits))
        for name, one in zip(TENANTS, tenants, strict=True):
            self.servers[name].hold(settled(map(reported, one.tenant), commits))
            self.give(name)

    def give(self, name: str, purpose: str = "status") -> None:
        """Have the management cluster keep a kubeconfig of a tenant."""
        text = kubeconfig({"tenant": self.servers[name].access})
        secret = a_secret(name.replace("/", "-"), f"{name.partition('/')[2]}-{purpose}", text)
        self.servers[MANAGEMENT].put(secret)


@contextmanager
def living_clusters(root: Path, certificates: Path) -> Iterator[Living]:
    """Run the servers of a project that was delivered and has settled."""
    with (
        FakeApiServer(certificates / "x") as management,
        FakeApiServer(certificates / "v") as vsphere,
        FakeApiServer(certificates / "m") as metal,
    ):
        write_fleet(root / "stacks", changed(MANAGEMENT_CLUSTER, "facts.apiContext", "the-context"))
        (root / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
        (root / "Pulumi.tst.yaml").write_text("config: {'schiff:kubeconfig': kubeconfig}\n")
        (root / "kubeconfig").write_text(kubeconfig({"the-context": management.access}))
        for name in REPOSITORIES:
            a_repository(root / ".schiff", f"cluster-{name}")
        living = Living(root, {MANAGEMENT: management, VSPHERE: vsphere, METAL3: metal})
        living.deliver()
        living.settle()
        yield living


def _files(folders: Iterable[Folder]) -> dict[str, str]:
    return {
        f"{folder.path}/{name}": as_bytes(data).decode() for folder in folders for name, data in folder.files.items()
    }


def _manifest(stack: str, lines: Iterable[Line]) -> dict[str, str]:
    return {f".schiff/{stack}.json": DeliveredManifest(stack, 1, LedgerHead(), tuple(lines)).to_text()}


def on_management(expected: Expected) -> list[dict[str, Any]]:
    """Return a cluster's objects on its management cluster, with machines of the kind that its templates make."""
    live = [reported(item) for item in expected.management]
    plane, *pools = [item for item in live if item["kind"] in {"KubeadmControlPlane", "MachineDeployment"}]
    template = plane["spec"]["machineTemplate"]["spec"]["infrastructureRef"]["kind"]
    made = [item for number, pool in enumerate(pools) for item in _machines(plane, pool, number)]
    for item in made:
        item["metadata"]["namespace"] = expected.namespace
        item["kind"] = item["kind"].replace("DevMachine", template.removesuffix("Template"))
        if item["kind"] == "Machine":
            item["spec"]["clusterName"] = expected.cluster.rpartition("/")[2]
            item["spec"]["infrastructureRef"]["kind"] = template.removesuffix("Template")
    return [*live, *made]


def _machines(plane: dict[str, Any], pool: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Yield the machines of one of several pools under own names; with the first, those of the control plane."""
    for item in machines(plane, pool):
        name = item["metadata"]["name"]
        if "-md-0-" not in name:
            if number == 0:
                yield item
            continue
        item["metadata"]["name"] = f"{name}-{number}"
        if item["kind"] == "Machine":
            item["spec"]["infrastructureRef"]["name"] = f"{name}-{number}"
        yield item


def settled(objects: Iterable[Mapping[str, Any]], commits: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return objects that report the commit of their repository, and nothing of the future."""
    found = []
    for item in objects:
        commit_of_source = commits.get(repository_of(item), "")
        text = json.dumps(item).replace(COMMIT.partition(":")[2], commit_of_source)
        found.append(json.loads(_TIMES.sub("2020-01-01T00:00:00Z", text)))
    return found

"""A cluster leaves vsphere-csi v3.7.3, which brings the snapshot controller, and keeps every snapshot it has.

Three definitions change their owner in front of real Flux and a real API
server. If one of them were ever collected as garbage, all objects of its kind
would go with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from schiff.manifests.flux import COMPONENT_PACE, COMPONENTS, FLUX_NAMESPACE, flux_kustomization, git_repository
from schiff.model import layout
from tests.bed.control_plane import ControlPlane
from tests.bed.flux import Flux
from tests.bed.git_server import GitServer
from tests.bed.objects import KUSTOMIZE, Object, Objects, condition
from tests.bed.waiting import wait_for
from tests.bed.workloads import Workloads
from tests.components.offered import compiled, vendored
from tests.git.repositories import git

DRIVER, CONTROLLER = "vsphere-csi", "snapshot-controller"
OLD, NEW, CONTROLLER_VERSION = "v3.7.3", "v3.7.3-s2", "v8.6.0"
GROUP = "snapshot.storage.k8s.io"
DEFINITION = "apiextensions.k8s.io/v1"
OWNER = "kustomize.toolkit.fluxcd.io/name"
PRUNE = "kustomize.toolkit.fluxcd.io/prune"
SNAPSHOT: Object = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "VolumeSnapshot",
    "metadata": {"name": "before-the-move", "namespace": "default"},
    "spec": {"source": {"persistentVolumeClaimName": "data"}},
}


class MovingCluster:
    """A tenant that runs the old version, and how its components move."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects

    def run(self, name: str, version: str, *after: str) -> None:
        """Let Flux apply a version of a component, as a delivered pin does."""
        path = f"{layout.component_folder(name, version)}/base"
        pin = flux_kustomization(name, path, COMPONENTS, COMPONENT_PACE, wait=True, depends_on=after)
        self.objects.apply(pin.as_dict())

    def runs(self, name: str) -> Object:
        """Wait until a component is ready as it is pinned now."""
        return self.objects.wait_ready("Kustomization", name)

    def reconcile(self, name: str) -> Object:
        """Have a component applied once more, and wait for it."""
        before = self._handled(name)
        self.objects.reconcile(KUSTOMIZE, "Kustomization", name)
        wait_for(lambda: self._handled(name) != before, f"{name} was applied again")
        return self.runs(name)

    def definitions(self) -> dict[str, str]:
        """Return what makes each definition the one it is; one that was made again has another."""
        return {item["metadata"]["name"]: item["metadata"]["uid"] for item in self._definitions()}

    def owners(self) -> set[str]:
        """Return the Kustomizations that definitions say they belong to."""
        return {item["metadata"]["labels"][OWNER] for item in self._definitions()}

    def never_pruned(self) -> bool:
        """Say whether every definition tells Flux to leave it alone."""
        return all(item["metadata"]["annotations"].get(PRUNE) == "disabled" for item in self._definitions())

    def snapshot(self) -> str:
        """Return the identity of the snapshot that was there before, empty when it is gone."""
        found = self.objects.get(SNAPSHOT["apiVersion"], "VolumeSnapshot", "before-the-move", "default")
        return str(found["metadata"]["uid"]) if found else ""

    def controllers(self) -> set[str]:
        """Return the snapshot controllers there are."""
        found = self.objects.all("apps/v1", "Deployment")
        return {item["metadata"]["name"] for item in found if item["metadata"]["namespace"] == "kube-system"}

    def _definitions(self) -> list[Object]:
        return [item for item in self.objects.all(DEFINITION, "CustomResourceDefinition") if GROUP in str(item["spec"])]

    def _handled(self, name: str) -> str:
        found = self.objects.get(KUSTOMIZE, "Kustomization", name)
        return str(((found or {}).get("status") or {}).get("lastHandledReconcileAt"))


@pytest.fixture
def moving(bin_dir: Path, tmp_path: Path) -> Iterator[MovingCluster]:
    """Return a tenant in which vsphere-csi v3.7.3 runs and a snapshot was taken."""
    with ExitStack() as running:
        server = running.enter_context(GitServer(tmp_path / "git"))
        _deliver(server, tmp_path / "checkout")
        control_plane = running.enter_context(ControlPlane(bin_dir, tmp_path / "tenant"))
        running.enter_context(Workloads(control_plane.client()))
        objects = Objects(running.enter_context(control_plane.client()))
        _prepare(objects)
        running.enter_context(
            Flux(bin_dir, tmp_path / "flux", control_plane.kubeconfig, ("source-controller", "kustomize-controller"))
        )
        objects.apply(git_repository(COMPONENTS, server.url(COMPONENTS), "main", ["components"], {}).as_dict())
        cluster = MovingCluster(objects)
        cluster.run(DRIVER, OLD)
        cluster.runs(DRIVER)
        objects.apply(SNAPSHOT)
        yield cluster


def _deliver(server: GitServer, checkout: Path) -> None:
    """Push the versioned folders of both components, as they are delivered."""
    bare = server.create(COMPONENTS)
    for name, version in ((DRIVER, OLD), (DRIVER, NEW), (CONTROLLER, CONTROLLER_VERSION)):
        for path, content in compiled(name, version).items():
            file = checkout / layout.component_folder(name, version) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(checkout, "init", "--quiet", "--initial-branch=main")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "Offer components")
    git(checkout, "push", "--quiet", str(bare), "main")


def _prepare(objects: Objects) -> None:
    """Bring what stands in every tenant before components: Flux's kinds and the namespaces."""
    for path, content in vendored("flux", "v2.9.3").items():
        if "/crd/bases/" in path:
            objects.apply(yaml.safe_load(content))
    for name in (FLUX_NAMESPACE, "vmware-system-csi"):
        objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    wait_for(lambda: (KUSTOMIZE, "Kustomization") in objects.client.resources() or None, "Flux's kinds are served")


def test_the_definitions_change_their_owner_and_nothing_else(moving: MovingCluster) -> None:
    before, snapshot = moving.definitions(), moving.snapshot()
    assert (len(before), moving.owners(), moving.controllers()) == (3, {DRIVER}, {"snapshot-controller"})
    moving.run(CONTROLLER, CONTROLLER_VERSION)
    moving.run(DRIVER, NEW, CONTROLLER)
    moving.runs(CONTROLLER)
    moving.runs(DRIVER)
    assert moving.controllers() == {"csi-snapshot-controller"}
    assert (moving.definitions(), moving.snapshot()) == (before, snapshot)
    assert (moving.owners(), moving.never_pruned()) == ({CONTROLLER}, True)


def test_an_apply_of_the_old_folder_that_comes_late_costs_no_snapshot_either(moving: MovingCluster) -> None:
    before, snapshot = moving.definitions(), moving.snapshot()
    moving.run(CONTROLLER, CONTROLLER_VERSION)
    moving.runs(CONTROLLER)
    moving.reconcile(DRIVER)
    assert (moving.owners(), moving.never_pruned()) == ({DRIVER}, False)
    moving.run(DRIVER, NEW, CONTROLLER)
    refused = wait_for(lambda: _prune_failed(moving), "the API server refuses to delete a definition")
    assert "with this definition every snapshot of the cluster would go" in refused
    moving.reconcile(CONTROLLER)
    moving.reconcile(DRIVER)
    assert (moving.definitions(), moving.snapshot()) == (before, snapshot)
    assert (moving.owners(), moving.never_pruned()) == ({CONTROLLER}, True)
    assert moving.controllers() == {"csi-snapshot-controller"}


def _prune_failed(moving: MovingCluster) -> str | None:
    found = moving.objects.get(KUSTOMIZE, "Kustomization", DRIVER)
    said = condition(found or {}, "Ready")
    return str(said["message"]) if said.get("reason") == "PruneFailed" else None

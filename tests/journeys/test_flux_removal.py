"""A cluster leaves through the states of its removal, with real Flux: nothing is left, and nothing goes too early.

Cluster API is played by a finalizer on the Cluster, which the test takes off
when it has "removed the machines"; everything else is real.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

from schiff.delivery.ledger_branch import append_to_ledger
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.values.names import ClusterKey
from tests.bed.objects import KUSTOMIZE, SOURCE, Object, Objects, condition
from tests.bed.waiting import wait_for
from tests.git.repositories import git, head
from tests.journeys.loop import Loop

CLUSTER_API = "cluster.x-k8s.io/v1beta2"
OBSERVATION = "sha256:" + "0" * 64
FINALIZER = "cluster.cluster.x-k8s.io"
KINDS = (
    ("v1", "Secret"),
    (CLUSTER_API, "Cluster"),
    (CLUSTER_API, "MachineDeployment"),
    (CLUSTER_API, "MachineHealthCheck"),
    ("controlplane.cluster.x-k8s.io/v1beta2", "KubeadmControlPlane"),
    ("bootstrap.cluster.x-k8s.io/v1beta2", "KubeadmConfigTemplate"),
    ("infrastructure.cluster.x-k8s.io/v1beta2", "VSphereCluster"),
    ("infrastructure.cluster.x-k8s.io/v1beta2", "VSphereMachineTemplate"),
    ("infrastructure.cluster.x-k8s.io/v1beta1", "Metal3Cluster"),
    ("infrastructure.cluster.x-k8s.io/v1beta1", "Metal3MachineTemplate"),
    ("metal3.io/v1alpha1", "BareMetalHost"),
    ("ipam.cluster.x-k8s.io/v1alpha2", "InClusterIPPool"),
    ("ipam.metal3.io/v1alpha1", "IPPool"),
    (KUSTOMIZE, "Kustomization"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
)


CLUSTERS = ("vsphere-site-1/customer-b/customer-b-1", "baremetal-site-1/customer-c/customer-c-1")


class Leaving:
    """One cluster on its way out, held by Cluster API as a running one is, and what is still there of it."""

    def __init__(self, objects: Objects, site: str, customer: str, name: str) -> None:
        self.key, self.name, self.namespace = ClusterKey(site, name), name, f"{site}-{name}"
        self.order = f"sites/{site}/{customer}/{name}.yaml"
        self._objects = objects
        objects.wait_ready("Kustomization", self.namespace)
        self.change({"metadata": {"finalizers": [FINALIZER]}})

    def cluster(self) -> Object | None:
        """Return the Cluster as it stands on the management cluster."""
        return self._objects.get(CLUSTER_API, "Cluster", self.name, self.namespace)

    def change(self, value: Object) -> None:
        """Write to the Cluster as Cluster API does."""
        found = wait_for(self.cluster, f"Cluster {self.namespace}/{self.name}")
        self._objects.change({**found, "apiVersion": CLUSTER_API, "kind": "Cluster"}, value)

    def left(self, *, without: str = "") -> list[str]:
        """Return what there is in the cluster's namespace, but for one kind."""
        found = [(kind, item["metadata"]) for version, kind in KINDS for item in self._objects.all(version, kind)]
        own = [f"{kind}/{item['name']}" for kind, item in found if item.get("namespace") == self.namespace]
        return sorted(item for item in own if item.partition("/")[0] != without)


def test_clusters_leave_in_states_and_nothing_goes_before_its_turn(loop: Loop) -> None:
    objects = loop.management.objects
    loop.pull()
    both = [Leaving(objects, *path.split("/")) for path in CLUSTERS]
    before = [one.left(without="Kustomization") for one in both]
    assert [len(one.left()) - len(held) for one, held in zip(both, before, strict=True)] == [3, 3]

    for one in both:
        loop.project.edit(one.order, "decommission", one.name)
    _apply(loop, both)
    wait_for(lambda: [one.left() for one in both] == before, "the bootstrap Kustomizations gone, and nothing else")
    for one in both:
        cluster = one.cluster()
        assert cluster is not None
        assert cluster["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "enabled"
        assert "deletionTimestamp" not in cluster["metadata"]

    _deliver(loop, both, "b")
    for one in both:
        held = wait_for(lambda one=one: _deleting(one.cluster()), "the Cluster being deleted")  # type: ignore[misc]
        assert held["metadata"]["finalizers"] == [FINALIZER]
    assert [one.left() for one in both] == before

    for one in both:
        one.change({"metadata": {"finalizers": None}})
    wait_for(lambda: not any(one.cluster() for one in both), "the Clusters gone")
    rest = [[item for item in held if not item.startswith("Cluster/")] for held in before]
    _deliver(loop, both, "c")
    assert [one.left() for one in both] == rest

    _deliver(loop, both, "d")
    wait_for(lambda: not any(one.left() for one in both), "nothing left")

    _deliver(loop, both, "e")
    for one in both:
        wait_for(lambda one=one: not objects.get(KUSTOMIZE, "Kustomization", one.namespace), "its Kustomization gone")  # type: ignore[misc]
        wait_for(lambda one=one: not objects.get("v1", "Namespace", one.namespace, None), "the namespace gone")  # type: ignore[misc]
        _take_away(loop, one.order)
    _apply(loop, [])
    assert not any(one.left() for one in both)


def test_an_order_that_vanishes_is_refused_and_the_cluster_stays(loop: Loop) -> None:
    objects, project = loop.management.objects, loop.project
    before = head(loop.repository("definitions"))
    _take_away(loop, "sites/vsphere-site-1/customer-c/customer-c-1.yaml")
    project.commit_fleet()
    try:
        said = project.schiff("up", "-e", "tst", status=11)
    finally:
        git(project.root, "revert", "--no-edit", "HEAD")
    assert "vsphere-site-1/customer-c-1" in said
    assert "decommission" in said
    assert head(loop.repository("definitions")) == before
    objects.reconcile(SOURCE, "GitRepository", "cluster-definitions")
    item = objects.wait_ready("Kustomization", "vsphere-site-1-customer-c-1")
    assert condition(item, "Ready")["reason"] == "ReconciliationSucceeded"
    assert objects.get(KUSTOMIZE, "Kustomization", "customer-c-1-cni", "vsphere-site-1-customer-c-1")
    assert objects.get(KUSTOMIZE, "Kustomization", "vsphere-site-1-customer-c-1", FLUX_NAMESPACE)


def _deliver(loop: Loop, leaving: Sequence[Leaving], state: str) -> None:
    """Enter a state into the ledger, as who saw the one before would, and deliver it."""
    workspace = loop.project.root / ".schiff"
    for one in leaving:
        body = {"cluster": str(one.key), "state": state, "observation": OBSERVATION}

        def propose(ledger: Ledger, key: ClusterKey = one.key, body: Object = body) -> Entry | None:
            if ledger.state.removals.get(key) == state:
                return None
            return ledger.append("remove", body, at=format_moment(datetime.now(UTC)), actor="ci:test", fleet="none")

        append_to_ledger(str(workspace / "ledger.git"), "tst", propose, workspace / "cache")
    _apply(loop, leaving if state != "e" else ())


def _apply(loop: Loop, listed: Sequence[Leaving]) -> None:
    """Deliver what the ledger says, and wait until Flux has applied it, and the folders of clusters it lists."""
    loop.up("tst")
    loop.pull()
    objects, at = loop.management.objects, head(loop.repository("definitions"))
    for name in ("flux.tst", *(one.namespace for one in listed)):
        objects.reconcile(KUSTOMIZE, "Kustomization", name)
        objects.wait_ready("Kustomization", name, revision=at)


def _take_away(loop: Loop, order: str) -> None:
    """Delete an order with its encrypted documents."""
    file = loop.project.root / "stacks" / "fleet" / order
    file.unlink()
    shutil.rmtree(file.with_suffix(".secrets"))


def _deleting(cluster: Object | None) -> Object | None:
    return cluster if cluster and cluster["metadata"].get("deletionTimestamp") else None

from __future__ import annotations

from dataclasses import replace

import pytest

from schiff.rollout.health import Finding, Observation, Seen, Verdict, cluster_health
from tests.rollout.recorded_cluster import Object, World, changed, key, recorded, settled, stage

NAMESPACE = "vsphere-site-1-customer-a-1"
PRUNE = "kustomize.toolkit.fluxcd.io/prune"
BOOTSTRAP = [
    ("kustomize.toolkit.fluxcd.io", "Kustomization", NAMESPACE, f"customer-a-1-{name}")
    for name in ("cni", "flux", "config")
]


def in_state(removal: str) -> World:
    """Return a settled world in which a removal state has just been delivered: nothing of it has happened yet."""
    base = settled()
    kept = [item for item in base.expected.management if key(item) not in BOOTSTRAP]
    if removal != "a":
        kept = [item for item in kept if item["kind"] != "Cluster"]
    if removal in {"d", "e"}:
        kept = [item for item in kept if "toolkit.fluxcd.io" in item["apiVersion"]]
    return replace(base, expected=replace(base.expected, removal=removal, management=tuple(kept)))


def without_kinds(world: World, *kinds: str) -> World:
    for gone in [one for one in world.management if one[1] in kinds]:
        world = world.without(gone)
    return world


def without_bootstrap(world: World) -> World:
    for gone in BOOTSTRAP:
        world = world.without(gone)
    return world


def deleting() -> Object:
    return recorded("capi-deleting-cluster")


def reached(removal: str) -> World:
    """Return a world in which a removal state has done what it is for."""
    world = without_bootstrap(in_state(removal))
    if removal == "a":
        return world.having(changed(stage("settled")["cluster"], ("metadata", "annotations", PRUNE), "enabled"))
    world = without_kinds(world, "Cluster", "Machine")
    if removal in {"d", "e"}:
        world = without_kinds(world, "KubeadmControlPlane", "MachineDeployment")
    if removal == "e":
        world = world.without(("kustomize.toolkit.fluxcd.io", "Kustomization", "schiff-system", NAMESPACE))
    return world


@pytest.mark.parametrize("removal", "abcde")
def test_a_delivered_state_is_not_reached_before_it_has_happened(removal: str) -> None:
    health = in_state(removal).health
    assert (health.verdict, health.reason) == (Verdict.Progressing, "Removing")


@pytest.mark.parametrize("removal", "abcde")
def test_a_state_that_has_happened_is_reached_and_never_healthy(removal: str) -> None:
    health = reached(removal).health
    assert (health.verdict, health.reason) == (Verdict.Progressing, "RemovalReached")
    assert {layer.verdict for layer in health.layers.values()} == {Verdict.Progressing}


def test_a_cluster_that_goes_says_what_it_waits_for() -> None:
    capi = without_bootstrap(in_state("b")).having(deleting()).health.layers["capi"]
    assert capi.reason == "Removing"
    assert "MachineDeployments: customer-a-1-md-0" in capi.message


def test_machines_that_are_left_keep_the_state_from_being_reached() -> None:
    capi = without_kinds(without_bootstrap(in_state("b")), "Cluster").health.layers["capi"]
    assert (capi.reason, capi.object.partition("/")[0]) == ("Removing", "Machine")


@pytest.mark.parametrize("removal", "bcd")
def test_a_failing_kustomization_is_unhealthy_in_a_removal_too(removal: str) -> None:
    health = reached(removal).having(recorded("kustomization-failed-build")).health
    assert (health.verdict, health.reason) == (Verdict.Unhealthy, "BuildFailed")


def test_an_older_tree_has_not_reached_the_state() -> None:
    world = reached("a")
    trees = {one: "0" * 40 for one in world.observed.trees if one[0] == "cluster-definitions"}
    assert replace(world, trees=trees).health.layers["flux"].reason == "TreeNotReached"


@pytest.mark.parametrize("removal", "abcde")
def test_a_tenant_that_is_gone_already_does_not_matter(removal: str) -> None:
    world = reached(removal)
    gone = Seen({}, Finding(Verdict.Unknown, "Unreachable", "connection refused", "Cluster/x"))
    observed = Observation(Seen(world.management), gone, world.observed.trees, world.at)
    assert cluster_health(world.expected, observed).reason == "RemovalReached"


@pytest.mark.parametrize("removal", "abcde")
def test_a_management_cluster_that_cannot_be_read_says_nothing_of_a_removal(removal: str) -> None:
    world = reached(removal)
    gone = Seen({}, Finding(Verdict.Unknown, "Unreachable", "timed out", "schiff-mgmt-x"))
    health = cluster_health(world.expected, Observation(gone, Seen({}), {}, world.at))
    assert (health.verdict, health.reason) == (Verdict.Unknown, "Unreachable")

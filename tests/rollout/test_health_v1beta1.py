"""Servers of Cluster API v1beta1: the recordings as Cluster API's own conversion would give them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from schiff.rollout.health import Verdict
from tests.rollout.recorded_cluster import Object, World, changed, conditioned, key, machines, stage, world

RECORDED_STAGES = ["settled", "upgrade-0-just-applied", "upgrade-1-cp-rolling", "upgrade-3-done", "scale-1-up"]
OTHER: list[Any] = [None, "", "x", 0, 99, True, [], {}]


def as_v1beta1(live: Object) -> Object:
    """Return what a v1beta1 server gives for an object of v1beta2."""
    old = copy.deepcopy(live)
    old["apiVersion"] = f"{live['apiVersion'].rpartition('/')[0]}/v1beta1"
    status = old.get("status", {})
    deprecated = status.pop("deprecated", {}).get("v1beta1", {})
    newer = {"conditions": status.pop("conditions", [])}
    initialization = status.pop("initialization", {})
    for counter in ("readyReplicas", "availableReplicas", "upToDateReplicas"):
        status.pop(counter, None)
    old["status"] = {**status, **deprecated, "v1beta2": newer}
    if live["kind"] == "Cluster":
        old["status"]["controlPlaneReady"] = initialization.get("controlPlaneInitialized", False)
    if live["kind"] == "KubeadmControlPlane":
        old["status"]["initialized"] = initialization.get("controlPlaneInitialized", False)
    return old


def old_server(name: str) -> World:
    objects = stage(name)
    made = machines(objects["kcp"], objects["md"])
    converted = [as_v1beta1(live) for live in objects.values()]
    old_machines = [as_v1beta1(live) if live["kind"] == "Machine" else live for live in made]
    return world([*converted, *old_machines], objects["kcp"]["spec"]["version"])


@pytest.mark.parametrize("name", RECORDED_STAGES)
def test_a_stage_is_healthy_here_where_it_is_with_newer_servers(name: str) -> None:
    healthy = name in {"settled", "upgrade-3-done"}
    assert (old_server(name).health.verdict is Verdict.Healthy) == healthy


def test_a_rollout_is_progress() -> None:
    assert old_server("upgrade-1-cp-rolling").health.layers["capi"].verdict is Verdict.Progressing


def test_a_failed_control_plane_is_unhealthy() -> None:
    base = old_server("settled")
    kcp = next(live for one, live in base.management.items() if one[1] == "KubeadmControlPlane")
    broken = conditioned(kcp, "Ready", status="False", severity="Error", reason="EtcdMemberUnhealthy", message="1 of 3")
    capi = base.having(broken).health.layers["capi"]
    assert (capi.verdict, capi.reason) == (Verdict.Unhealthy, "NotReady")
    assert capi.message == "Ready is False: 1 of 3"


def cases() -> Iterator[tuple[str, tuple[str, ...], Any]]:
    for kind in ("Cluster", "KubeadmControlPlane", "MachineDeployment"):
        yield from ((kind, ("status", "observedGeneration"), value) for value in OTHER)
        yield kind, ("metadata", "annotations", "schiff.example/release"), "head"
        yield kind, ("status",), {}
        yield kind, ("status", "conditions"), None
    yield "Cluster", ("spec", "paused"), True
    for counter in ("replicas", "readyReplicas", "updatedReplicas"):
        yield from (("KubeadmControlPlane", ("status", counter), value) for value in OTHER)
        yield from (("MachineDeployment", ("status", counter), value) for value in OTHER)
    yield from (("MachineDeployment", ("status", "availableReplicas"), value) for value in OTHER)
    for kind in ("KubeadmControlPlane", "MachineDeployment"):
        yield kind, ("status", "unavailableReplicas"), 1
    yield from (("KubeadmControlPlane", ("status", "version"), value) for value in [*OTHER, "v1.35.1"])


@pytest.mark.parametrize(("kind", "path", "value"), list(cases()))
def test_each_field_matters(kind: str, path: tuple[str, ...], value: Any) -> None:
    base = old_server("settled")
    live = next(live for one, live in base.management.items() if one[1] == kind)
    assert base.having(changed(live, path, value)).health.verdict is not Verdict.Healthy


@pytest.mark.parametrize("status", ["False", "Unknown", ""])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Cluster", "Ready"),
        ("Cluster", "ControlPlaneReady"),
        ("Cluster", "InfrastructureReady"),
        ("KubeadmControlPlane", "Ready"),
        ("MachineDeployment", "Ready"),
    ],
)
def test_each_condition_matters(kind: str, name: str, status: str) -> None:
    base = old_server("settled")
    live = next(live for one, live in base.management.items() if one[1] == kind)
    without = [item for item in live["status"]["conditions"] if item["type"] != name]
    wrong = changed(live, ("status", "conditions"), [*without, {"type": name, "status": status}])
    assert base.having(wrong).health.verdict is not Verdict.Healthy
    assert base.having(changed(live, ("status", "conditions"), without)).health.verdict is not Verdict.Healthy


def test_two_versions_beside_each_other_are_read_each_in_its_own_way() -> None:
    base = old_server("settled")
    newer = stage("settled")["md"]
    assert base.having(newer).health.verdict is Verdict.Healthy
    assert key(newer) in base.management

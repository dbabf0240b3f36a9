"""The conditions that Cluster API's own objects must show, as v1beta2 reports them.

`Available` alone is not enough: it stays True in the middle of an upgrade. The
Cluster's mirrored conditions carry the Cluster's generation and say nothing of
the control plane's freshness, so every object is read for itself.

A condition that should be True and is not means a failure, unless machines of
this very object are being made or replaced: then it is what a rollout looks
like. A pool that grows excuses no control plane. One that is Unknown is always
waited for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schiff.rollout.health.conditions import condition, condition_not_observed, found, says
from schiff.rollout.health.reading import at, maps, number, text
from schiff.rollout.health.verdicts import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what must be True, what may lag behind without being a failure, and what must be False."""

    true: tuple[str, ...]
    lagging: tuple[str, ...]
    false: Mapping[str, Verdict]


_MOVING: Final = ("RollingOut", "ScalingUp", "ScalingDown")
_ROLLING: Final = {"RollingOut": Verdict.Progressing, "Remediating": Verdict.Unhealthy}

ROWS: Final = {
    "Cluster": Row(
        true=(
            "Available",
            "InfrastructureReady",
            "ControlPlaneAvailable",
            "WorkersAvailable",
            "ControlPlaneMachinesReady",
            "WorkerMachinesReady",
        ),
        lagging=("ControlPlaneMachinesUpToDate", "WorkerMachinesUpToDate"),
        false={
            **_ROLLING,
            "ScalingUp": Verdict.Progressing,
            "ScalingDown": Verdict.Progressing,
            "Deleting": Verdict.Unhealthy,
            "Paused": Verdict.Unknown,
        },
    ),
    "KubeadmControlPlane": Row(
        true=(
            "Available",
            "CertificatesAvailable",
            "EtcdClusterHealthy",
            "ControlPlaneComponentsHealthy",
            "MachinesReady",
        ),
        lagging=("MachinesUpToDate",),
        false=_ROLLING,
    ),
    "MachineDeployment": Row(true=("Available", "MachinesReady"), lagging=("MachinesUpToDate",), false=_ROLLING),
}

_PROBE = "RemoteConnectionProbe"
_BLOCKED = re.compile(r"blocked because .* do(es)? not exist", re.DOTALL)


def judge(live: Any, kubernetes: str, *, moving: bool) -> Iterator[Finding]:
    """Yield what a Cluster, a control plane or a pool lacks; its freshness has been judged before."""
    kind = text(live, "kind")
    if kind == "Cluster":
        unreachable = list(_unreachable(live, moving=moving))
        if unreachable:
            yield from unreachable
            return
    row = ROWS[kind]
    for name, verdict in row.false.items():
        yield from _should_be(live, name, "False", verdict, name)
    for name in row.true:
        yield from _should_be(live, name, "True", Verdict.Progressing if moving else Verdict.Unhealthy, f"Not{name}")
    for name in row.lagging:
        yield from _should_be(live, name, "True", Verdict.Progressing, f"Not{name}")
    if kind == "KubeadmControlPlane":
        yield from _replicas(live, ("replicas", "readyReplicas", "availableReplicas", "upToDateReplicas"))
        yield from _versions(live, kubernetes)
    if kind == "MachineDeployment":
        yield from _replicas(live, ("replicas", "upToDateReplicas"))


def is_moving(live: Any) -> bool:
    """Return whether an object says that machines are made or replaced, or was never there whole."""
    said = (condition(live, name) for name in _MOVING)
    initialized = at(live, "status", "initialization", "controlPlaneInitialized") is True
    begins = text(live, "kind") != "MachineDeployment" and not initialized
    return begins or any(one is not None and one.status != "False" for one in said)


def blocked(live: Any) -> Iterator[Finding]:
    """Yield that machines cannot be made, which Cluster API says while its status stays one generation behind."""
    one = None if text(live, "kind") == "Cluster" else condition(live, "ScalingUp")
    if one is not None and one.observed == number(live, "metadata", "generation") and _BLOCKED.search(one.message):
        yield found(Verdict.Unhealthy, "TemplateMissing", says("ScalingUp", one), live)


def _unreachable(live: Any, *, moving: bool) -> Iterator[Finding]:
    """Yield that Cluster API cannot see the cluster; what else it says of it is then old."""
    yield from _should_be(live, _PROBE, "True", Verdict.Progressing if moving else Verdict.Unknown, f"Not{_PROBE}")


def _should_be(live: Any, name: str, status: str, otherwise: Verdict, reason: str) -> Iterator[Finding]:
    one = condition(live, name)
    if one is None:
        yield found(Verdict.Unknown, "NotReported", f"condition {name} is not reported", live)
        return
    yield from condition_not_observed(live, name, one)
    if one.status != status:
        verdict = otherwise if one.status in {"True", "False"} else Verdict.Progressing
        yield found(verdict, reason, says(f"{name} is {one.status or 'empty'}", one), live)


def _replicas(live: Any, counters: tuple[str, ...]) -> Iterator[Finding]:
    """Yield that a counter is not what the specification asks for."""
    wanted = number(live, "spec", "replicas")
    for name in counters:
        counted = number(live, "status", name)
        if wanted is None or counted != wanted:
            shown = "nothing" if counted is None else counted
            message = f"status.{name} is {shown}, spec.replicas is {'nothing' if wanted is None else wanted}"
            yield found(Verdict.Progressing, "ReplicasNotReached", message, live)


def _versions(live: Any, kubernetes: str) -> Iterator[Finding]:
    """Yield that control plane machines run another version; newer servers count machines by version."""
    versions = {text(item, "version") for item in maps(live, "status", "versions")}
    running = versions if at(live, "status", "versions") is not None else {text(live, "status", "version")}
    if running != {kubernetes}:
        shown = ", ".join(sorted(filter(None, running))) or "no version"
        message = f"the control plane reports {shown}, {kubernetes} is expected"
        yield found(Verdict.Progressing, "VersionNotReached", message, live)

"""Servers that answer in v1beta1: `Ready`, `ControlPlaneReady`, `InfrastructureReady` and counters.

Conditions of v1beta1 name no generation. The object's generation, the release
annotation and equal versions take that place, so that no clock is needed; the
Machines are compared one by one as with newer servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from schiff.rollout.health.conditions import condition, found, says
from schiff.rollout.health.reading import is_true, maps, number, text
from schiff.rollout.health.verdicts import Finding, Verdict

_TRUE: Final = {
    "Cluster": ("Ready", "ControlPlaneReady", "InfrastructureReady"),
    "KubeadmControlPlane": ("Ready",),
    "MachineDeployment": ("Ready",),
}
_COUNTERS: Final = {
    "Cluster": (),
    "KubeadmControlPlane": ("replicas", "readyReplicas", "updatedReplicas"),
    "MachineDeployment": ("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"),
}


def judge(live: Any, kubernetes: str, *, moving: bool) -> Iterator[Finding]:
    """Yield what a Cluster, a control plane or a pool lacks; its freshness has been judged before."""
    kind = text(live, "kind")
    for name in _TRUE[kind]:
        yield from _should_be_true(live, name, moving=moving)
    if _COUNTERS[kind]:
        yield from _replicas(live, kind)
    if kind == "KubeadmControlPlane" and text(live, "status", "version") != kubernetes:
        running = text(live, "status", "version") or "no version"
        message = f"the control plane reports {running}, {kubernetes} is expected"
        yield found(Verdict.Progressing, "VersionNotReached", message, live)


def is_moving(live: Any) -> bool:
    """Return whether the counters of an object say that machines are made or replaced."""
    kind = text(live, "kind")
    if kind == "KubeadmControlPlane" and not is_true(live, "status", "initialized"):
        return True
    wanted = number(live, "spec", "replicas")
    return any(number(live, "status", name) != wanted for name in _COUNTERS[kind] if name != "readyReplicas")


def _should_be_true(live: Any, name: str, *, moving: bool) -> Iterator[Finding]:
    one = condition(live, name)
    if one is None:
        yield found(Verdict.Unknown, "NotReported", f"condition {name} is not reported", live)
    elif one.status != "True":
        severe = any(text(item, "type") == name and text(item, "severity") == "Error" for item in _conditions(live))
        failed = one.status == "False" and (severe or not moving)
        verdict = Verdict.Unhealthy if failed else Verdict.Progressing
        yield found(verdict, f"Not{name}", says(f"{name} is {one.status or 'empty'}", one), live)


def _conditions(live: Any) -> Iterator[Any]:
    yield from maps(live, "status", "conditions")


def _replicas(live: Any, kind: str) -> Iterator[Finding]:
    wanted = number(live, "spec", "replicas")
    counters = {name: number(live, "status", name) for name in _COUNTERS[kind]}
    counters["unavailableReplicas"] = number(live, "status", "unavailableReplicas") or 0
    for name, counted in counters.items():
        expected = 0 if name == "unavailableReplicas" else wanted
        if expected is None or counted != expected:
            message = f"status.{name} is {counted}, {expected} is expected"
            yield found(Verdict.Progressing, "ReplicasNotReached", message, live)

"""What every Flux object must show before its own row of the table counts.

1. It is there, is not being deleted, and a controller has spoken of it. What is suspended is Unknown, however green.
2. Its specification is the delivered one; somebody else's change, or one on its way, is not judged by old words.
3. `Ready` is reported for the present generation; no condition changed after it was seen.
4. `Stalled` and a failed `Ready` are failures, except what only waits for something else that is judged for itself.
   `Ready` Unknown is a controller at work, also when it never ends: nothing is a failure that is not called one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from schiff.rollout.health.conditions import (
    Condition,
    absent,
    condition,
    condition_not_observed,
    found,
    from_the_future,
    not_there,
    says,
)
from schiff.rollout.health.reading import at, covers, text
from schiff.rollout.health.verdicts import Finding, Verdict

_WAITING: Final = {"DependencyNotReady", "ArtifactFailed", "SourceNotReady", "Progressing", "ProgressingWithRetry"}
"""Reasons of a failed `Ready` that only wait: for another object, or for an artifact of a source."""


def not_judgeable(delivered: Mapping[str, Any], live: Any, moment: datetime) -> Iterator[Finding]:
    """Yield why what an object says does not count (1 to 3); one of which nothing is reported is judged by 2 alone."""
    missing = [*not_there(delivered, live)]
    if missing:
        yield from missing
        return
    if at(live, "spec", "suspend") not in (None, False):
        yield found(Verdict.Unknown, "Suspended", "Flux does not reconcile it", live)
        return
    silent = [one for one in absent(live) if one.reason != "NotReported" or not is_static(delivered, live)]
    if silent:
        yield from silent
        return
    if not covers(at(live, "spec"), at(delivered, "spec") or {}):
        yield found(Verdict.Progressing, "SpecNotReached", "it does not carry what was delivered yet", live)
    if not is_static(delivered, live):
        yield from from_the_future(live, moment)
        yield from must_be_fresh(live, "Ready")


def is_static(delivered: Mapping[str, Any], live: Any) -> bool:
    """Return whether an object is an address alone, of which no controller reports anything."""
    told = live if at(delivered, "spec") is None else delivered
    return text(delivered, "kind") == "HelmRepository" and text(told, "spec", "type") == "oci"


def must_be_fresh(live: Any, name: str) -> Iterator[Finding]:
    """Yield that a condition is missing or speaks of another generation."""
    one = condition(live, name)
    if one is None:
        yield found(Verdict.Unknown, "NotReported", f"condition {name} is not reported", live)
    else:
        yield from condition_not_observed(live, name, one, required=True)


def must_be_true(live: Any, name: str) -> Iterator[Finding]:
    """Yield that a condition is not True, in the controller's own words."""
    yield from must_be_fresh(live, name)
    one = condition(live, name)
    if one is not None and one.status != "True":
        yield failed(live, name, one)


def at_work(live: Any) -> Iterator[Finding]:
    """Yield that a controller is at work or has given up (4)."""
    stalled, reconciling = condition(live, "Stalled"), condition(live, "Reconciling")
    if stalled is not None and stalled.status != "False":
        yield found(Verdict.Unhealthy, "Stalled", says("Flux has given up", stalled), live)
    if reconciling is not None and reconciling.status != "False":
        yield found(Verdict.Progressing, "Reconciling", says("Flux is at work", reconciling), live)


def failed(live: Any, name: str, one: Condition) -> Finding:
    """Return the finding on a condition that is not True."""
    verdict = Verdict.Unhealthy if one.status == "False" and one.reason not in _WAITING else Verdict.Progressing
    reason = one.reason if one.reason.isalnum() else f"Not{name}"
    return found(verdict, reason, says(f"{name} is {one.status or 'empty'}", one), live)

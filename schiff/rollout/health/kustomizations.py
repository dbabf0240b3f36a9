"""Flux Kustomizations: applied, from the delivered tree, and through to the end.

A failure counts only when the revision that failed holds our tree: before, it
is the failure of something older. What a Kustomization applies to another
cluster can fail because that cluster is not there yet, or not any more; neither
is a failure of what was delivered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schiff.rollout.health.conditions import Condition, condition, found, says
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.flux_object import at_work, failed
from schiff.rollout.health.observed import Observation
from schiff.rollout.health.reading import at, text
from schiff.rollout.health.references import repository_of
from schiff.rollout.health.trees import tree_not_reached
from schiff.rollout.health.verdicts import Finding, Verdict

_SUCCEEDED: Final = "ReconciliationSucceeded"
_UNREACHABLE: Final = (
    "unable to read KubeConfig secret",
    "failed to get server groups",
    "connection refused",
    "i/o timeout",
    "no such host",
    "no route to host",
    "x509:",
    "Unauthorized",
)
"""How Flux says that it did not get as far as the other cluster's API server, or was not let in."""


def judge_kustomization(
    expected: Expected, observed: Observation, delivered: Mapping[str, Any], live: Any, *, initialized: bool
) -> Iterator[Finding]:
    """Yield what a Kustomization lacks; `initialized`: the tenant has had a control plane before."""
    ready = condition(live, "Ready")
    if ready is not None and ready.status == "False":
        yield _failure(expected, observed, delivered, live, ready, initialized=initialized)
        return
    yield from at_work(live)
    if ready is None or ready.status != "True":
        shown = ready or Condition("", "", "", None)
        yield found(Verdict.Progressing, "Reconciling", says(f"Ready is {shown.status or 'empty'}", shown), live)
    applied, attempted = (text(live, "status", f"last{word}Revision") for word in ("Applied", "Attempted"))
    if applied != attempted:
        message = f"{attempted or 'no revision'} was attempted, {applied or 'none'} is applied"
        yield found(Verdict.Progressing, "RevisionNotApplied", message, live)
    if repository_of(delivered):
        yield from tree_not_reached(expected, observed, delivered, live, applied)
    last = text(live, "status", "history", 0, "lastReconciledStatus")
    if last != _SUCCEEDED:
        message = f"the last reconciliation in its history is {last or 'not told'}"
        yield found(Verdict.Progressing, "HistoryNotSucceeded", message, live)


def _failure(
    expected: Expected,
    observed: Observation,
    delivered: Mapping[str, Any],
    live: Any,
    ready: Condition,
    *,
    initialized: bool,
) -> Finding:
    """Return what a failed `Ready` means."""
    stalled = condition(live, "Stalled")
    failure = failed(live, "Ready", ready)
    if failure.verdict is not Verdict.Unhealthy:
        return failure
    if stalled is not None and stalled.status == "True":
        return found(Verdict.Unhealthy, "Stalled", says("Flux has given up", stalled), live)
    attempted = text(live, "status", "lastAttemptedRevision")
    ours = repository_of(delivered) and attempted
    older = list(tree_not_reached(expected, observed, delivered, live, attempted)) if ours else []
    if older:
        return older[0]
    if at(delivered, "spec", "kubeConfig") is not None and any(words in ready.message for words in _UNREACHABLE):
        verdict, reason = (
            (Verdict.Unknown, "TenantUnreachable") if initialized else (Verdict.Progressing, "TenantNotThere")
        )
        return found(verdict, reason, says("the tenant cannot be reached", ready), live)
    return failure

"""Flux sources: ready, verified where that is asked for, and holding the tree that was delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schiff.rollout.health.conditions import found
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.flux_object import at_work, must_be_true
from schiff.rollout.health.observed import Observation
from schiff.rollout.health.reading import at, text
from schiff.rollout.health.references import repository_of
from schiff.rollout.health.trees import tree_not_reached
from schiff.rollout.health.verdicts import Finding, Verdict


def judge_source(
    expected: Expected, observed: Observation, delivered: Mapping[str, Any], live: Any
) -> Iterator[Finding]:
    """Yield what a source lacks; its freshness has been judged before."""
    yield from at_work(live)
    yield from must_be_true(live, "Ready")
    if at(live, "spec", "verify") is not None or at(delivered, "spec", "verify") is not None:
        yield from must_be_true(live, "SourceVerified")
    revision = text(live, "status", "artifact", "revision")
    if repository_of(delivered):
        yield from tree_not_reached(expected, observed, delivered, live, revision)
    digest = text(delivered, "spec", "ref", "digest")
    if digest and not revision.endswith(digest):
        message = f"it holds {revision or 'nothing'}, {digest} is expected"
        yield found(Verdict.Progressing, "ChartNotReached", message, live)

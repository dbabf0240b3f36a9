"""What the ledgers say about releases under way, in the form that dates are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from schiff.model.fleet import SharedLayers
from schiff.rollout.itinerary import Passage, Traveller
from schiff.rollout.moments import parse_moment
from schiff.rollout.names import release_order
from schiff.rollout.plan import Plan
from schiff.rollout.stage import Stage
from schiff.rollout.waves import plan_duration
from schiff.values.names import ClusterKey, Environment

Stages = Mapping[Environment, Stage]


def travellers(releases: Iterable[SharedLayers], stages: Stages) -> tuple[Traveller, ...]:
    """Return every release with where it has been, oldest first."""
    ordered = sorted(releases, key=lambda layers: release_order(layers.release))
    return tuple(
        Traveller(
            name=layers.release.name,
            digest=layers.digest,
            passages=dict(_passages(layers, stages)),
            revoked=any(layers.digest in stage.revoked for stage in stages.values()),
        )
        for layers in ordered
    )


def turns(plan: Plan) -> Mapping[ClusterKey, timedelta]:
    """Return how long after the start of a rollout each member's wave begins, when nothing fails."""
    return {
        key: plan_duration(replace(plan, waves=plan.waves[:number]))
        for number, wave in enumerate(plan.waves)
        for key in wave.clusters
    }


def _passages(layers: SharedLayers, stages: Stages) -> Iterator[tuple[Environment, Passage]]:
    for environment, stage in stages.items():
        if (passage := _passage(layers, stage)) is not None:
            yield environment, passage


def _passage(layers: SharedLayers, stage: Stage) -> Passage | None:
    """Return a release's passage through one environment.

    What was there from the beginning has nothing to show any more. A rollout
    that another one followed before it had soaked earns nothing further, as if
    it had never come: it is overtaken.
    """
    rollout = stage.rollout_of(layers.digest)
    if rollout is None:
        cut = layers.release.cut
        known = layers.digest in stage.completed_releases and cut is not None
        return Passage(parse_moment(cut), needed=timedelta()) if known and cut is not None else None
    if rollout is not stage.rollout and rollout.soak.earned < rollout.required_soak:
        return None
    stopped = rollout.halted or rollout.over_budget if rollout is stage.rollout else None
    return Passage(rollout.started, rollout.soak.earned, rollout.required_soak, stopped)

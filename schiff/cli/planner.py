"""The plan of a release through an environment as it would be frozen now: for a step, and for who asks ahead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from schiff.compiler.cluster_variant import variants_of
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignments
from schiff.rollout.assignments import assignments
from schiff.rollout.genesis import with_genesis
from schiff.rollout.ledger import Ledger
from schiff.rollout.plan import Plan
from schiff.rollout.planning import on_release, plan_of
from schiff.sources.plugins import load_parts
from schiff.values.names import ClusterKey, Environment


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans for one environment; the other ledgers say which machines stand at the same sites already."""

    environment: Environment
    ledgers: Mapping[Environment, Ledger]
    fleet: Fleet
    assigned: Assignments
    held: Collection[ClusterKey]

    def plan(self, digest: str) -> Plan:
        """Return the plan; raises `Refused` with everything that stands in the way."""
        layers = self.fleet.releases[digest]
        there = on_release(self.fleet, self.environment, self.assigned, layers)
        resolved = resolve_environment(self.fleet, self.environment, there)
        return plan_of(
            resolved,
            layers,
            self.assigned,
            self.fleet.policy,
            variants=variants_of(resolved, load_parts()),
            held=self.held,
            others=[
                resolve_environment(self.fleet, name, assignments(with_genesis(other, self.fleet), self.fleet, name))
                for name, other in self.ledgers.items()
                if name != self.environment
            ],
        )

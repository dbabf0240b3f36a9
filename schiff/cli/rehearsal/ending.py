"""How a season ends: what every environment runs, and what holding costs those who hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schiff.cli.customers import RolledMachines
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedCluster
from schiff.rollout.assignments import assignments
from schiff.rollout.capacity import machines_of
from schiff.rollout.holds import HeldCluster, held_clusters
from schiff.rollout.ledger import Ledger
from schiff.rollout.way_back import Standing
from schiff.sources.chains import Chains
from schiff.sources.plugins import load_parts
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, Environment


@dataclass(frozen=True, slots=True)
class Ending:
    """The last day, from the chains that a season leaves."""

    fleet: Fleet
    chains: Chains
    now: datetime

    def lines(self) -> Iterator[str]:
        """Yield the end of the story for people."""
        for environment in ENVIRONMENTS:
            ledger = self.chains.ledgers[environment]
            done = ", ".join(self._completed(ledger))
            yield f"{environment}: {len(ledger.entries)} entries verified; completed here: {done}"
            for name, clusters in self._running(environment).items():
                yield f"  {name}: {', '.join(clusters)}"
        for one in self.held:
            yield f"{one.key}: held for {one.days_held} days by {one.hold.by}: {one.hold.reason}"
            yield f"  {one.debt.sentence()}"
            yield f"  {one.way_sentence()}"

    def as_json(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return {
            "environments": {
                environment: {
                    "entries": len(self.chains.ledgers[environment].entries),
                    "completed": self._completed(self.chains.ledgers[environment]),
                    "clusters": self._running(environment),
                }
                for environment in ENVIRONMENTS
            },
            "held": [one.as_json() for one in self.held],
        }

    def _completed(self, ledger: Ledger) -> list[str]:
        return [self.fleet.releases[digest].release.name for digest in ledger.state.completed_releases]

    def _assigned(self, environment: Environment) -> Assignments:
        return assignments(self.chains.ledgers[environment], self.fleet, environment)

    def _running(self, environment: Environment) -> dict[str, list[str]]:
        """Return the clusters by what they run."""
        found: dict[str, list[str]] = {}
        for key, run in self._assigned(environment).tenants.items():
            name = HEAD if run.release == HEAD else self.fleet.releases[run.release].release.name
            found.setdefault("gone" if run.removal == "e" else name, []).append(str(key))
        return dict(sorted(found.items()))

    @property
    def held(self) -> tuple[HeldCluster, ...]:
        """The production clusters that are held, with debt and way back."""
        resolved = resolve_environment(self.fleet, "prd", self._assigned("prd"))
        count = RolledMachines(self.fleet, load_parts())

        def machines(cluster: ResolvedCluster, way: Sequence[Standing]) -> int:
            if not way:
                return machines_of(cluster)
            return count(cluster, Assignment(way[-1].release, way[-1].kubernetes))

        stage = self.chains.ledgers["prd"].state
        return held_clusters(resolved.tenants.values(), self.fleet, stage, self.now, machines)

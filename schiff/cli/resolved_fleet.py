"""Every cluster of the fleet as it is assigned now: what questions about all of them ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schiff.cli.compiled import Reading
from schiff.cli.fleet_check import on_head
from schiff.cli.project import parse_environment
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignments
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.rollout.genesis import newest_release
from schiff.values.names import ENVIRONMENTS, Environment


@dataclass(frozen=True, slots=True)
class ResolvedFleet:
    """A fleet and its environments, each resolved for what its ledger assigns, or would at its beginning."""

    fleet: Fleet
    environments: tuple[ResolvedEnvironment, ...]

    @classmethod
    def read(cls, environment: str, fleet: Path | None, ledger: str) -> ResolvedFleet:
        """Read one environment, or all of them when none is named; raises `InvalidInput` for a broken one."""
        chosen: Sequence[Environment] = (parse_environment(environment),) if environment else ENVIRONMENTS
        reading = Reading.of(chosen[0], fleet, ledger)
        found = (resolve_environment(reading.fleet, name, _assigned(reading, name)) for name in chosen)
        return cls(reading.fleet, tuple(found))

    @property
    def clusters(self) -> list[ResolvedCluster]:
        """Every tenant cluster, then every management cluster, each once, sorted."""
        tenants = [cluster for each in self.environments for cluster in each.tenants.values()]
        managers = {name: one for each in self.environments for name, one in each.management_clusters.items()}
        ordered = sorted(tenants, key=lambda cluster: cluster.identity.key)
        return [*ordered, *(managers[name] for name in sorted(managers))]


def _assigned(reading: Reading, name: Environment) -> Assignments:
    """Return what clusters run; in a fleet without any release all of them follow head."""
    return on_head(reading.fleet, name) if newest_release(reading.fleet) is None else reading.assigned(name)[0]

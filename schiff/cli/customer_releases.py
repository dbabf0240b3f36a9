"""What comes to the clusters of one customer, read from the fleet and the ledgers of all environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from schiff.cli.chains import verified_chains
from schiff.cli.compiled import settings_of
from schiff.cli.customers import RolledMachines
from schiff.cli.planner import Planner
from schiff.errors import InvalidInput, Refused
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.rollout.assignments import assignments
from schiff.rollout.calendar import Arrival, Stop, arrivals
from schiff.rollout.capacity import machines_of
from schiff.rollout.genesis import with_genesis
from schiff.rollout.itinerary import NEXT_TRAIN, itinerary
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.plan import ManagementMember, Plan
from schiff.rollout.trains import next_train
from schiff.rollout.travellers import travellers, turns
from schiff.rollout.waves import expected_duration
from schiff.sources.fleet_files import load_fleet
from schiff.sources.plugins import load_parts
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment


@dataclass(frozen=True, slots=True)
class _Place:
    """One environment: its ledger, and what its clusters run."""

    ledger: Ledger
    assigned: Assignments
    resolved: ResolvedEnvironment


@dataclass(frozen=True, slots=True)
class CustomerReleases:
    """A customer's clusters, and everything that bears on when releases reach them."""

    customer: str
    fleet: Fleet
    places: Mapping[Environment, _Place]

    @classmethod
    def read(cls, customer: str, fleet: Path | None, ledger: str) -> CustomerReleases:
        """Read the fleet and the three ledgers, which have to hold; options win over the settings of the stacks."""
        workspace, settings = settings_of(ENVIRONMENTS[-1], ledger)
        loaded = load_fleet(fleet or workspace.root / settings.fleet)
        chains = verified_chains(ENVIRONMENTS[-1], fleet, ledger)
        return cls(customer, loaded, {name: _place(loaded, name, found) for name, found in chains.ledgers.items()})

    @property
    def followers(self) -> tuple[ClusterKey, ...]:
        """The customer's clusters that run head: no release ever reaches them."""
        return tuple(sorted(one.identity.key for one in self._clusters if one.assignment.release == HEAD))

    def arrivals(self, now: datetime) -> tuple[Arrival, ...]:
        """Return what comes, earliest first."""
        own = {one.identity.key: one for one in self._clusters if one.assignment.release != HEAD}
        stages = {name: place.ledger.state for name, place in self.places.items()}
        under_way = travellers(self.fleet.releases.values(), stages)
        count = RolledMachines(self.fleet, load_parts())

        def machines(key: ClusterKey, digest: str) -> int:
            release = HEAD if digest == NEXT_TRAIN else digest
            there = Assignment(release, self.fleet.layers_of(release).release.kubernetes.version)
            return count(own[key], there)

        @cache
        def starts(environment: Environment, digest: str) -> Mapping[ClusterKey, timedelta]:
            plan = self._plan(environment, digest, now)
            return {} if plan is None else turns(plan)

        def offset(key: ClusterKey, digest: str) -> timedelta:
            return starts(own[key].spec.environment, digest).get(key, timedelta())

        dates = itinerary(under_way, self.fleet.policy, max(now, self._train), now)
        stops = [self._stop(cluster) for cluster in own.values()]
        return arrivals(stops, dates, self.fleet.policy, now, machines=machines, offset=offset)

    @property
    def _clusters(self) -> Iterator[ResolvedCluster]:
        """Yield the customer's clusters, without those that leave."""
        for place in self.places.values():
            for cluster in place.resolved.tenants.values():
                if cluster.identity.customer == self.customer and cluster.assignment.removal is None:
                    yield cluster

    @property
    def _train(self) -> datetime:
        """The moment before which no train is cut."""
        cuts = (it.release.cut for it in self.fleet.releases.values() if it.release.kind == "train")
        last = max(filter(None, cuts), default=None)
        return next_train(self.fleet.policy.trains, None if last is None else parse_moment(last))

    def _stop(self, cluster: ResolvedCluster) -> Stop:
        policy, environment = self.fleet.policy, cluster.spec.environment
        key, machines = cluster.identity.key, machines_of(cluster)
        return Stop(
            key=key,
            environment=environment,
            customer=self.customer,
            release=cluster.assignment.release,
            takes=expected_duration(ManagementMember(str(key), machines, cluster.assignment, ()), policy),
            windows=cluster.spec.windows or policy.environment(environment).windows,
            hold=cluster.spec.hold,
        )

    def _plan(self, environment: Environment, digest: str, now: datetime) -> Plan | None:
        """Return the plan of a rollout that runs, else the one that would be made now; None where none can be."""
        place = self.places[environment]
        rollout = place.ledger.state.rollout_of(digest)
        layers = self.fleet.releases.get(digest)
        if rollout is not None or layers is None:
            return None if rollout is None else rollout.plan
        held = [
            key
            for key, cluster in place.resolved.tenants.items()
            if cluster.spec.hold is not None and cluster.spec.hold.is_open(now)
        ]
        ledgers = {name: one.ledger for name, one in self.places.items()}
        try:
            return Planner(environment, ledgers, self.fleet, place.assigned, held).plan(digest)
        except (InvalidInput, Refused):
            return None


def _place(fleet: Fleet, environment: Environment, ledger: Ledger) -> _Place:
    found = with_genesis(ledger, fleet)
    assigned = assignments(found, fleet, environment)
    return _Place(found, assigned, resolve_environment(fleet, environment, assigned))

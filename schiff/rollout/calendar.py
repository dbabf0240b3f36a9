"""Which release reaches which cluster when, for the customer whose clusters they are.

All dates are the earliest that policy allows (`schiff.rollout.itinerary`), moved
to where no freeze holds and a window of the cluster has room. In `prd` the last
day to hold is the one before: a hold that is merged by then keeps the release
away. While a hold is open the release passes by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from schiff.model.policy import PolicySpec
from schiff.model.tenant_cluster import HoldSpec
from schiff.model.windows import WindowSpec
from schiff.rollout.itinerary import Entry, Itinerary
from schiff.rollout.moments import format_moment
from schiff.rollout.windows import Scope, closed
from schiff.values.instants import Instant
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stop:
    """A cluster that releases reach: what bears on when they do.

    `release` is the digest of what it runs; `takes` is how long one move is
    expected to take.
    """

    key: ClusterKey
    environment: Environment
    customer: str
    release: str
    takes: timedelta
    windows: tuple[WindowSpec, ...] = ()
    hold: HoldSpec | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A release that reaches a cluster: when at the earliest, what it replaces, until when it can be held off."""

    cluster: ClusterKey
    environment: Environment
    release: str
    digest: str
    at: datetime | None
    machines: int
    last_day_to_hold: date | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for ``--json``; what nobody can say is null."""
        return {
            "cluster": str(self.cluster),
            "environment": self.environment,
            "release": self.release,
            "earliest": None if self.at is None else format_moment(self.at),
            "machines": self.machines,
            "lastDayToHold": None if self.last_day_to_hold is None else self.last_day_to_hold.isoformat(),
            "note": self.note,
        }


Machines = Callable[[ClusterKey, str], int]
"""Says how many machines of a cluster a release replaces, by the release's digest."""

Offset = Callable[[ClusterKey, str], timedelta]
"""Says how long after a release entered its environment a cluster's turn comes at the earliest."""


def arrivals(
    stops: Iterable[Stop],
    plan: Itinerary,
    policy: PolicySpec,
    now: datetime,
    *,
    machines: Machines,
    offset: Offset,
) -> tuple[Arrival, ...]:
    """Return everything that is to come, earliest first; what nobody can date comes last."""
    found = [
        _arrival(stop, entry, policy, now, machines=machines, offset=offset)
        for stop in stops
        for entry in _ahead(stop, plan[stop.environment])
    ]
    return tuple(sorted(found, key=_order))


def _ahead(stop: Stop, entries: Sequence[Entry]) -> Iterator[Entry]:
    """Yield the releases that come to a cluster: those after its own, without what others overtook since."""
    reached = [number + 1 for number, entry in enumerate(entries) if entry.traveller.digest == stop.release]
    entered = [number for number, entry in enumerate(entries) if stop.environment in entry.traveller.passages]
    yield from entries[max([0, *reached, *entered]) :]


def _arrival(
    stop: Stop, entry: Entry, policy: PolicySpec, now: datetime, *, machines: Machines, offset: Offset
) -> Arrival:
    release = entry.traveller
    at, note = entry.at, entry.reason
    if at is not None:
        at, note = _opened(stop, max(now, at + offset(stop.key, release.digest)), policy)
    return Arrival(
        cluster=stop.key,
        environment=stop.environment,
        release=release.name,
        digest=release.digest,
        at=at,
        machines=machines(stop.key, release.digest),
        last_day_to_hold=_last_day(stop, at, now),
        note=note,
    )


def _opened(stop: Stop, at: datetime, policy: PolicySpec) -> tuple[datetime | None, str]:
    """Return the first moment from `at` at which hold, freezes and windows let the cluster start, and what moved it."""
    note = ""
    if stop.hold is not None and stop.hold.is_open(at):
        if stop.hold.until is None:
            return None, f"held by {stop.hold.by}: it passes by"
        at, note = Instant.parse(stop.hold.until).moment, f"held by {stop.hold.by} until then"
    scope = Scope(stop.environment, stop.key.site, stop.customer, stop.key)
    shut = closed(stop.windows, policy.freezes, at, stop.takes, scope)
    if shut is None:
        return at, note
    return shut.until, "; ".join(filter(None, (note, shut.reason)))


def _last_day(stop: Stop, at: datetime | None, now: datetime) -> date | None:
    """Return the last whole day before a release comes to a production cluster; None once it is too late."""
    if stop.environment != ENVIRONMENTS[-1] or at is None:
        return None
    last = at.date() - _DAY
    return last if last >= now.date() else None


def _order(arrival: Arrival) -> tuple[bool, str, str, ClusterKey, str]:
    at = "" if arrival.at is None else format_moment(arrival.at)
    return (arrival.at is None, at, arrival.environment, arrival.cluster, arrival.release)

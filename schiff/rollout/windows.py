"""When a cluster may start to move: the rules of windows and freezes, in the order of the code.

1. A freeze that covers the cluster beats every window: from its first moment until before its last, nothing starts.
2. Without windows a cluster may start at any time.
3. Else the move must fit: from now for as long as it is expected to take, some window is open without a break.
   Windows that touch or overlap are one.
4. Windows are wall time, lengths are elapsed time: in the night in which clocks are put forward a window is an hour
   shorter. Where clocks show a time twice, a window opens at the last and closes at the first of the two, so it is
   never open while the wall says otherwise.

Both gate starting alone. What runs finishes, and stopping or going back asks nobody here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from schiff.model.windows import FreezeSpec, WindowSpec
from schiff.rollout.moments import format_moment
from schiff.values.durations import format_duration
from schiff.values.names import ClusterKey, Environment
from schiff.values.wall_time import WEEKDAYS

_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""The first of a fortnight in which no clock changes: it tells of all, for windows repeat every week."""

_AHEAD = 15
"""Days that are looked at: windows repeat every week, and clocks change in one of two."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where something starts; of a management cluster only the environment, so a freeze of one site leaves it alone."""

    environment: Environment
    site: str | None = None
    customer: str | None = None
    cluster: ClusterKey | None = None


class Closed(NamedTuple):
    """Why nothing may start, and when it may; None where no moment can be named."""

    reason: str
    until: datetime | None


class _Open(NamedTuple):
    start: datetime
    end: datetime


def closed(
    windows: Sequence[WindowSpec], freezes: Iterable[FreezeSpec], now: datetime, duration: timedelta, scope: Scope
) -> Closed | None:
    """Return why a cluster may not start now, or None when it may."""
    covering = [freeze for freeze in freezes if _covers(freeze, scope)]
    until = _next_start(windows, covering, now, duration)
    if until == now:
        return None
    freeze = _frozen(covering, now)
    if freeze is not None:
        return Closed(f"frozen until {freeze.until}: {freeze.reason}", until)
    takes = format_duration(duration)
    if until is None:
        return Closed(f"no window of the next two weeks is open for {takes}: {_named(windows)}", None)
    return Closed(f"no window is open for {takes} before {format_moment(until)}: {_named(windows)}", until)


def is_ever_open(windows: Sequence[WindowSpec], duration: timedelta) -> bool:
    """Return whether something that takes so long may start at all; without windows it may."""
    return not windows or _room(windows, _SOME_DAY, duration) is not None


def _named(windows: Sequence[WindowSpec]) -> str:
    return "; ".join(map(str, windows))


def _covers(freeze: FreezeSpec, scope: Scope) -> bool:
    named = freeze.scope
    return (
        (not named.environment or scope.environment in named.environment)
        and (not named.site or scope.site in named.site)
        and (not named.customer or scope.customer in named.customer)
        and (not named.cluster or scope.cluster in named.cluster)
    )


def _frozen(freezes: Sequence[FreezeSpec], at: datetime) -> FreezeSpec | None:
    """Return the freeze that holds at a moment; of several the one that ends last."""
    holding = [freeze for freeze in freezes if freeze.from_.moment <= at < freeze.until.moment]
    return max(holding, key=lambda freeze: freeze.until, default=None)


def _next_start(
    windows: Sequence[WindowSpec], freezes: Sequence[FreezeSpec], now: datetime, duration: timedelta
) -> datetime | None:
    """Return the first moment from now at which nothing is frozen and a window has room."""
    at: datetime | None = now
    while at is not None:
        at = _room(windows, at, duration) if windows else at
        freeze = _frozen(freezes, at) if at is not None else None
        if freeze is None:
            return at
        at = freeze.until.moment
    return None


def _room(windows: Sequence[WindowSpec], at: datetime, duration: timedelta) -> datetime | None:
    """Return the first moment from `at` that is followed by so much open time."""
    for opening in _openings(windows, at):
        start = max(opening.start, at)
        if start + duration <= opening.end:
            return start
    return None


def _openings(windows: Sequence[WindowSpec], at: datetime) -> Iterator[_Open]:
    """Give the times of the next two weeks in which some window is open, earliest first, those that touch as one."""
    days = [at.date() + timedelta(days=number) for number in range(-2, _AHEAD + 1)]
    current: _Open | None = None
    for opening in sorted(found for window in windows for day in days for found in _opening(window, day)):
        if current is None or opening.start > current.end:
            if current is not None:
                yield current
            current = opening
        else:
            current = _Open(current.start, max(current.end, opening.end))
    if current is not None:
        yield current


@lru_cache(maxsize=4096)
def _opening(window: WindowSpec, day: date) -> tuple[_Open, ...]:
    """Return when a window that opens on this day is open; clocks may skip it."""
    if WEEKDAYS[day.weekday()] not in window.days:
        return ()
    start = window.from_.on(day, window.zone, last=True)
    ends = day if window.until > window.from_ else day + timedelta(days=1)
    end = window.until.on(ends, window.zone)
    return (_Open(start, end),) if start < end else ()

"""When the next train may be cut: `every` and `on` of the policy, from the train before.

A train runs by the calendar of people: on one weekday at one time of one zone,
every n weeks. So the next one may be cut at the n-th such moment after the cut
of the last, and never in between, however late that one was: a train that waited
moves the calendar by no day. It is the earliest moment; what a train waits for
beyond it is not the calendar's. Hotfixes are no trains and move nothing.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from schiff.model.policy import TrainsPolicy
from schiff.values.wall_time import WEEKDAYS, WeeklyMoment, zone_info

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When the first train may be cut: before anything was."""

_WEEK: Final = timedelta(weeks=1)


def next_train(trains: TrainsPolicy, last: datetime | None) -> datetime:
    """Return the earliest moment of the next cut, in UTC, given when the last train was cut."""
    if last is None:
        return AT_ONCE
    first = _first_day_after(trains.on, last)
    return trains.on.on(first + (_weeks(trains) - 1) * _WEEK)


def _weeks(trains: TrainsPolicy) -> int:
    """Return `every` in weeks; an interval that is no whole number of them is not cut short."""
    return -(-trains.every.delta // _WEEK)


def _first_day_after(on: WeeklyMoment, moment: datetime) -> date:
    """Return the first day whose moment comes after the given one.

    It looks from the day before, because a time of 24:00 is on the next.
    """
    day = moment.astimezone(zone_info(on.zone)).date() - timedelta(days=1)
    day += timedelta(days=(WEEKDAYS.index(on.weekday) - day.weekday()) % len(WEEKDAYS))
    return day if on.on(day) > moment else day + _WEEK

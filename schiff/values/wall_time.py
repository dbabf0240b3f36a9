"""Time as people in one place read it off the wall: weekdays, times of day, and the zone that gives them meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)

_ZONE: Final = re.compile(r"[A-Z][A-Za-z_]*(/[A-Za-z0-9_+-]+)+|UTC")
_TIME: Final = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")


@cache
def zone_info(name: str) -> ZoneInfo:
    """Return the rules of a zone; raises `InvalidValue` with the nearest name.

    Names that mean another zone on another machine (``localtime``) are none.
    """
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass
    near = get_close_matches(name, available_timezones(), n=1)
    known = near[0] if near else "Europe/Berlin"
    raise InvalidValue(f"{name!r} is not a time zone (expected its IANA name, e.g. {known})")


def _zone(name: str) -> str:
    zone_info(name)
    return name


Zone = Annotated[str, AfterValidator(_zone)]


@dataclass(frozen=True, order=True, slots=True)
class WallTime(Parsed):
    """A time of day from ``00:00`` to ``24:00``, which is the end of the day."""

    minutes: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``HH:MM``; raises `InvalidValue`."""
        match = _TIME.fullmatch(text)
        minutes = int(match[1]) * 60 + int(match[2]) if match else -1
        if not 0 <= minutes <= 24 * 60:
            raise InvalidValue(f"{text!r} is not a time of day (expected 00:00 to 24:00, e.g. 22:30)")
        return cls(minutes)

    def on(self, day: date, zone: str, *, last: bool = False) -> datetime:
        """Return the moment at which clocks of a zone show it, in UTC.

        What clocks show twice is the first of the two, or the last; what they
        skip is the moment at which they are put forward.
        """
        days, minutes = divmod(self.minutes, 24 * 60)
        clock = time(minutes // 60, minutes % 60, fold=last)
        local = datetime.combine(day + timedelta(days=days), clock, zone_info(zone))
        moment = local.astimezone(UTC)
        return moment if _shown(moment, local) else _gap_end(local)

    def __str__(self) -> str:
        return f"{self.minutes // 60:02}:{self.minutes % 60:02}"


def _shown(moment: datetime, local: datetime) -> bool:
    """Return whether clocks show `local` at this moment: not when they skip it."""
    return moment.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)


def _gap_end(local: datetime) -> datetime:
    """Return the moment at which clocks are put forward over this time."""
    moment, late = (local.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    offset = late.astimezone(local.tzinfo).utcoffset()
    while moment.astimezone(local.tzinfo).utcoffset() != offset:
        moment += timedelta(minutes=1)
    return moment


@dataclass(frozen=True, slots=True)
class WeeklyMoment(Parsed):
    """A moment of every week in one zone, such as ``tuesday 09:00 Europe/Berlin``."""

    weekday: Weekday
    time: WallTime
    zone: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read weekday, time and zone; raises `InvalidValue`."""
        parts = text.split(" ")
        if len(parts) != 3:
            raise InvalidValue(f"{text!r} is no moment of a week (expected e.g. tuesday 09:00 Europe/Berlin)")
        weekday, clock, zone = parts
        return cls(parse_weekday(weekday), WallTime.parse(clock), _zone(zone))

    def on(self, day: date) -> datetime:
        """Return the moment on that day, in UTC, whatever its weekday."""
        return self.time.on(day, self.zone)

    def __str__(self) -> str:
        return f"{self.weekday} {self.time} {self.zone}"


def parse_weekday(text: str) -> Weekday:
    """Read the name of a weekday; raises `InvalidValue`."""
    for weekday in WEEKDAYS:
        if weekday == text:
            return weekday
    near = get_close_matches(text.lower(), WEEKDAYS, n=1)
    raise InvalidValue(f"{text!r} is not a weekday (expected e.g. {near[0] if near else 'tuesday'})")

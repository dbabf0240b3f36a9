"""When a rollout may start on a cluster, and when not: windows open every week, a freeze closes everything once.

Both gate starting alone; what runs finishes, and nothing gates stopping.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from schiff.errors import InvalidValue
from schiff.model.spec import OneOrMore, Spec
from schiff.values.instants import Instant
from schiff.values.names import ClusterKey, Environment, Name
from schiff.values.wall_time import WEEKDAYS, WallTime, Weekday, Zone, parse_weekday

_DAY = 24 * 60


def _days(days: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    if not days:
        raise InvalidValue("no day is named, so it never opens (expected e.g. [saturday, sunday])")
    if len(set(days)) != len(days):
        raise InvalidValue("one day is named twice")
    return tuple(sorted(days, key=WEEKDAYS.index))


class WindowSpec(Spec):
    """A time of the week in which clusters may start to move, by the clocks of one zone.

    `until` at or before `from` lies on the next day: `days` are those on which it
    opens. A whole day is 00:00 to 24:00.
    """

    days: Annotated[OneOrMore[Weekday], AfterValidator(_days)]
    from_: WallTime = Field(alias="from")
    until: WallTime
    zone: Zone

    @model_validator(mode="after")
    def _it_opens(self) -> Self:
        if self.from_ == self.until:
            raise InvalidValue(f"until is from, {self.until}: it never opens (a whole day is 00:00 to 24:00)")
        if self.from_.minutes == _DAY:
            raise InvalidValue("from is 24:00, the end of a day (expected 00:00, and the day after)")
        return self

    @property
    def minutes(self) -> int:
        """How long it is open, by the clock; daylight saving may add or take an hour."""
        return (self.until.minutes - self.from_.minutes) % _DAY or _DAY

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form that `str` gives; raises `InvalidValue`."""
        days, _, rest = text.partition(" ")
        hours, _, zone = rest.partition(" ")
        opens, _, closes = hours.partition("-")
        named = tuple(map(parse_weekday, days.split(",")))
        try:
            return cls(days=named, from_=WallTime.parse(opens), until=WallTime.parse(closes), zone=zone)
        except ValidationError:
            example = "saturday,sunday 22:00-04:00 Europe/Berlin"
            raise InvalidValue(f"{text!r} is no window that opens (expected e.g. {example})") from None

    def __str__(self) -> str:
        return f"{','.join(self.days)} {self.from_}-{self.until} {self.zone}"


class FreezeScope(Spec):
    """What a freeze covers: clusters that every named field matches; no field matches all."""

    environment: OneOrMore[Environment] = ()
    site: OneOrMore[Name] = ()
    customer: OneOrMore[Name] = ()
    cluster: OneOrMore[ClusterKey] = ()


def _said(reason: str) -> str:
    if not reason.strip():
        raise InvalidValue("nothing is said (expected the reason, which everybody reads who has to wait)")
    return reason


class FreezeSpec(Spec):
    """A time in which nothing starts, from its first moment until before its last, in UTC; it beats every window."""

    from_: Instant = Field(alias="from")
    until: Instant
    reason: Annotated[str, AfterValidator(_said)]
    scope: FreezeScope = FreezeScope()

    @model_validator(mode="after")
    def _it_ends_after_it_begins(self) -> Self:
        if self.until <= self.from_:
            raise InvalidValue(f"until {self.until} is not after from {self.from_} (expected a later moment)")
        return self

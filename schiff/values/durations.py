"""How long something takes, as people write it: one number and one unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed, number_as_text

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SPELLED: Final = ("d", "h", "m", "s")
_FORM: Final = re.compile(r"([0-9]{1,9}) ?(w|weeks?|d|days?|h|hours?|m|minutes?|s|seconds?)")
_LONGEST: Final = 3_660 * _UNITS["d"]


@dataclass(frozen=True, order=True, slots=True)
class Duration(Parsed):
    """Elapsed time such as ``14d``, ``36h``, ``45m``, ``120s`` or ``2 weeks``; never wall time, never negative.

    It is spelled with the largest unit up to days that divides it: ``2 weeks`` is
    ``14d``, ``120s`` is ``2m``, and ``36h`` stays.
    """

    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a number with its unit; raises `InvalidValue`."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise InvalidValue(f"{text!r} is not a duration (expected e.g. 14d, 36h, 45m, 120s or 2 weeks)")
        seconds = int(match[1]) * _UNITS[match[2][0]]
        if seconds > _LONGEST:
            raise InvalidValue(f"{text!r} is longer than ten years (expected e.g. 14d)")
        return cls(seconds)

    @property
    def delta(self) -> timedelta:
        """The same as Python calculates with."""
        return _delta(self.seconds)

    def __str__(self) -> str:
        unit = next(unit for unit in _SPELLED if self.seconds % _UNITS[unit] == 0) if self.seconds else "s"
        return f"{self.seconds // _UNITS[unit]}{unit}"


@lru_cache(maxsize=1024)
def _delta(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def format_duration(delta: timedelta) -> str:
    """Return how `Duration` spells a time in whole seconds; what is below a second is cut."""
    return str(Duration(int(delta.total_seconds())))


def _positive(duration: Duration) -> Duration:
    if not duration.seconds:
        raise InvalidValue(f"{duration} is no time at all (expected more than 0, e.g. 4h)")
    return duration


PositiveDuration = Annotated[Duration, BeforeValidator(number_as_text), AfterValidator(_positive)]
"""A duration of at least one second: what policy asks for is never nothing."""

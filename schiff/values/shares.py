"""Parts of a whole, in whole numbers: no digest holds a fraction (decision 0006)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import BeforeValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed, number_as_text

_PERCENT: Final = re.compile(r"(0|[1-9][0-9]{0,8})%")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_LARGER: Final = re.compile(r"max\( *([^ ,]+) *, *([^ ,]+) *\)")


@dataclass(frozen=True, order=True, slots=True)
class Percent(Parsed):
    """At least this share of a population, from ``1%`` to ``100%``."""

    value: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read whole percent; raises `InvalidValue`."""
        match = _PERCENT.fullmatch(text)
        if match is None or not 1 <= int(match[1]) <= 100:
            raise InvalidValue(f"{text!r} is not a share (expected whole percent from 1% to 100%, e.g. 90%)")
        return cls(int(match[1]))

    def covers(self, part: int, total: int) -> bool:
        """Return whether `part` of `total` is this share; of nothing it never is."""
        return total > 0 and part * 100 >= self.value * total

    def __str__(self) -> str:
        return f"{self.value}%"


@dataclass(frozen=True, slots=True)
class Allowance(Parsed):
    """How many of a number of clusters: ``10``, ``2%`` or ``max(10, 2%)``, the larger of the two.

    Percent are rounded down, and at least one is always allowed: a cap slows a
    rollout and never stops it.
    """

    number: int = 0
    percent: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one of the three forms; raises `InvalidValue`."""
        larger = _LARGER.fullmatch(text)
        found = dict(map(_part, larger.groups() if larger else (text,)))
        if None in found or len(found) < (2 if larger else 1):
            cure = ", in quotes inside {}" if text.startswith("max(") else ""
            raise InvalidValue(f'{text!r} is no number of clusters (expected e.g. 5, 2% or "max(10, 2%)"{cure})')
        number, percent = found.get("number", 0), found.get("percent", 0)
        if percent > 100 or not number + percent:
            raise InvalidValue(f"{text!r} allows nothing, or more than there is (expected e.g. 5, or 1% to 100%)")
        return cls(number, percent)

    def of(self, total: int) -> int:
        """Return how many of `total` it is; at least one."""
        return max(1, self.number, self.percent * total // 100)

    def __str__(self) -> str:
        if self.number and self.percent:
            return f"max({self.number}, {self.percent}%)"
        return f"{self.percent}%" if self.percent else str(self.number)


def _part(text: str) -> tuple[str | None, int]:
    if match := _PERCENT.fullmatch(text):
        return "percent", int(match[1])
    return ("number", int(text)) if _NUMBER.fullmatch(text) else (None, 0)


Clusters = Annotated[Allowance, BeforeValidator(number_as_text)]
"""An allowance, which may be written as a plain number."""

Share = Annotated[Percent, BeforeValidator(number_as_text)]
"""Whole percent; a number without its sign is refused with the right form."""

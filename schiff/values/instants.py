"""Moments as people write them: a date in UTC, with or without a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Self

from pydantic import AfterValidator

from schiff.errors import InvalidValue
from schiff.values.parsed import Parsed

_FORMS: Final = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d")


@dataclass(frozen=True, order=True, slots=True)
class Instant(Parsed):
    """A moment such as ``2026-12-18T22:00:00Z``; a date alone, ``2026-12-18``, is its first moment in UTC."""

    moment: datetime

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a date, or a date and time in UTC; raises `InvalidValue`."""
        for form in _FORMS:
            try:
                found = datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
            if found.strftime(form) == text:
                return cls(found)
        raise InvalidValue(
            f"{text!r} is not a date or a moment in UTC (expected e.g. 2026-12-18 or 2026-12-18T22:00:00Z)"
        )

    def __str__(self) -> str:
        return self.moment.strftime(_FORMS[0])


def _instant_text(text: str) -> str:
    Instant.parse(text)
    return text


InstantText = Annotated[str, AfterValidator(_instant_text)]
"""A moment that keeps the spelling it was written in, because it is shown so in a cluster."""

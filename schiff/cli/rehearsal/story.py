"""What a rehearsal prints: sentences by day, without anything that differs from run to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

_WIDTH = 7
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence: when, and who or what it is about (``people``, ``fault``, an environment)."""

    at: datetime
    who: str
    text: str


@dataclass(slots=True)
class Story:
    """Collects sentences and prints each at once, below the day it belongs to."""

    begin: date
    show: Callable[[str], None]
    sentences: list[Said] = field(default_factory=list)

    def say(self, at: datetime, who: str, text: str) -> None:
        """Add a sentence."""
        if not self.sentences or self.sentences[-1].at.date() != at.date():
            self.show(f"\n{self._day(at.date())}")
        self.sentences.append(Said(at, who, text))
        self.show(f"  {at:%H:%M}  {who.ljust(_WIDTH)} {text}")

    def _day(self, day: date) -> str:
        week = (day - self.begin).days // 7 + 1
        return f"week {week}, {_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"

    def as_json(self) -> list[dict[str, Any]]:
        """Return the sentences for ``--json``."""
        return [{"at": f"{one.at:%Y-%m-%dT%H:%M:%SZ}", "about": one.who, "text": one.text} for one in self.sentences]

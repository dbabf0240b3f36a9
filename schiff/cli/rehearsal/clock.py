"""The one clock of a rehearsal: ledger, Git, witness, clusters and people all read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Clock:
    """Simulated time in UTC, to the second; only the season moves it."""

    now: datetime

    def naive(self) -> datetime:
        """Return the moment without its zone, as servers of S3 keep it."""
        return self.now.replace(tzinfo=None)

"""The clock of this machine, read once by a command and handed on as a value."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the moment in UTC, to the second: what records can spell."""
    return datetime.now(UTC).replace(microsecond=0)

"""Moments as records spell them: UTC, whole seconds, one spelling, so that text order is time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from schiff.errors import InvalidValue

_FORM = "%Y-%m-%dT%H:%M:%SZ"
_SPELLED = re.compile(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")


def format_moment(moment: datetime) -> str:
    """Return the one spelling; a moment without a zone has no meaning and is refused."""
    if moment.tzinfo is None:
        raise InvalidValue(f"{moment.isoformat()} has no time zone (expected e.g. 2026-11-22T06:00:03Z)")
    return moment.astimezone(UTC).strftime(_FORM)


@lru_cache(maxsize=65536)
def parse_moment(text: str) -> datetime:
    """Read the one spelling; raises `InvalidValue`."""
    try:
        moment = datetime.fromisoformat(text) if _SPELLED.fullmatch(text) else None
    except ValueError:  # there is no such day
        moment = None
    if moment is None:
        raise InvalidValue(f"{text!r} is not a moment (expected UTC to the second, e.g. 2026-11-22T06:00:03Z)")
    return moment

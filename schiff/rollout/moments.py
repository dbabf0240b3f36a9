"""Moments as records spell them: UTC, whole seconds, one spelling, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from schiff.errors import InvalidValue

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def format_moment(moment: datetime) -> str:
    """Return the one spelling; a moment without a zone has no meaning and is refused."""
    if moment.tzinfo is None:
        raise InvalidValue(f"{moment.isoformat()} has no time zone (expected e.g. 2026-11-22T06:00:03Z)")
    return moment.astimezone(UTC).strftime(_FORM)


@lru_cache(maxsize=65536)
def parse_moment(text: str) -> datetime:
    """Read the one spelling; raises `InvalidValue`."""
    try:
        moment = datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None or format_moment(moment) != text:
        raise InvalidValue(f"{text!r} is not a moment (expected UTC to the second, e.g. 2026-11-22T06:00:03Z)")
    return moment

"""Names of releases: ISO year, ISO week, and a number from 0 within the week, such as ``2026.48.0``."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from schiff.errors import InvalidValue
from schiff.model.release import ReleaseSpec

_NAME = re.compile(r"([0-9]{4})\.([1-9][0-9]?)\.(0|[1-9][0-9]{0,3})")


def release_name(moment: datetime) -> str:
    """Return the name of the first release of the week in which it is cut."""
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year}.{week}.0"


def require_release_name(text: str) -> str:
    """Return `text`, which names a folder as well; raises `InvalidValue` for any other form."""
    if not _NAME.fullmatch(text):
        raise InvalidValue(f"{text!r} is not the name of a release (expected year.week.number, e.g. 2026.48.0)")
    return text


def release_order(release: ReleaseSpec) -> tuple[str, tuple[int, ...], str]:
    """Return what releases are sorted by, oldest first: when they were cut, then their numbers."""
    match = _NAME.fullmatch(release.name)
    numbers = tuple(map(int, match.groups())) if match else ()
    return release.cut or "", numbers, release.name

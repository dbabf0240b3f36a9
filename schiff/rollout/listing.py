"""How sentences name many clusters: a few of them, and how many more there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_NAMED: Final = 3


def few(names: Iterable[object]) -> str:
    """Return the first names in order, and the number of the others."""
    listed = sorted(map(str, names))
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return f"{', '.join(listed[:_NAMED])}{more}"

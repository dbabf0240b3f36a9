"""How long upstream looks after each minor of Kubernetes.

The dates are the *End Of Life Date* of each page ``kubernetes.io/releases/<minor>/``
as it stood in November 2026; those of minors that are not at their end yet are
announced there in advance. A minor that is not listed is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from schiff.values.versions import KubernetesVersion

_ENDS: Final[Mapping[tuple[int, int], date]] = {
    (1, 30): date(2025, 7, 15),
    (1, 31): date(2025, 11, 11),
    (1, 32): date(2026, 2, 28),
    (1, 33): date(2026, 6, 28),
    (1, 34): date(2026, 10, 27),
    (1, 35): date(2027, 2, 28),
    (1, 36): date(2027, 6, 28),
    (1, 37): date(2027, 10, 28),
}


def end_of_support(version: KubernetesVersion) -> date | None:
    """Return the last day on which upstream looks after this minor, None where that is not known."""
    return _ENDS.get((version.major, version.minor))

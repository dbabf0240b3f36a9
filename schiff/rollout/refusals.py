"""Why something may not happen now: a stable name, a sentence, and when it may, where that can be said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from schiff.errors import Refused, SchiffError, Tampered, Waiting
from schiff.rollout.moments import format_moment

WAITING: Final = frozenset({
    "skew", "self-dated", "not-soaked", "not-complete", "progressing", "unknown", "unhealthy", "nothing-to-judge",
    "behind", "closed", "busy", "baking", "no-train", "no-release", "observe",
})  # fmt: skip
"""The codes that time or health may change without a person: they end with status 10, all others with 11."""

TAMPERED: Final = "tampered"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A no. `until` is the earliest moment at which it may be a yes, as far as that depends on time alone."""

    code: str
    sentence: str
    until: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether time alone may change it."""
        return self.code in WAITING

    def error(self) -> SchiffError:
        """Return the error of its kind."""
        if self.code == TAMPERED:
            return Tampered(self.sentence)
        return Waiting(self.sentence, self.code) if self.is_waiting else Refused(self.sentence, self.code)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data for ``--json``."""
        return {
            "code": self.code,
            "message": self.sentence,
            "retryAfter": None if self.until is None else format_moment(self.until),
        }

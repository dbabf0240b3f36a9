"""Every error schiff raises on purpose, drawn once.

::

    SchiffError                 exit status   code
    ├── InvalidInput                 2        invalid-input     what people wrote, with every problem at once
    ├── Waiting                     10        its reason        not yet; trying again later may help
    ├── Refused                     11        its reason        a rule says no, and says what would be right
    ├── Tampered                    16        tampered          evidence does not hold
    ├── Conflict                    17        conflict          somebody else changed what schiff owns
    └── Failed                       1        failed            a tool or a server did not do its part

A class exists only where a caller acts differently. `InvalidValue` is what the
small values raise; pydantic turns it into a problem with a path. No text ever
holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class InvalidValue(ValueError):
    """A text is not a value of the asked kind; the message says what would be."""


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """Where a value stands: a file relative to the fleet folder, and a line and column from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong: where, which value by names, what, and what would be right.

    `path` names the value (``pools[md-0].replicas``), `layer` the layer it was
    written in (``defaults``, ``customer``), `rule` the stable name of the rule.
    """

    place: Place
    path: str
    message: str
    cure: str = ""
    layer: str = ""
    rule: str = ""

    def __str__(self) -> str:
        layer = f" ({self.layer})" if self.layer else ""
        path = f" {self.path}:" if self.path else ""
        cure = f"; {self.cure}" if self.cure else ""
        return f"{self.place}{layer}:{path} {self.message}{cure}"

    def as_json(self) -> dict[str, object]:
        """Return the problem as plain data for ``--json``."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "layer": self.layer,
            "path": self.path,
            "message": self.message,
            "cure": self.cure,
            "rule": self.rule,
        }


class SchiffError(Exception):
    """The root of all errors that end a command with a sentence instead of a traceback."""

    status: ClassVar[int] = 1

    def __init__(self, message: str, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code


class Failed(SchiffError):
    """A program or a server did not do its part."""


class InvalidInput(SchiffError):
    """What people wrote cannot be used; holds every problem, sorted by place."""

    status = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)), code="invalid-input")


class Waiting(SchiffError):
    """Nothing is wrong, but it is too early."""

    status = 10


class Refused(SchiffError):
    """A rule says no."""

    status = 11


class Tampered(SchiffError):
    """Evidence was edited, cut or recomputed, or a digest does not match its content."""

    status = 16

    def __init__(self, message: str) -> None:
        super().__init__(message, code="tampered")


class Conflict(SchiffError):
    """Somebody else changed what this stack owns, or won a race for good."""

    status = 17

    def __init__(self, message: str) -> None:
        super().__init__(message, code="conflict")

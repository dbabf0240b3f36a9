"""What a command shows while it works, and how it says what it found: to people, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from schiff.errors import InvalidInput, SchiffError


class Progress(Protocol):
    """Takes the news of a step that takes long."""

    def __call__(self, news: str) -> None:
        """Show the news in place of the last."""


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show a moving line on a terminal while the block runs; elsewhere, as in CI, nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 -- only a terminal pays for it

    with Console(stderr=True).status(title) as status:
        yield lambda news: status.update(f"{title}: {news}")


def say(text: str) -> None:
    """Print one line for people."""
    print(text)


def say_json(data: Mapping[str, Any]) -> None:
    """Print the answer of ``--json``."""
    print(json.dumps(data, indent=2))


def warn(text: str) -> None:
    """Print one line that is no answer, beside it."""
    print(text, file=sys.stderr)


def say_error(error: SchiffError, *, as_json: bool) -> None:
    """Print an error: as sentences on stderr, or as JSON where the answer would be."""
    if as_json:
        problems = [problem.as_json() for problem in error.problems] if isinstance(error, InvalidInput) else []
        say_json({"status": error.status, "code": error.code, "message": str(error), "problems": problems})
    else:
        print(str(error), file=sys.stderr)


def table(rows: Sequence[Sequence[str]], indent: str = "  ") -> str:
    """Return rows as aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)

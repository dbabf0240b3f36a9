"""What the program and the plugin tell the command that started the engine.

The engine sits between them and shows texts to people. `schiff up` also needs
the exit status of a refusal and the figures of its summary, so it names a file
in ``SCHIFF_REPORT`` and both append one JSON line for each thing they say. A
plain `pulumi` run sets no such file, and nothing is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from schiff.errors import InvalidInput, Place, Problem, SchiffError

REPORT_VARIABLE = "SCHIFF_REPORT"


def is_listening() -> bool:
    """Whether anybody asked for a report."""
    return bool(os.environ.get(REPORT_VARIABLE))


def tell(kind: str, **said: Any) -> None:
    """Append one line to the report, if somebody listens; a listener that went away is no failure."""
    path = os.environ.get(REPORT_VARIABLE)
    if path:
        with suppress(OSError), Path(path).open("a", encoding="utf-8") as report:
            report.write(json.dumps({"kind": kind, **said}) + "\n")


def tell_error(error: SchiffError) -> None:
    """Report an error with its exit status, the precise name of its case, and every problem."""
    problems = [problem.as_json() for problem in error.problems] if isinstance(error, InvalidInput) else []
    tell("error", status=error.status, code=error.code, message=str(error), problems=problems)


def problem_from_json(data: Mapping[str, Any]) -> Problem:
    """Return a problem as it was reported."""
    place = Place(data["file"], data["line"], data["column"])
    return Problem(place, data["path"], data["message"], data["cure"], data["layer"], data["rule"])


def told(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what was said, oldest first; a line cut short by a kill is left out."""
    with suppress(FileNotFoundError):
        for line in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                yield json.loads(line)

"""The names a program can rely on: codes of errors with their exit status, and rules that a module lists.

Both are read from the source, so that a page about them cannot miss one. What
the engine says is translated by `schiff.cli.engine`, which is asked itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from schiff import errors
from schiff.cli import engine
from schiff.errors import Conflict, Failed, InvalidInput, SchiffError, Tampered

PACKAGE = Path(errors.__file__).parent
_CODED = ("Failed", "Waiting", "Refused", "SchiffError")
_FIXED = (Failed(""), InvalidInput([]), Tampered(""), Conflict(""))


def codes() -> dict[str, list[int]]:
    """Return every code with its exit statuses, sorted by name."""
    found = {(error.code, error.status) for error in (*_FIXED, *_of_the_engine())}
    for call in _calls():
        if (name := _name(call)) in _CODED and (code := _argument(call, "code", 1)) is not None:
            found.add((code, getattr(errors, name).status))
    return {code: [status for other, status in sorted(found) if other == code] for code, _ in sorted(found)}


def listed_rules(module: str) -> Iterator[tuple[str, str]]:
    """Yield rule and meaning from the table in the docstring of a module below the package."""
    text = import_module(f"schiff.{module}").__doc__ or ""
    _, _, table = text.partition("\n====")
    for line in table.splitlines()[1:]:
        if line.startswith("===="):
            return
        rule, _, meaning = line.partition("  ")
        yield f"`{rule}`", meaning.strip().replace("``", "`")


def _of_the_engine() -> Iterator[SchiffError]:
    yield from (engine.translated(said[0], []) for said in engine._ENGINE_SAYS)  # noqa: SLF001


def _calls() -> Iterator[ast.Call]:
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _argument(call: ast.Call, keyword: str, position: int) -> str | None:
    given = [word.value for word in call.keywords if word.arg == keyword] or call.args[position : position + 1]
    match given:
        case [ast.Constant(value=str(text))]:
            return text
    return None

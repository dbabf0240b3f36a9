"""Every command with its help text, and reading a command line without running it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import typer

from schiff.cli.app import app

ROOT = "schiff"


def commands() -> dict[str, Any]:
    """Return every command and group by its full name, such as ``schiff release cut``."""
    return dict(_below(ROOT, typer.main.get_command(app)))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for child, below in getattr(command, "commands", {}).items():
        yield from _below(f"{name} {child}", below)


def parse(line: str) -> dict[str, Any]:
    """Return the parameters that a command line gives its command; raises what the command line would end with."""
    program, *words = shlex.split(line, comments=True)
    assert program == ROOT, f"{line} is no command line of schiff"
    name, known = ROOT, commands()
    while words and f"{name} {words[0]}" in known:
        name = f"{name} {words.pop(0)}"
    command = known[name]
    assert not hasattr(command, "commands") or words == ["--help"], f"{line} names no command below {name}"
    return {} if words == ["--help"] else dict(command.make_context(name, words).params)

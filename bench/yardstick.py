"""The yardstick: the same objects as ready dicts, written by an emitter of eighty lines into the same Git objects.

Nothing is typed, resolved, compiled, checked or digested here: it is what
Python needs at least to bring these bytes into Git. Its bytes are schiff's, so
that both end in the same tree.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_SAFE = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+%=-]*(?:[ :][A-Za-z0-9_./@+%=-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"}
_written: dict[str, str] = {}

Ready = Sequence[dict[str, Any]] | bytes
"""What is written: the objects of a file, or bytes that pass through."""


def _scalar(text: str) -> str:
    found = _written.get(text)
    if found is None:
        plain = _SAFE.fullmatch(text) and text.lower() not in _WORDS
        found = _written[text] = text if plain else json.dumps(text, ensure_ascii=False)
    return found


def _block(text: str, indent: str) -> str:
    mark = "|-" if text[-1] != "\n" else "|+" if text[-2:] == "\n\n" else "|"
    lines = (text[:-1] if text[-1] == "\n" else text).split("\n")
    return mark + "".join(f"\n{indent}  {line}" if line else "\n" for line in lines)


def _text(text: str, indent: str) -> str:
    return _block(text, indent) if "\n" in text else _scalar(text)


def _map(value: dict[str, Any], indent: str, out: list[str]) -> None:
    line, start = "\n" + indent, ""
    for key, item in value.items():
        head, kind, start = f"{start}{_written.get(key) or _scalar(key)}:", type(item), line
        if kind is str:
            out.append(f"{head} {_written.get(item) or _text(item, indent)}")
        elif kind is dict and item:
            out.append(head + line + "  ")
            _map(item, indent + "  ", out)
        elif kind is list and item:
            out.append(head + line)
            _list(item, indent, out)
        else:
            out.append(f"{head} {json.dumps(item)}")


def _list(value: list[Any], indent: str, out: list[str]) -> None:
    start, dash = "- ", f"\n{indent}- "
    for item in value:
        kind = type(item)
        out.append(start)
        start = dash
        if kind is str:
            out.append(_written.get(item) or _text(item, indent))
        elif kind is dict and item:
            _map(item, indent + "  ", out)
        elif kind is list and item:
            _list(item, indent + "  ", out)
        else:
            out.append(json.dumps(item))


def dump(objects: Sequence[dict[str, Any]]) -> str:
    """Return objects as one file."""
    out: list[str] = []
    for number, item in enumerate(objects):
        if number:
            out.append("---\n")
        _map(item, "", out)
        out.append("\n")
    return "".join(out)


def into_git(files: Mapping[str, Ready], repository: Path) -> None:
    """Write all files as one commit on main of a bare repository."""
    command = ["git", f"--git-dir={repository}", "fast-import", "--quiet"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101  # it was asked for
        process.stdin.writelines(_stream(files))
        process.stdin.close()
    if process.returncode:
        raise SystemExit("git fast-import failed")
    _written.clear()


def _stream(files: Mapping[str, Ready]) -> Iterator[bytes]:
    yield b"commit refs/heads/main\ncommitter bench <bench@localhost> 0 +0000\ndata 1\nx\n"
    for path, content in files.items():
        data = content if isinstance(content, bytes) else dump(content).encode()
        yield b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)

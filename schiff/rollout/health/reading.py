"""Reading what a server gave: never an exception, and nothing is what was not there in the right form.

A half object, one of an older API or one that somebody wrote by hand must end
in a verdict, so no other module of this package touches decoded JSON directly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schiff.rollout.health.observed import ObjectKey

_SHOWN = 240
_HIDDEN = (
    (re.compile(r"//[^/\s@]+@"), "//…@"),
    (re.compile(r"\b(Bearer|Basic)\s+\S+"), r"\1 …"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "…"),
    (re.compile(r"\bAGE-SECRET-KEY-\w+"), "…"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.DOTALL), "…"),
    (re.compile(r"(?i)\b(password|passwd|token|secret[_-]?key|client-key-data)(\s*[:=]\s*)\S+"), r"\1\2…"),
)
"""Credentials in URLs and headers, tokens and private keys: a controller may quote what it could not use."""


def at(value: Any, *path: str | int) -> Any:
    """Return what lies at `path`, or None."""
    for step in path:
        if isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        elif isinstance(step, int) and isinstance(value, list) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def text(value: Any, *path: str | int) -> str:
    """Return the text at `path`; anything else is empty."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def number(value: Any, *path: str | int) -> int | None:
    """Return the whole number at `path`; a boolean is none."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def is_true(value: Any, *path: str | int) -> bool:
    """Return whether exactly ``true`` stands at `path`."""
    return at(value, *path) is True


def maps(value: Any, *path: str | int) -> Iterator[Mapping[str, Any]]:
    """Yield the maps of the list at `path`."""
    found = at(value, *path)
    yield from (item for item in found if isinstance(item, Mapping)) if isinstance(found, list) else ()


def covers(live: Any, delivered: Any) -> bool:
    """Return whether everything delivered stands in `live`; servers and controllers may add to maps, not to lists."""
    if isinstance(delivered, Mapping):
        return isinstance(live, Mapping) and all(
            covers(live.get(key), value) for key, value in delivered.items() if value is not None
        )
    if isinstance(delivered, list):
        return isinstance(live, list) and len(live) == len(delivered) and all(map(covers, live, delivered))
    return type(live) is type(delivered) and bool(live == delivered)


def key_of(value: Any) -> ObjectKey:
    """Return the identity of an object: its group without the version."""
    group = text(value, "apiVersion").rpartition("/")[0]
    return group, text(value, "kind"), text(value, "metadata", "namespace"), text(value, "metadata", "name")


def named(key: ObjectKey) -> str:
    """Return an object's name as findings show it."""
    return "/".join(part for part in key[1:] if part)


def one_line(message: str) -> str:
    """Return a controller's words on one line, short enough to be read, and without secrets."""
    for secret, shown in _HIDDEN:
        message = secret.sub(shown, message)
    line = " ".join(message.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"

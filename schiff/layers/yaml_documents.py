"""Reading YAML text safely: plain data, and the line and column of every value.

The rules, in the order of the code:

1. At most 1 MiB, UTF-8, one document, a map at the top (an empty file is an empty map).
2. Nesting, and the number of values after aliases were expanded, are limited: a bomb is refused before it grows.
3. No tags but ``!!str``, no merge keys, no key twice; a key is always text, as it was written.
4. Plain scalars are null, a boolean (``true``, ``false``), a decimal whole number, or text. Dates, ``yes`` and
   ``1:30`` stay text. A number with a fraction is refused: no digest can hold one, and most are versions that lack
   their quotes.

All problems of a file are found in one run, as far as its syntax allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from schiff.errors import InvalidInput, Place, Problem
from schiff.model.fleet import Document, Path

LARGEST_FILE = 2**20
"""Bytes; the largest real file is a site with hundreds of hosts, a tenth of this."""

_MOST_VALUES = 100_000
_DEEPEST = 64
_LONGEST_NUMBER = 19
_TEXT_TAGS = frozenset({None, "!", "tag:yaml.org,2002:str"})
_WORDS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FRACTION = re.compile(
    r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(content: bytes, file: str) -> Document:
    """Return the document in `content`; raises `InvalidInput` with every problem that was found."""
    if len(content) > LARGEST_FILE:
        raise InvalidInput([too_large(file, len(content))])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(file, content[: error.start].count(b"\n") + 1)
        raise InvalidInput([Problem(place, "", "is not UTF-8", "save the file as UTF-8", rule="not-utf-8")]) from None
    return _Reader(file).read(text)


def too_large(file: str, size: int) -> Problem:
    """Return the problem of a file beyond the limit."""
    cure = "split it, or move what is no fleet data elsewhere"
    return Problem(Place(file, 1), "", f"holds {size} bytes, at most {LARGEST_FILE} are read", cure, rule="too-large")


class _Stop(Exception):
    """The rest of the file cannot be read."""


class _Reader:
    """One pass over the events of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._marks: dict[Path, tuple[int, int]] = {(): (1, 1)}
        self._problems: list[Problem] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def read(self, text: str) -> Document:
        """Return the document, or raise with all problems."""
        data: Any = None
        try:
            data = self._document(yaml.parse(text, Loader=_Loader))
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._add(mark, f"is not YAML: {error.problem or error.context}", "correct the syntax here", "not-yaml")
        except yaml.YAMLError:
            self._add(None, "is not YAML: it holds a character that YAML does not allow", "remove it", "not-yaml")
        except _Stop:
            pass
        if self._problems:
            raise InvalidInput(self._problems)
        return Document(self._file, data if data is not None else {}, self._marks)

    def _document(self, events: Iterator[Any]) -> Any:
        next(events)
        first = next(events)
        if isinstance(first, yaml.StreamEndEvent):
            return {}
        root = next(events)
        data = self._node(root, events, (), 0)
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._add(after.start_mark, "holds a second document", "keep one document in a file", "one-document")
        if data is not None and not isinstance(data, dict):
            self._add(root.start_mark, "is not a map at its top", "write fields as `name: value`", "not-a-map")
        return data

    def _node(self, event: Any, events: Iterator[Any], path: Path, depth: int) -> Any:
        self._count(event, 1)
        if depth > _DEEPEST:
            self._stop(event, f"nests deeper than {_DEEPEST} levels", "flatten it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag not in _TEXT_TAGS:
            self._add(event.start_mark, f"the tag {event.tag!r} is not read", "write a plain value", "unknown-tag")
        before = self._values
        value = self._value(event, events, path, depth)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._values - before + 1)
        return value

    def _value(self, event: Any, events: Iterator[Any], path: Path, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._plain(event) if event.implicit[0] else event.value
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path, depth)
        items: list[Any] = []
        for item in iter(lambda: next(events), None):
            if isinstance(item, yaml.SequenceEndEvent):
                break
            below = (*path, len(items))
            self._marks[below] = (item.start_mark.line + 1, item.start_mark.column + 1)
            items.append(self._node(item, events, below, depth + 1))
        return items

    def _mapping(self, events: Iterator[Any], path: Path, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(event, "a key is not text", "write a name before the colon")
            key = event.value
            below = (*path, key)
            if key in data:
                first = self._marks[below][0]
                cure = f"remove one of the two; the first is in line {first}"
                self._add(event.start_mark, f"the key {key!r} is there twice", cure, "duplicate-key")
            elif key == "<<" and event.implicit[0]:
                self._add(event.start_mark, "merge keys are not read", "write the fields out", "merge-key")
            self._marks.setdefault(below, (event.start_mark.line + 1, event.start_mark.column + 1))
            data[key] = self._node(next(events), events, below, depth + 1)
        return data

    def _plain(self, event: Any) -> Any:
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "0123456789-+.":
            return text
        if _INTEGER.fullmatch(text):
            if len(text) <= _LONGEST_NUMBER:
                return int(text)
            cure = "write a smaller one, or quote it where text is meant"
            self._add(event.start_mark, f"a number of {len(text)} digits is too large", cure, "yaml-limits")
        if _FRACTION.fullmatch(text):
            cure = f'write it as text: "{text}"'
            self._add(event.start_mark, f"{text} is a number with a fraction, which no field takes", cure, "fraction")
        return text

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            self._stop(event, "an alias refers to nothing that stands before it", "write the value out")
        value, size = self._anchors[event.anchor]
        self._count(event, size)
        return value

    def _count(self, event: Any, number: int) -> None:
        self._values += number
        if self._values > _MOST_VALUES:
            self._stop(event, f"holds more than {_MOST_VALUES} values, aliases expanded", "write less, without aliases")

    def _stop(self, event: Any, message: str, cure: str) -> None:
        self._add(event.start_mark, message, cure, "yaml-limits")
        raise _Stop

    def _add(self, mark: Any, message: str, cure: str, rule: str) -> None:
        place = Place(self._file, mark.line + 1, mark.column + 1) if mark else Place(self._file, 1)
        self._problems.append(Problem(place, "", message, cure, rule=rule))

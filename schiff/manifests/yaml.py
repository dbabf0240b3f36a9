"""The emitter: objects to block YAML that every reader takes for what was meant.

Every well-known Python emitter writes some string that a reader of Kubernetes
takes for a number or a boolean (``1e3``, ``0o14``, ``y``). The rules, in the
order of the code:

1. A text is written plain only when no reader of YAML 1.1 or 1.2 can take it for anything else: it starts with a
   letter, a slash or an underscore, and is no word of any schema. Everything else is double-quoted.
2. Text of several lines is a literal block where that is exact, else double-quoted.
3. A number is written so that both readers give exactly that number; others are refused.
4. Keys keep the order they were inserted in. They are texts, and short enough for a reader to take them for keys.

Scalars are remembered, because a fleet repeats the same few thousand of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from schiff.errors import InvalidValue
from schiff.manifests.manifest import Manifest

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+%=-]*(?:[ :][A-Za-z0-9_./@+%=-]+)*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"})
_PRINTABLE = " -~\u00a1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_ESCAPED = re.compile(rf'[^{_PRINTABLE}]|["\\]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_NOT_LITERAL = re.compile(rf"[^\n\t{_PRINTABLE}]|[ \t]\n|\A[ \t\n]|[ \t]\Z")
_LARGEST = 2**63 - 1
_LONGEST_KEY = 1000
_REMEMBERED = 100_000
_SHORT = 200

_KINDS = frozenset({str, dict, list, bool, int, float, type(None)})

_keys: dict[str, str] = {}
_texts: dict[str, str] = {}


def to_yaml(objects: Iterable[Manifest | Mapping[str, Any]]) -> str:
    """Return the objects as one file, a document each."""
    out: list[str] = []
    for number, item in enumerate(objects):
        if number:
            out.append("---\n")
        data = item.as_dict() if isinstance(item, Manifest) else item
        if data:
            _mapping(data, "", out)
            out.append("\n")
        else:
            out.append("{}\n")
    return "".join(out)


def _mapping(data: Mapping[str, Any], indent: str, out: list[str]) -> None:
    """Write a mapping that is not empty; its first key follows what stands on the line already."""
    line, start = "\n" + indent, ""
    for key, item in data.items():
        value = item if type(item) in _KINDS else _ordinary(item)
        kind = type(value)
        head = f"{start}{_keys.get(key) or _key(key)}:"
        start = line
        if kind is str:
            out.append(f"{head} {_texts.get(value) or _text(value, indent)}")
        elif kind is dict and value:
            out.append(f"{head}{line}  ")
            _mapping(value, indent + "  ", out)
        elif kind is list and value:
            out.append(head + line)
            _sequence(value, indent, out)
        else:
            out.append(f"{head} {_atom(value)}")


def _sequence(data: Sequence[Any], indent: str, out: list[str]) -> None:
    """Write a sequence that is not empty; its first dash follows what stands on the line already."""
    start, dash = "- ", f"\n{indent}- "
    for item in data:
        value = item if type(item) in _KINDS else _ordinary(item)
        kind = type(value)
        out.append(start)
        start = dash
        if kind is str:
            out.append(_texts.get(value) or _text(value, indent))
        elif kind is dict and value:
            _mapping(value, indent + "  ", out)
        elif kind is list and value:
            _sequence(value, indent + "  ", out)
        else:
            out.append(_atom(value))


def _ordinary(value: Any) -> Any:
    """Return a read-only mapping, a tuple or a text of a subclass as the built-in that is written."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return list(value)
    raise InvalidValue(f"a manifest cannot hold {type(value).__name__}: only texts, numbers, booleans, lists and maps")


def _key(key: Any) -> str:
    """Return a key as written; readers take at most 1,024 characters for a key."""
    if not isinstance(key, str):
        raise InvalidValue(f"the key {key!r} of a manifest is not a text")
    written = _line(str.__str__(key))
    if len(written) > _LONGEST_KEY:
        raise InvalidValue(f"a key of a manifest is longer than {_LONGEST_KEY} characters")
    return _remember(_keys, key, written)


def _text(text: str, indent: str) -> str:
    """Return a text as a block where it has several lines and a reader gives back every byte, else on one line."""
    if "\n" not in text or _NOT_LITERAL.search(text):
        return _remember(_texts, text, _line(text))
    if not text.endswith("\n"):
        mark, body = "|-", text
    else:
        mark, body = "|+" if text.endswith("\n\n") else "|", text[:-1]
    return mark + "".join(f"\n{indent}  {line}" if line else "\n" for line in body.split("\n"))


def _line(text: str) -> str:
    """Return a text on one line, plain where that is safe."""
    safe = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if safe else f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    """Return one character as YAML's escape; half a surrogate pair is no character."""
    code = ord(match[0])
    if 0xD800 <= code <= 0xDFFF:
        raise InvalidValue("a text of a manifest holds half of a surrogate pair, which no reader can take")
    short = f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return _ESCAPES.get(match[0], short)


def _atom(value: Any) -> str:
    """Return what is no text: an empty collection, nothing, a truth or a number."""
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return _float(value) if isinstance(value, float) else _integer(value)


def _integer(value: int) -> str:
    if abs(value) > _LARGEST:
        raise InvalidValue(f"{value} does not fit into the 64 bits that a reader of Kubernetes has for a number")
    return str(value)


def _float(value: float) -> str:
    """Return a fraction with its point: without one, YAML 1.1 reads ``1e16`` as a text."""
    if not isfinite(value):
        raise InvalidValue(f"{value} is not a number that a manifest can hold")
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{exponent}{power}"


def _remember(memory: dict[str, str], text: str, written: str) -> str:
    """Keep short texts for the next time; the memory is emptied rather than grown without end."""
    if len(text) <= _SHORT:
        if len(memory) >= _REMEMBERED:
            memory.clear()
        memory[text] = written
    return written

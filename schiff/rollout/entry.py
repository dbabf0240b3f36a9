"""One entry of a ledger: a file that has exactly one spelling, and the digest that the next one cites."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NoReturn

from schiff.errors import InvalidValue
from schiff.rollout.bodies import KINDS, Body, Kind, parse_body
from schiff.rollout.moments import parse_moment
from schiff.values.digests import digest_of_bytes
from schiff.values.names import ENVIRONMENTS, Environment

ENTRY_VERSION: Final = 1
_FIELDS: Final = ("v", "seq", "prev", "env", "kind", "at", "server", "actor", "fleet", "body")
_TEXT: Final = r'"([ !#-\[\]-~]+)"'
_PLAIN: Final = re.compile(
    rf'\{{"v":{ENTRY_VERSION},"seq":(0|[1-9][0-9]{{0,17}}),"prev":(?:null|{_TEXT}),"env":{_TEXT},"kind":{_TEXT}'
    rf',"at":{_TEXT},"server":(?:null|{_TEXT}),"actor":{_TEXT},"fleet":{_TEXT},"body":'
)
"""A header in its one spelling without anything that JSON escapes: nearly every one."""


@dataclass(frozen=True)
class Entry:
    """What was decided or seen, when, by whom, and at which commit of the fleet.

    `at` is the runner's clock; `server` the clock of the API server that was
    observed, where there was one. `prev` is the digest of the entry before.
    """

    seq: int
    prev: str | None
    env: Environment
    kind: Kind
    at: str
    server: str | None
    actor: str
    fleet: str
    body: Mapping[str, Any]

    @classmethod
    def parse(cls, content: bytes) -> Entry:
        """Read an entry; raises `InvalidValue`, also for another spelling of the same data."""
        plain = _read_plain(content)
        entry = cls._of(_read(content) if plain is None else plain)
        entry.require_sound(texts_are_texts=plain is not None)
        if plain is None and entry.to_bytes() != content:
            raise InvalidValue("it is not spelled as an entry is written (key order, white space, repeated keys)")
        entry.__dict__["digest"] = digest_of_bytes(content)
        return entry

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Entry:
        """Return the entry of exactly these fields, set at once: a frozen class sets them one by one."""
        entry = cls.__new__(cls)
        entry.__dict__.update(fields)
        return entry

    @property
    def file_name(self) -> str:
        """The name of its file: two writers of one number meet there."""
        return f"{self.seq:06d}.json"

    @cached_property
    def digest(self) -> str:
        """The digest of its bytes."""
        return digest_of_bytes(self.to_bytes())

    @cached_property
    def said(self) -> Body:
        """The body in the form of its kind; raises `InvalidValue`."""
        return parse_body(self.kind, self.body)

    def to_bytes(self) -> bytes:
        """Return its one spelling: the header in the order people read it, the body with sorted keys."""
        header = {
            "v": ENTRY_VERSION,
            "seq": self.seq,
            "prev": self.prev,
            "env": self.env,
            "kind": self.kind,
            "at": self.at,
            "server": self.server,
            "actor": self.actor,
            "fleet": self.fleet,
        }
        return f'{_COMPACT.encode(header)[:-1]},"body":{_SORTED.encode(self.body)}}}\n'.encode()

    def as_json(self) -> dict[str, Any]:
        """Return the entry and its digest as plain data for ``--json``."""
        return {**json.loads(self.to_bytes()), "digest": self.digest}

    def require_sound(self, *, texts_are_texts: bool = False) -> None:
        """Raise `InvalidValue` for a field that is not of its kind; that texts are texts may be known already."""
        if not texts_are_texts:
            self._require_texts()
        if type(self.seq) is not int or self.seq < 0:
            raise InvalidValue(f"seq is {self.seq!r} (expected a number from 0)")
        if self.env not in ENVIRONMENTS:
            raise InvalidValue(f"env is {self.env!r} (expected one of {', '.join(ENVIRONMENTS)})")
        if self.kind not in KINDS:
            raise InvalidValue(f"kind is {self.kind!r} (expected one of {', '.join(KINDS)})")
        parse_moment(self.at)
        if self.server is not None:
            parse_moment(self.server)
        if not isinstance(self.body, Mapping):
            raise InvalidValue("body is not a map")
        if "said" not in self.__dict__:
            self.__dict__["said"] = parse_body(self.kind, self.body)

    def _require_texts(self) -> None:
        for name in ("at", "actor", "fleet"):
            _require_text(name, getattr(self, name))
        for name in ("prev", "server"):
            if getattr(self, name) is not None:
                _require_text(name, getattr(self, name))


def _read_plain(content: bytes) -> dict[str, Any] | None:
    """Return the fields of an entry that is spelled as most are; None where `_read` has to look what is wrong, if any.

    What is returned needs no second look at its spelling.
    """
    try:
        text = content.decode("ascii")
        header = _PLAIN.match(text)
        if header is None:
            return None
        begin = header.end()
        body, end = _DECODER.raw_decode(text, begin)
        if text[end:] != "}\n" or _SORTED.encode(body) != text[begin:end]:
            return None
    except (ValueError, RecursionError):
        return None
    seq, prev, env, kind, at, server, actor, fleet = header.groups()
    return {
        "seq": int(seq),
        "prev": prev,
        "env": env,
        "kind": kind,
        "at": at,
        "server": server,
        "actor": actor,
        "fleet": fleet,
        "body": body,
    }


def _read(content: bytes) -> dict[str, Any]:
    """Return the fields; fractions are refused, because two machines may spell one differently."""
    try:
        fields = _DECODER.decode(content.decode())
    except (ValueError, RecursionError):
        raise InvalidValue("it is not JSON of texts, integers, booleans, lists and maps") from None
    if not isinstance(fields, dict) or sorted(fields) != sorted(_FIELDS):
        raise InvalidValue(f"its fields are not {', '.join(_FIELDS)}")
    if fields.pop("v") != ENTRY_VERSION:
        raise InvalidValue(f"its form is not {ENTRY_VERSION}, the only one this program knows")
    return fields


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER: Final = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_SORTED: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True, allow_nan=False)


def _require_text(field: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"{field} is {value!r} (expected a text that is not empty)")

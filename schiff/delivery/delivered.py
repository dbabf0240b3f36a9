"""The delivered manifest ``.schiff/<stack>.json``: what a stack owns in a repository.

The first line is the header, then one line an owned folder, sorted by path. It
is the record of ownership, the list for removal, the base of every comparison,
and all that a bare runner needs::

    {"v":1,"stack":"tst","serial":7,"ledger":{"seq":3,"digest":"sha256:..."}}
    {"path":"...","tree":"...","kind":"cluster","name":"site-1/shop","release":"head","kubernetes":"v1.35.4","removal":""}

A path has one owner, and owned folders never lie inside each other, also across
stacks. An empty text stands for "none". A header with ``"delivery":"direct"``
says that the folders of `definitions` went to API servers: the branch holds
their record and none of their files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from schiff.errors import InvalidValue

FOLDER = ".schiff"
KINDS = ("cluster", "folder")
REMOVALS = ("", "a", "b", "c", "d", "e")
_STACK = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TREE = re.compile(r"[0-9a-f]{40}")
_DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The last entry of the ledger that a delivery follows; sequence -1 and no digest where there is no ledger."""

    seq: int = -1
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One owned folder; a tree without files (removal state e) means that the path is absent and still owned."""

    path: str
    tree: str
    kind: str
    name: str
    release: str = ""
    kubernetes: str = ""
    removal: str = ""

    def __post_init__(self) -> None:
        names = self.path.split("/")
        if not all(names) or {".", ".."} & set(names) or names[0] == FOLDER:
            raise InvalidValue(f"{self.path!r} is not a folder that a stack can own")
        if not _TREE.fullmatch(self.tree):
            raise InvalidValue(f"{self.path}: {self.tree!r} is not a Git tree id (expected 40 hexadecimal digits)")
        for field, value, allowed in (("kind", self.kind, KINDS), ("removal", self.removal, REMOVALS)):
            if value not in allowed:
                raise InvalidValue(f"{self.path}: {field} {value!r} is unknown (expected {', '.join(allowed)})")

    def as_dict(self) -> dict[str, str]:
        """Return the line as plain data, in the order in which it is written."""
        return {field: getattr(self, field) for field in _FIELDS}

    @classmethod
    def from_dict(cls, data: Any) -> Line:
        """Return the line of decoded JSON; every field has to be there, and be a text."""
        if not isinstance(data, dict) or sorted(data) != sorted(_FIELDS):
            raise InvalidValue(f"a line holds exactly the fields {', '.join(_FIELDS)}")
        if wrong := [field for field, value in data.items() if not isinstance(value, str)]:
            raise InvalidValue(f"{wrong[0]} is not a text")
        return cls(**data)


_FIELDS = tuple(field.name for field in fields(Line))


@dataclass(frozen=True)
class DeliveredManifest:
    """What one stack owns in one repository after its delivery number `serial`; `direct` is a record without files."""

    stack: str
    serial: int
    ledger: LedgerHead
    lines: tuple[Line, ...]
    direct: bool = False

    def __post_init__(self) -> None:
        require_stack(self.stack)
        object.__setattr__(self, "lines", sorted_lines(self.lines))

    def to_text(self) -> str:
        """Return the file, byte for byte."""
        header = {"v": 1, "stack": self.stack, "serial": self.serial, "ledger": asdict(self.ledger)}
        header |= {"delivery": _DIRECT} if self.direct else {}
        return "".join(f"{compact(part)}\n" for part in (header, *(line.as_dict() for line in self.lines)))

    @classmethod
    def parse(cls, text: str) -> DeliveredManifest:
        """Return the manifest of a file; the message of `InvalidValue` names the line."""
        decoded = [_decoded(number, row) for number, row in enumerate(text.splitlines(), start=1)]
        match decoded[:1]:
            case [{"v": 1, "stack": str(stack), "serial": int(serial), "ledger": dict(ledger)} as header]:
                lines = tuple(_line(number, data) for number, data in enumerate(decoded[1:], start=2))
                return cls(stack, serial, ledger_head(ledger), lines, header.get("delivery") == _DIRECT)
            case [{"v": version}] if version != 1:
                raise InvalidValue(f"line 1: version {version!r} is of another schiff (this one reads 1)")
        raise InvalidValue('line 1: the header is missing (expected {"v":1,"stack":...,"serial":...,"ledger":...})')


class Owners:
    """Who owns which path of a repository, by the manifests of all its stacks."""

    def __init__(self, manifests: Mapping[str, DeliveredManifest]) -> None:
        self._at = {line.path: stack for stack, manifest in manifests.items() for line in manifest.lines}
        self._above = {above: stack for path, stack in self._at.items() for above in _parents(path)}

    def owner(self, path: str) -> str | None:
        """Return the stack that owns the path, a folder above it, or one below it."""
        found = (self._at[above] for above in _parents(path) if above in self._at)
        return self._at.get(path) or self._above.get(path) or next(found, None)


def manifest_path(stack: str) -> str:
    """Return where a stack's manifest lies in each repository."""
    return f"{FOLDER}/{stack}.json"


def require_stack(stack: str) -> None:
    """Raise unless a stack's name can be the name of its manifest."""
    if not _STACK.fullmatch(stack):
        raise InvalidValue(f"{stack!r} is not the name of a stack (expected small letters, digits and . _ -)")


def sorted_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines in the order of a manifest; raises when two folders are equal or lie inside each other."""
    ordered = tuple(sorted(lines, key=_path_of))
    paths: set[str] = set()
    for line in ordered:
        if line.path in paths:
            raise InvalidValue(f"{line.path} is owned twice")
        if outer := next((above for above in _parents(line.path) if above in paths), None):
            raise InvalidValue(f"{line.path} lies inside {outer}, which is owned already")
        paths.add(line.path)
    return ordered


def ledger_head(data: Any) -> LedgerHead:
    """Return the ledger head of decoded JSON."""
    match data:
        case {"seq": int(seq), "digest": str(digest)}:
            return LedgerHead(seq, digest)
    raise InvalidValue("the ledger head is not seq and digest")


def compact(data: Any) -> str:
    """Return JSON on one line, keys in the order given."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True)


def _path_of(line: Line) -> str:
    return line.path


def _parents(path: str) -> Iterator[str]:
    """Yield every folder above a path, nearest first."""
    above = path.rpartition("/")[0]
    while above:
        yield above
        above = above.rpartition("/")[0]


def _decoded(number: int, row: str) -> Any:
    try:
        return json.loads(row)
    except ValueError as error:
        raise InvalidValue(f"line {number}: not JSON: {error}") from error


def _line(number: int, data: Any) -> Line:
    try:
        return Line.from_dict(data)
    except InvalidValue as error:
        raise InvalidValue(f"line {number}: {error}") from error

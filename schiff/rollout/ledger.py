"""The ledger of one environment: a chain of entries that is trusted as a whole or not at all.

What makes a chain sound, in the order of the code:

1. Every file is an entry, named by its number, or an object named by its own digest; nothing else lies on the branch.
2. Numbers run without a gap: from 0, or from the one after those of a chain that this one closes.
3. Every entry is spelled as entries are written, and is of this environment.
4. Every entry cites the digest of the one before; the first cites none.
5. The first entry, and no other, is the genesis.
6. No entry says what could not be (a removal that skips a state).

A chain alone does not notice that its end was cut or that all of it was made
anew; whoever remembers an earlier head asks `require_anchor`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from schiff.errors import InvalidValue, Refused, Tampered
from schiff.rollout.bodies import Closed, GenesisBody, Kind
from schiff.rollout.entry import Entry
from schiff.rollout.proofs import Receipt
from schiff.rollout.stage import Stage
from schiff.values.digests import digest_of_bytes
from schiff.values.names import Environment

_ENTRY_NAME = re.compile(r"[0-9]{6,}\.json")
_FIRST_NAME = "000000.json"
_OBJECT_NAME = re.compile(r"objects/([0-9a-f]{64})\.json")


class Head(NamedTuple):
    """The number and the digest of an entry, as an anchor keeps them."""

    seq: int
    digest: str


@dataclass(frozen=True)
class Ledger:
    """Entries that were verified, and what they add up to."""

    environment: Environment
    entries: tuple[Entry, ...] = ()
    head: Head | None = None
    objects: Mapping[str, bytes] = field(default_factory=dict)
    receipts: Mapping[int, Receipt] | None = None

    @cached_property
    def state(self) -> Stage:
        """What the entries add up to; raises `Tampered` for one that says what could not be."""
        stage = Stage()
        try:
            for entry in self.entries:
                stage.take(entry, self.objects, self.receipts)
        except (InvalidValue, Refused) as error:
            raise unsound(self.environment, error) from None
        return stage

    @property
    def first(self) -> int:
        """The number of the genesis: 0, or the one after a chain that it closes."""
        return self.entries[0].seq if self.entries else 0

    @property
    def closes(self) -> Closed | None:
        """The chain that this one goes on from, if there was one that did not hold."""
        return closed_by(self.entries[0]) if self.entries else None

    def entry(self, seq: int) -> Entry | None:
        """Return the entry of a number; None where the chain has none."""
        return self.entries[seq - self.first] if self.first <= seq < self.first + len(self.entries) else None

    def after(self, seq: int) -> tuple[Entry, ...]:
        """Return the entries behind a number."""
        return self.entries[max(seq + 1 - self.first, 0) :]

    @classmethod
    def empty(cls, environment: Environment) -> Ledger:
        """Return the ledger of an environment before its genesis."""
        return cls(environment)

    @classmethod
    def parse(
        cls,
        environment: Environment,
        files: Mapping[str, bytes],
        receipts: Mapping[int, Receipt] | None = None,
        known: Ledger | None = None,
    ) -> Ledger:
        """Return the ledger that the files of its branch hold; raises `Tampered` with a sentence.

        `receipts` are those of a witness; without one, time is as the chain
        says. An entry of a `known` ledger is read again only where its bytes
        are others. What the entries add up to is asked for later, by whoever judges
        them on the way or else by `state`.
        """
        try:
            return cls._verified(environment, files, receipts, known)
        except InvalidValue as error:
            raise unsound(environment, error) from None

    @classmethod
    def _verified(
        cls,
        environment: Environment,
        files: Mapping[str, bytes],
        receipts: Mapping[int, Receipt] | None,
        known: Ledger | None,
    ) -> Ledger:
        objects = _objects(files)
        entries = tuple(_entries(files, known or cls(environment)))
        head = None
        for entry in entries:
            head = _following(environment, head, entry)
        return cls(environment, entries, head, objects, receipts)

    def append(
        self, kind: Kind, body: Mapping[str, Any], *, at: str, actor: str, fleet: str, server: str | None = None
    ) -> Entry:
        """Return the entry that would come next; raises `Refused` for one that the chain does not allow."""
        number, prev = (self.head.seq + 1, self.head.digest) if self.head else (0, None)
        entry = Entry(number, prev, self.environment, kind, at, server, actor, fleet, body)
        try:
            self.extended(entry)
        except InvalidValue as error:
            raise Refused(f"the ledger of {self.environment} takes no such entry: {error}", "bad-entry") from None
        return entry

    def extended(self, entry: Entry) -> Ledger:
        """Return the ledger with one more entry; raises `InvalidValue` or `Refused` when it does not follow."""
        entry.require_sound()
        head = _following(self.environment, self.head, entry)
        state = self.state.copy()
        state.take(entry, self.objects, self.receipts)
        return replace(self, entries=(*self.entries, entry), head=head).with_state(state)

    def with_state(self, state: Stage) -> Ledger:
        """Return the ledger with what its entries add up to, where somebody added them up already."""
        self.__dict__["state"] = state
        return self

    def with_objects(self, objects: Mapping[str, bytes]) -> Ledger:
        """Return the ledger with more of what its entries cite, by digest."""
        more = replace(self, objects={**self.objects, **objects})
        return more.with_state(self.__dict__["state"]) if "state" in self.__dict__ else more

    def require_anchor(self, anchor: Head) -> None:
        """Raise `Tampered` unless the chain still holds an entry that was its head once.

        What was seen of a chain that this one closes says nothing about this one.
        """
        if anchor.seq < self.first:
            return
        entry = self.entry(anchor.seq)
        if entry is None:
            raise Tampered(
                f"the ledger of {self.environment} was cut: entry {anchor.seq} was seen before,"
                f" yet the chain has {len(self.entries)} entries"
            )
        if entry.digest != anchor.digest:
            raise Tampered(
                f"the ledger of {self.environment} was recomputed: entry {anchor.seq} is not {anchor.digest} any more"
            )


def closed_by(entry: Entry) -> Closed | None:
    """Return the chain that an entry closes by beginning another one."""
    return entry.said.closes if isinstance(entry.said, GenesisBody) else None


def first_number(files: Mapping[str, bytes]) -> int:
    """Return the number that the first entry of a branch has to have, whatever else is wrong with the branch."""
    if _FIRST_NAME in files:
        return 0
    name = min((name for name in files if _ENTRY_NAME.fullmatch(name)), key=_number, default=_FIRST_NAME)
    if name == _FIRST_NAME:
        return 0
    try:
        closed = closed_by(Entry.parse(files[name]))
    except InvalidValue:
        return 0
    return 0 if closed is None else closed.seq + 1


def unsound(environment: Environment, error: Exception) -> Tampered:
    """Return what is wrong with a whole ledger, given what is wrong with one of its files."""
    return Tampered(f"the ledger of {environment} does not hold: {error}")


def _entries(files: Mapping[str, bytes], known: Ledger) -> Iterator[Entry]:
    """Yield the entries by number; raise `InvalidValue` for a stray file, a gap and an entry under a wrong name."""
    first = first_number(files)
    names = {name for name in files if not (name.startswith("objects/") and _OBJECT_NAME.fullmatch(name))}
    expected = [f"{number:06d}.json" for number in range(first, first + len(names))]
    there = expected if names == set(expected) else sorted(names, key=_number)
    for number, (name, due) in enumerate(zip(there, expected, strict=True), first):
        if name != due:
            raise InvalidValue(f"{due} is missing (the next file is {name})")
        try:
            entry = _entry(files[name], known.entry(number))
        except InvalidValue as error:
            raise InvalidValue(f"{name}: {error}") from None
        if entry.seq != number:
            raise InvalidValue(f"{name} holds entry {entry.seq}")
        yield entry


def _entry(content: bytes, known: Entry | None) -> Entry:
    return known if known is not None and known.digest == digest_of_bytes(content) else Entry.parse(content)


def _objects(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what entries cite, by digest; raise `InvalidValue` for one that does not hold what its name says."""
    found = {}
    for name, content in files.items():
        match = _OBJECT_NAME.fullmatch(name) if name.startswith("objects/") else None
        if match is not None:
            found[f"sha256:{match[1]}"] = content
            if digest_of_bytes(content) != f"sha256:{match[1]}":
                raise InvalidValue(f"{name} does not hold what its name says")
    return found


def _number(name: str) -> int:
    if not _ENTRY_NAME.fullmatch(name):
        raise InvalidValue(f"{name!r} is neither an entry (000042.json) nor an object (objects/<sha256>.json)")
    return int(name.removesuffix(".json"))


def _following(environment: Environment, head: Head | None, entry: Entry) -> Head:
    """Return the head after `entry`; raise `InvalidValue` when it does not follow `head`."""
    if entry.env != environment:
        raise InvalidValue(f"{entry.file_name} belongs to {entry.env}")
    closed = closed_by(entry) if head is None else None
    if entry.seq != (head.seq + 1 if head else closed.seq + 1 if closed else 0):
        raise InvalidValue(f"{entry.file_name} does not follow entry {head.seq if head else 'none'}")
    if entry.prev != (head.digest if head else None):
        raise InvalidValue(f"{entry.file_name} does not cite the entry before it: one of the two was changed")
    if (entry.kind == "genesis") != (head is None):
        raise InvalidValue(f"{entry.file_name} is of kind {entry.kind}: the first entry, and no other, is the genesis")
    return Head(entry.seq, entry.digest)

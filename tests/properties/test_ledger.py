"""I4 Append-only: any edit, drop, swap, cut or recomputation fails verification. I15: one successor of a head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import Tampered
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.values.names import ClusterKey
from tests.rollout.small_fleet import a_fleet, begun, files_of, moved, noted, released, removing

FLEET = released(a_fleet())
(RELEASE,) = FLEET.releases
GENESIS = begun(FLEET, "prd")

Step = Callable[[Ledger], Ledger]

names = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFF), min_size=1)
keys = st.sampled_from([ClusterKey("site-1", "a"), ClusterKey("site-1", "b")])
data: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | names, lambda inner: st.lists(inner) | st.dictionaries(names, inner)
)


def _note(text: str) -> Step:
    return lambda ledger: noted(ledger, "note", {"text": text})


def _evidence(reason: str) -> Step:
    return lambda ledger: noted(ledger, "halt", {"release": RELEASE, "reason": "1" + reason})


def _move(key: ClusterKey) -> Step:
    return lambda ledger: moved(ledger, key, release=RELEASE)


def _removal(key: ClusterKey) -> Step:
    return lambda ledger: ledger if key in ledger.state.removals else removing(ledger, key, "abc")


steps = st.one_of(names.map(_note), names.map(_evidence), keys.map(_move), keys.map(_removal))


@st.composite
def ledgers(draw: st.DrawFn, least: int = 1) -> Ledger:
    ledger = GENESIS
    for step in draw(st.lists(steps, min_size=least, max_size=8)):
        ledger = step(ledger)
    return ledger


def _verify(files: dict[str, bytes]) -> Ledger:
    return Ledger.parse("prd", files)


@given(ledgers())
def test_every_ledger_is_read_back_as_it_was_written(ledger: Ledger) -> None:
    assert _verify(files_of(ledger.entries)) == ledger


@given(ledgers(least=2), st.data())
def test_any_changed_byte_before_the_head_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    files = files_of(ledger.entries)
    name = draws.draw(st.sampled_from(sorted(files)[:-1]))
    content = bytearray(files[name])
    place = draws.draw(st.integers(0, len(content) - 1))
    content[place] ^= draws.draw(st.integers(1, 255))
    with pytest.raises(Tampered):
        _verify({**files, name: bytes(content)})


@given(ledgers(), st.data())
def test_a_changed_byte_of_the_head_is_noticed_by_its_anchor(ledger: Ledger, draws: st.DataObject) -> None:
    files, head = files_of(ledger.entries), ledger.head
    assert head is not None
    content = bytearray(files[max(files)])
    content[draws.draw(st.integers(0, len(content) - 1))] ^= draws.draw(st.integers(1, 255))
    with pytest.raises(Tampered):
        _verify({**files, max(files): bytes(content)}).require_anchor(head)


@given(ledgers(), st.data())
def test_a_dropped_entry_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    files = files_of(ledger.entries)
    del files[draws.draw(st.sampled_from(sorted(files)[:-1]))]
    with pytest.raises(Tampered):
        _verify(files)


@given(ledgers(), st.data())
def test_two_swapped_entries_are_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    files = files_of(ledger.entries)
    one, other = draws.draw(st.lists(st.sampled_from(sorted(files)), min_size=2, max_size=2, unique=True))
    with pytest.raises(Tampered):
        _verify({**files, one: files[other], other: files[one]})


@given(ledgers(least=2), st.data())
def test_a_cut_in_the_middle_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    names_, content = sorted(files_of(ledger.entries)), files_of(ledger.entries)
    start = draws.draw(st.integers(0, len(names_) - 2))
    end = draws.draw(st.integers(start + 1, len(names_) - 1))
    renumbered = [*names_[:start], *names_[end:]]
    with pytest.raises(Tampered):
        _verify({f"{number:06d}.json": content[name] for number, name in enumerate(renumbered)})


@given(ledgers(), st.data())
def test_a_cut_end_is_noticed_by_its_anchor(ledger: Ledger, draws: st.DataObject) -> None:
    kept, head = draws.draw(st.integers(0, len(ledger.entries) - 1)), ledger.head
    assert head is not None
    with pytest.raises(Tampered):
        _verify(files_of(ledger.entries[:kept])).require_anchor(head)


@given(ledgers(least=2), st.data())
def test_a_recomputed_chain_is_noticed_by_its_anchor(ledger: Ledger, draws: st.DataObject) -> None:
    head = ledger.head
    assert head is not None
    changed = draws.draw(st.integers(1, len(ledger.entries) - 1))
    forged = Ledger.empty("prd")
    for number, entry in enumerate(ledger.entries):
        prev = forged.head.digest if forged.head else None
        actor = "user:forger" if number == changed else entry.actor
        forged = forged.extended(
            Entry(entry.seq, prev, entry.env, entry.kind, entry.at, None, actor, entry.fleet, entry.body)
        )
    assert _verify(files_of(forged.entries)) == forged
    with pytest.raises(Tampered):
        forged.require_anchor(head)


@given(ledgers(), names, names)
def test_of_two_successors_of_one_head_one_verifies(ledger: Ledger, one: str, other: str) -> None:
    first = noted(ledger, "note", {"text": "1" + one}).entries[-1]
    second = noted(ledger, "note", {"text": "2" + other}).entries[-1]
    assert first.file_name == second.file_name
    with pytest.raises(Tampered):
        _verify({**files_of((*ledger.entries, first)), f"{second.seq + 1:06d}.json": second.to_bytes()})

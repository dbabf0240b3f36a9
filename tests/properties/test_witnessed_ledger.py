"""I4 Append-only, for a chain that a witness received whole: nothing that is done to its branch passes.

Unlike an anchor, which is one head, a witness holds every entry: so the chain
is pinned at each place, and a forger who makes it sound again still fails.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import Tampered
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.proofs import Receipt, require_witnessed
from tests.rollout.small_fleet import a_fleet, begun, files_of, noted, released

GENESIS = begun(released(a_fleet()), "prd")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    ledger = GENESIS
    for text in draw(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=6)):
        ledger = noted(ledger, "note", {"text": text})
    return ledger


def require(files: dict[str, bytes], received: Ledger) -> None:
    receipts = {entry.seq: Receipt(entry.digest, NOON) for entry in received.entries}
    ledger = Ledger.parse("prd", files, receipts)
    require_witnessed("prd", [entry.digest for entry in ledger.entries], receipts)


@given(ledgers())
def test_the_chain_as_it_was_received_holds(ledger: Ledger) -> None:
    require(files_of(ledger.entries), ledger)


@given(ledgers(), st.data())
def test_any_changed_byte_anywhere_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    files = files_of(ledger.entries)
    name = draws.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    content[draws.draw(st.integers(0, len(content) - 1))] ^= draws.draw(st.integers(1, 255))
    with pytest.raises(Tampered):
        require({**files, name: bytes(content)}, ledger)


@given(ledgers(), st.data())
def test_a_dropped_entry_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    files = files_of(ledger.entries)
    del files[draws.draw(st.sampled_from(sorted(files)))]
    with pytest.raises(Tampered):
        require(files, ledger)


@given(ledgers(), st.data())
def test_swapped_entries_are_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    files = files_of(ledger.entries)
    one, other = draws.draw(st.lists(st.sampled_from(sorted(files)), min_size=2, max_size=2, unique=True))
    with pytest.raises(Tampered):
        require({**files, one: files[other], other: files[one]}, ledger)


@given(ledgers(), st.data())
def test_a_cut_after_any_entry_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    kept = draws.draw(st.integers(0, len(ledger.entries) - 1))
    with pytest.raises(Tampered, match="was cut"):
        require(files_of(ledger.entries[:kept]), ledger)


@given(ledgers(), st.data())
def test_a_chain_made_anew_from_any_entry_is_tampering(ledger: Ledger, draws: st.DataObject) -> None:
    changed = draws.draw(st.integers(0, len(ledger.entries) - 1))
    forged = Ledger.empty("prd")
    for entry in ledger.entries:
        prev, actor = forged.head.digest if forged.head else None, "forger" if entry.seq == changed else entry.actor
        again = Entry(entry.seq, prev, entry.env, entry.kind, entry.at, None, actor, entry.fleet, entry.body)
        forged = forged.extended(again)
    with pytest.raises(Tampered, match=f"was recomputed: entry {changed} is"):
        require(files_of(forged.entries), ledger)


@given(ledgers())
def test_an_entry_that_the_witness_has_not_received_yet_is_no_tampering(ledger: Ledger) -> None:
    require(files_of(noted(ledger, "note", {"text": "later"}).entries), ledger)

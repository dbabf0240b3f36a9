from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import Tampered
from schiff.rollout.proofs import NO_PROOFS, Receipt, require_witnessed
from schiff.values.digests import digest_of_bytes

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def digests(count: int) -> list[str]:
    return [digest_of_bytes(b"%d" % number) for number in range(count)]


def receipts(found: list[str]) -> dict[int, Receipt]:
    return {seq: Receipt(digest, NOON + timedelta(minutes=seq)) for seq, digest in enumerate(found)}


def test_a_chain_that_the_witness_received_whole_lacks_nothing() -> None:
    assert require_witnessed("prd", digests(3), receipts(digests(3))).all == ()


def test_the_tail_that_nobody_put_yet_is_named() -> None:
    assert require_witnessed("prd", digests(5), receipts(digests(3))) == ((), (3, 4))


def test_a_hole_is_told_apart_from_the_tail() -> None:
    held = receipts(digests(4))
    del held[1]
    assert require_witnessed("prd", digests(5), held) == ((1,), (4,))


def test_a_witness_that_received_nothing_lacks_everything() -> None:
    assert require_witnessed("prd", digests(2), {}).all == (0, 1)


def test_no_witness_is_not_a_witness_that_received_nothing() -> None:
    assert NO_PROOFS.receipts is None


@given(st.integers(1, 8), st.data())
def test_a_cut_end_is_noticed(count: int, data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, count - 1))
    with pytest.raises(Tampered, match=f"was cut: the witness received entry {kept}, yet the chain has {kept}"):
        require_witnessed("prd", digests(count)[:kept], receipts(digests(count)))


@given(st.integers(1, 8), st.data())
def test_another_digest_at_any_place_is_noticed(count: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, count - 1))
    found = digests(count)
    found[place] = digest_of_bytes(b"other")
    with pytest.raises(Tampered, match=f"was recomputed: entry {place} is"):
        require_witnessed("prd", found, receipts(digests(count)))


@given(st.integers(2, 8), st.data())
def test_entries_that_changed_places_are_noticed(count: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, count - 2))
    found = digests(count)
    found[place], found[place + 1] = found[place + 1], found[place]
    with pytest.raises(Tampered, match=f"entry {place} is"):
        require_witnessed("prd", found, receipts(digests(count)))


@given(st.integers(1, 8), st.sets(st.integers(0, 7)))
def test_whatever_is_missing_is_put_late_and_is_no_tampering(count: int, lost: set[int]) -> None:
    held = {seq: receipt for seq, receipt in receipts(digests(count)).items() if seq not in lost}
    assert set(require_witnessed("prd", digests(count), held).all) == lost & set(range(count))

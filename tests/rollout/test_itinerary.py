from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.model.policy import PolicySpec
from schiff.rollout.itinerary import NEXT_TRAIN, Passage, Traveller, itinerary
from schiff.values.names import ENVIRONMENTS

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
TRAIN = datetime(2026, 12, 8, 8, tzinfo=UTC)
POLICY = PolicySpec()
DAY = timedelta(days=1)


def since(days: int, soaked: int = 0, **more: Any) -> Passage:
    return Passage(NOW - days * DAY, soaked * DAY, **more)


def release(name: str, *, revoked: bool = False, **passages: Passage) -> Traveller:
    return Traveller(name, f"sha256:{name}", passages, revoked)  # type: ignore[arg-type]


OLD = release("old", tst=since(60, 60), ref=since(45, 45), prd=since(30, 30))


def dates(*travellers: Traveller, train: datetime = TRAIN) -> dict[str, dict[str, int | str | None]]:
    """Return the days from now at which each release enters, or why it does not, by environment and name."""
    found = itinerary(travellers, POLICY, train, NOW)
    return {
        environment: {
            entry.traveller.name: entry.reason if entry.at is None else (entry.at - NOW).days for entry in entries
        }
        for environment, entries in found.items()
    }


def test_a_candidate_has_what_it_earned_behind_it_and_the_rest_before_it() -> None:
    found = dates(OLD, release("new", tst=since(10, 9)))
    assert found["tst"]["new"] == -10
    assert found["ref"]["new"] == 5
    assert found["prd"]["new"] == 19


def test_what_has_soaked_may_go_on_at_once() -> None:
    found = dates(OLD, release("new", tst=since(30, 30), ref=since(15, 15)))
    assert found["prd"]["new"] == 0


def test_the_next_train_waits_for_the_calendar_and_for_its_track() -> None:
    assert dates(OLD)["tst"][NEXT_TRAIN] == 6
    assert dates(OLD)["ref"][NEXT_TRAIN] == 20
    assert dates(OLD)["prd"][NEXT_TRAIN] == 34
    busy = dates(OLD, release("new", tst=since(1, 1)))
    assert busy["tst"][NEXT_TRAIN] == 13
    assert busy["ref"][NEXT_TRAIN] == 27


def test_a_release_that_soaks_in_ref_is_not_passed_there() -> None:
    found = dates(OLD, release("first", tst=since(30, 30), ref=since(2, 2)), release("second", tst=since(16, 14)))
    assert found["ref"]["second"] == 12
    assert found["prd"] == {"old": -30, "first": 12, "second": 26, NEXT_TRAIN: 40}


def test_what_is_halted_goes_nowhere_and_nothing_passes_it_there() -> None:
    found = dates(OLD, release("new", tst=since(20, 14), ref=since(3, halted="disks")))
    why = "release new is halted in ref: disks"
    assert (found["ref"]["new"], found["prd"]["new"]) == (why, why)
    assert found["tst"][NEXT_TRAIN] == 6
    assert (found["ref"][NEXT_TRAIN], found["prd"][NEXT_TRAIN]) == (why, why)


def test_while_tst_is_halted_no_train_is_cut() -> None:
    found = dates(OLD, release("new", tst=since(3, halted="disks")))
    assert set(found["tst"].values()) == {-60, "release new is halted in tst: disks"}


def test_what_was_revoked_or_overtaken_enters_nothing() -> None:
    bad = release("bad", revoked=True, tst=since(30, 30))
    slow, fast = release("slow", tst=since(20, 14)), release("fast", tst=since(18, 18), ref=since(2, 2))
    found = dates(OLD, bad, slow, fast)
    assert "bad" not in found["tst"]
    assert "slow" not in found["ref"]
    assert found["ref"]["fast"] == -2


@pytest.mark.parametrize("needed", [1, 20])
def test_the_policy_frozen_with_a_rollout_counts(needed: int) -> None:
    found = dates(OLD, release("new", tst=since(10, 0, needed=needed * DAY)))
    assert found["ref"]["new"] == needed


PASSAGES = st.builds(
    Passage,
    st.integers(0, 60).map(lambda days: NOW - days * DAY),
    st.integers(0, 30).map(lambda days: days * DAY),
    st.none(),
    st.sampled_from([None, None, None, "halted"]),
)
TRAVELLERS = st.lists(st.tuples(st.integers(0, 3), PASSAGES, PASSAGES, PASSAGES, st.booleans()), max_size=6).map(
    lambda found: [
        Traveller(str(number), str(number), dict(zip(ENVIRONMENTS[:reached], passages, strict=False)), revoked)
        for number, (reached, *passages, revoked) in enumerate(found)
    ]
)


@given(travellers=TRAVELLERS, shift=st.integers(0, 1000))
def test_i20_dates_are_in_order_and_move_with_the_clock(travellers: list[Traveller], shift: int) -> None:
    found = itinerary(travellers, POLICY, TRAIN, NOW)
    for environment, entries in found.items():
        ahead = [it.at for it in entries if it.at is not None and environment not in it.traveller.passages]
        assert ahead == sorted(ahead)
        assert all(at >= NOW for at in ahead)
        assert all(it.reason for it in entries if it.at is None)
        assert not [it for it in entries if it.traveller.revoked]
    entered = {(environment, it.traveller.name): it.at for environment, entries in found.items() for it in entries}
    for name in {it.name for it in travellers if not it.passages} | {NEXT_TRAIN}:
        ref, prd = entered.get(("ref", name)), entered.get(("prd", name))
        if ref is not None and prd is not None:
            assert prd - ref >= POLICY.soak_of("ref")
    moved = [_later(it, shift * DAY) for it in travellers]
    later = itinerary(moved, POLICY, TRAIN + shift * DAY, NOW + shift * DAY)
    assert [[it.at for it in later[name]] for name in ENVIRONMENTS] == [
        [None if it.at is None else it.at + shift * DAY for it in found[name]] for name in ENVIRONMENTS
    ]


def _later(traveller: Traveller, by: timedelta) -> Traveller:
    passages = {name: Passage(it.since + by, it.soak, it.needed, it.halted) for name, it in traveller.passages.items()}
    return Traveller(traveller.name, traveller.digest, passages, traveller.revoked)

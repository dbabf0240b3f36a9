"""I5 *Soak is conservative*, I17 *Empty*: the rules of `schiff.rollout.soak`, one by one."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schiff.rollout.soak import Soak
from tests.rollout.season import BEGIN

HOUR = timedelta(hours=1)
GRACE, MAX_GAP = 4 * HOUR, 36 * HOUR

looks = st.lists(st.tuples(st.integers(1, 60), st.sampled_from(["good", "poor", "bad"])), max_size=30)


def after(*looks: tuple[float, str], soak: Soak | None = None) -> Soak:
    """Return the soak after looks at these hours."""
    soak = soak or Soak()
    for hour, kind in looks:
        at = BEGIN + hour * HOUR
        covered, unhealthy = kind == "good", kind == "bad"
        soak = soak.after(at, covered=covered, unhealthy=unhealthy, max_gap=MAX_GAP, grace=GRACE)
    return soak


def test_one_good_look_is_no_time() -> None:
    assert after((0, "good")).earned == timedelta()


def test_the_time_between_two_good_looks_counts() -> None:
    assert after((0, "good"), (6, "good")).earned == 6 * HOUR


def test_a_gap_as_long_as_max_gap_counts_and_a_longer_one_does_not() -> None:
    assert after((0, "good"), (36, "good")).earned == 36 * HOUR
    assert after((0, "good"), (36.01, "good")).earned == timedelta()


def test_what_is_not_covered_earns_nothing_and_resets_nothing() -> None:
    assert after((0, "good"), (6, "good"), (8, "poor"), (10, "good"), (12, "good")).earned == 8 * HOUR


def test_short_trouble_earns_nothing_and_resets_nothing() -> None:
    assert after((0, "good"), (6, "good"), (7, "bad"), (11, "bad"), (12, "good")).earned == 6 * HOUR


def test_trouble_longer_than_grace_resets() -> None:
    assert after((0, "good"), (6, "good"), (7, "bad"), (11.01, "bad"), (12, "good")).earned == timedelta()


def test_a_look_that_saw_nothing_does_not_end_trouble() -> None:
    """I16: to add Unknown never turns a no into a yes."""
    assert after((0, "good"), (6, "good"), (7, "bad"), (9, "poor"), (12, "bad")).earned == timedelta()


def test_an_interruption_breaks_the_time_it_stands_in() -> None:
    soak = after((0, "good"), (6, "good")).interrupted()
    assert after((8, "good"), soak=soak).earned == 6 * HOUR


@given(looks)
def test_soak_is_never_more_than_what_went_by(given_looks: list[tuple[int, str]]) -> None:
    hour, said = 0, []
    for gap, kind in given_looks:
        hour += gap
        said.append((hour, kind))
    assert timedelta() <= after(*said).earned <= hour * HOUR


@given(looks, st.data())
def test_a_good_look_less_or_a_bad_one_more_never_earns(
    given_looks: list[tuple[int, str]], data: st.DataObject
) -> None:
    hour, said = 0, []
    for gap, kind in given_looks:
        hour += gap
        said.append((hour, kind))
    earned = after(*said).earned
    good = [place for place, (_, kind) in enumerate(said) if kind == "good"]
    if good:
        drop = data.draw(st.sampled_from(good))
        assert after(*said[:drop], *said[drop + 1 :]).earned <= earned
    place = data.draw(st.integers(0, len(said)))
    more = (said[place - 1][0] if place else 0) + 0.5
    for kind in ("bad", "poor"):
        assert after(*said[:place], (more, kind), *said[place:]).earned <= earned

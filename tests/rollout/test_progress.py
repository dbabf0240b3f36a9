"""The rules of `schiff.rollout.progress`: the states of one cluster (section 10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.rollout.health import Verdict
from schiff.rollout.progress import Pace, Phase, Progress
from tests.rollout.season import BEGIN

HOUR = timedelta(hours=1)
PACE = Pace(bake=4 * HOUR, grace=2 * HOUR, deadline=10 * HOUR)
H, P, U, X = Verdict.Healthy, Verdict.Progressing, Verdict.Unhealthy, Verdict.Unknown


def a_cluster(hops: int = 1) -> Progress:
    return Progress(hops, PACE)


def moved(*looks: tuple[float, Verdict], hops: int = 1, start: Progress | None = None) -> Progress:
    """Return a cluster that was moved at 0 and looked at since."""
    one = start or a_cluster(hops).looked(BEGIN - HOUR, H).started(BEGIN)
    for hour, verdict in looks:
        one = one.looked(BEGIN + hour * HOUR, verdict)
    return one


def test_it_starts_only_after_it_was_seen_healthy() -> None:
    assert not a_cluster().may_start
    assert a_cluster().looked(BEGIN, H).may_start


@pytest.mark.parametrize("verdict", [P, U, X])
def test_one_that_was_not_healthy_before_is_deferred_and_comes_back(verdict: Verdict) -> None:
    one = a_cluster().looked(BEGIN, verdict)
    assert (one.phase, one.may_start) == (Phase.Deferred, False)
    assert one.looked(BEGIN + HOUR, H).phase is Phase.Pending


def test_health_from_before_the_move_says_nothing() -> None:
    assert moved((-1, H), (0, H)).phase is Phase.Moving


def test_done_is_healthy_twice_a_bake_apart() -> None:
    assert moved((1, H)).phase is Phase.Verifying
    assert moved((1, H), (4.9, H)).phase is Phase.Verifying
    assert moved((1, H), (5, H)).phase is Phase.Done


@pytest.mark.parametrize("verdict", [P, U, X])
def test_anything_else_in_between_begins_the_bake_anew(verdict: Verdict) -> None:
    assert moved((1, H), (2, verdict), (5, H)).phase is Phase.Verifying


def test_between_two_hops_it_may_be_moved_again() -> None:
    one = moved((1, H), (5, H), hops=2)
    assert (one.phase, one.may_start) == (Phase.Verifying, True)
    assert one.started(BEGIN + 6 * HOUR).phase is Phase.Moving


def test_unhealthy_for_longer_than_grace_fails() -> None:
    assert moved((1, U), (3, U)).phase is Phase.Moving
    assert moved((1, U), (3.1, U)).phase is Phase.Failed


def test_what_is_not_there_by_the_deadline_fails() -> None:
    assert moved((10, P)).phase is Phase.Moving
    assert moved((10.1, P)).phase is Phase.Failed


def test_unknown_never_fails() -> None:
    assert moved((1, X), (100, X)).phase is Phase.Unknown


def test_failed_ends_by_an_ack_and_a_healthy_look_after_it() -> None:
    failed = moved((11, P))
    assert moved((12, H), (20, H), start=failed).phase is Phase.Failed
    acked = failed.acknowledged()
    assert acked.phase is Phase.Failed
    assert moved((12, H), start=acked).phase is Phase.Verifying
    assert moved((12, H), (16, H), start=acked).phase is Phase.Done


@pytest.mark.parametrize("start", [a_cluster(), moved((1, H), (5, H))])
def test_deleted_while_pending_or_done_is_gone(start: Progress) -> None:
    assert start.vanished().phase is Phase.Gone


@pytest.mark.parametrize("looks", [(), ((1, H),), ((1, X),), ((11, P),)])
def test_deleted_in_between_counts_as_failed_until_acked(looks: tuple[tuple[float, Verdict], ...]) -> None:
    lost = moved(*looks).vanished()
    assert lost.phase is Phase.Failed
    assert lost.acknowledged().phase is Phase.Gone


def test_a_hold_takes_effect_after_the_hop() -> None:
    assert a_cluster().held_back().phase is Phase.Held
    moving = moved(hops=2).held_back()
    assert moving.phase is Phase.Moving
    through = moved((1, H), (5, H), start=moving)
    assert (through.phase, through.may_start) == (Phase.Held, False)
    assert through.released().may_start


@pytest.mark.parametrize("verdict", [U, X])
def test_what_is_done_and_not_well_burns_until_it_is_well(verdict: Verdict) -> None:
    one = moved((1, H), (5, H), (6, verdict))
    assert (one.phase, one.burns) == (Phase.Done, True)
    assert one.looked(BEGIN + 7 * HOUR, X).burns
    assert not one.looked(BEGIN + 7 * HOUR, H).burns


def test_a_person_vouches_for_what_burns_until_it_was_well_again() -> None:
    one = moved((1, H), (5, H), (6, X)).acknowledged().acknowledged()
    assert not one.burns
    assert one.looked(BEGIN + 7 * HOUR, H).looked(BEGIN + 8 * HOUR, X).burns


@pytest.mark.parametrize(
    "looks",
    [((1, X), (3.1, X)), ((1, U), (3.1, X)), ((10.1, X),)],
    ids=["unseen beyond grace", "unhealthy before", "late"],
)
def test_unknown_is_in_doubt_where_it_would_have_failed(looks: tuple[tuple[float, Verdict], ...]) -> None:
    one = moved(*looks)
    assert (one.in_doubt, one.failed) == (True, False)
    assert not one.looked(BEGIN + 11 * HOUR, H).in_doubt


def test_what_is_unknown_for_a_short_time_is_in_no_doubt() -> None:
    assert not moved((1, X), (3, X)).in_doubt
    assert not moved((1, X), (2, P), (3.1, X)).in_doubt

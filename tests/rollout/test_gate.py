"""The gate over chains: I1 *No skip*, I8 *Halt is sticky*, I9 *Freeze*, I11 *Way back*, by entries written by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.model.policy import PolicySpec
from schiff.rollout.running import ReleaseState
from schiff.values.names import ClusterKey
from tests.rollout.forgery import DAY, SOME_DIGEST, move, promote, refused, steps, until
from tests.rollout.season import FIRST, Season, a_season


def moving() -> tuple[Season, str]:
    """Return a season whose first release just moved the canary of tst."""
    season = a_season()
    release = season.cut("2026.48.0")
    season.go(timedelta(hours=1))
    return season, release


def revoke(season: Season, release: str, target: str = FIRST) -> None:
    season.append("tst", "revoke", {"release": release, "reason": "x", "target": target, "verdict": "full"})


def test_a_release_never_skips_an_environment() -> None:
    season, release = moving()
    promote(season, "ref", release)
    refused(season, "is not complete in tst")


def test_a_release_that_the_environment_before_never_had_does_not_enter() -> None:
    season, release = moving()
    promote(season, "prd", release)
    refused(season, "was never promoted in ref")


def test_a_promotion_that_cites_nothing_has_no_evidence() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    steps(season, 17)
    promote(season, "prd", release, source=None)
    refused(season, "was never promoted in ref")


def test_nothing_starts_after_a_halt_until_somebody_resumes() -> None:
    season, release = moving()
    season.append("tst", "halt", {"release": release, "reason": "x"})
    assert season.step("tst").refusal.code == "halted"
    key = season.plan("tst", release).waves[1].clusters[0]
    move(season, "tst", [key], release)
    refused(season, "is halted")


def test_what_is_not_halted_is_not_resumed() -> None:
    season, release = moving()
    season.append("tst", "resume", {"release": release, "reason": "x"})
    refused(season, "is not halted")


@pytest.mark.parametrize(("target", "said"), [(SOME_DIGEST, "never completed"), (None, "so nothing can go back to it")])
def test_a_release_goes_back_to_one_that_completed_and_not_to_itself(target: str | None, said: str) -> None:
    season, release = moving()
    revoke(season, release, target or release)
    refused(season, said)


def test_a_second_revocation_begins_nothing_anew() -> None:
    season, release = moving()
    steps(season, 3)
    revoke(season, release)
    waiting = season.ledgers["tst"].state.rollout
    assert waiting is not None
    count = len(waiting.clusters)
    season.step("tst")
    revoke(season, release)
    after = season.ledgers["tst"].state.rollout
    assert after is not None
    assert len(after.clusters) == count
    season.go(5 * DAY, timedelta(hours=1))
    state = season.ledgers["tst"].state
    assert {pin.release for pin in state.pins.values()} == {FIRST}
    assert state.state_of(release) is ReleaseState.Revoked


def test_a_release_of_the_past_that_is_revoked_stays_so() -> None:
    season, release = moving()
    steps(season, 30)
    season.cut("2026.50.0")
    season.step("tst")
    assert season.ledgers["tst"].state.state_of(release) is ReleaseState.Superseded
    revoke(season, release)
    assert season.ledgers["tst"].state.state_of(release) is ReleaseState.Revoked


def test_a_cluster_that_joined_is_swept_by_nobody_in_a_freeze() -> None:
    season, release = moving()
    members = season.clusters["tst"]
    season.clusters["tst"] = (*members, ClusterKey("site-0", "new"))
    while any(season.ledgers["tst"].state.pins[key].release != release for key in members):
        season.go(timedelta(hours=1))
    freeze = {"from": "2026-11-20T00:00:00Z", "until": "2027-11-20T00:00:00Z", "reason": "x"}
    season.policy = PolicySpec.model_validate({"freezes": [freeze]})
    steps(season, 1)
    assert season.ledgers["tst"].state.pins[ClusterKey("site-0", "new")].release == FIRST
    assert season.ledgers["tst"].state.completed == release


def test_on_the_way_back_a_failure_that_was_acked_blocks_nobody() -> None:
    """I19."""
    season, release = moving()
    steps(season, 3)
    revoke(season, release)
    season.step("tst")
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    key = next(iter(rollout.in_flight))
    season.clusters["tst"] = tuple(one for one in season.clusters["tst"] if one != key)
    steps(season, 3)
    season.append("tst", "ack", {"cluster": str(key), "release": release, "text": "x"})
    steps(season, 3)
    assert season.ledgers["tst"].state.state_of(release) is ReleaseState.Revoked

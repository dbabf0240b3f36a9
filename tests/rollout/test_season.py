"""One release through three environments, by the pure core alone."""

from __future__ import annotations

from datetime import timedelta

from schiff.rollout.running import ReleaseState
from schiff.rollout.situation import Wait
from schiff.values.names import Environment
from tests.rollout.season import Season, a_season

THREE_HOURS = timedelta(hours=3)


def carried(season: Season, release: str, days: int) -> dict[Environment, Wait]:
    """Let days pass, with somebody who agrees whenever the release is ready for production."""
    waits: dict[Environment, Wait] = {}
    for _ in range(days):
        waits |= season.go(timedelta(days=1), THREE_HOURS)
        if season.ledgers["prd"].state.rollout_of(release) is None:
            season.approve("prd", "promote", release)
    return waits


def test_a_release_travels_through_all_three_environments_on_evidence() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    carried(season, release, 60)
    for environment, ledger in season.ledgers.items():
        state = ledger.state
        assert state.completed == release
        assert state.state_of(release) in (ReleaseState.Soaking, ReleaseState.Soaked)
        assert {pin.release for pin in state.pins.values()} == {release}, environment
    season.verify()


def test_production_waits_for_two_weeks_in_ref() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    waits = carried(season, release, 20)
    assert waits["prd"].refusal.code == "not-soaked"
    assert season.ledgers["prd"].state.rollout_of(release) is None


def test_the_same_command_on_the_same_head_adds_nothing() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.step("tst")
    before = season.ledgers["tst"].head
    season.step("tst")
    assert season.ledgers["tst"].head == before

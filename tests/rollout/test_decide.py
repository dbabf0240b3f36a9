"""What comes next: I14 *Idempotence*, I19 *Rollback reachability*, and what each rule waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from schiff.rollout.decide import decide
from schiff.rollout.health import Verdict
from schiff.rollout.running import ReleaseState
from schiff.rollout.situation import Append, Cut, Deliver, Observe, Wait
from tests.rollout.forgery import DAY, outcome, steps
from tests.rollout.season import FIRST, a_season

HOUR = timedelta(hours=1)


def test_what_nobody_delivered_is_delivered_first() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.delivered["tst"] = -1
    assert isinstance(decide(season.situation("tst")), Deliver)


def test_a_run_that_was_killed_between_push_and_delivery_goes_on_there() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.go(HOUR)
    moves = [entry.seq for entry in season.ledgers["tst"].entries if entry.kind == "move"]
    season.delivered["tst"] = moves[-1] - 1
    assert isinstance(decide(season.situation("tst")), Deliver)
    before = season.ledgers["tst"].head
    season.step("tst")
    assert season.ledgers["tst"].head == before


def test_a_release_enters_then_clusters_are_looked_at_then_the_canary_moves() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.go(HOUR)
    kinds = [entry.kind for entry in season.ledgers["tst"].entries]
    assert kinds == ["genesis", "promote", "observe", "move"]


def test_what_is_decided_is_a_function_of_the_situation() -> None:
    season = a_season()
    season.cut("2026.48.0")
    assert decide(season.situation("tst")) == decide(season.situation("tst"))


def test_failures_over_the_budget_halt() -> None:
    season = a_season(health=lambda _key, _now, runs: Verdict.Healthy if runs.release == FIRST else Verdict.Unhealthy)
    release = season.cut("2026.48.0")
    assert outcome(steps(season, 1)["tst"]) == ("halted", 11)
    assert season.ledgers["tst"].state.state_of(release) is ReleaseState.Halted


def test_a_revoked_release_goes_back_and_the_environment_is_free_again() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    steps(season, 2)
    season.append("tst", "revoke", {"release": release, "reason": "x", "target": FIRST, "verdict": "full"})
    steps(season, 3)
    state = season.ledgers["tst"].state
    assert state.state_of(release) is ReleaseState.Revoked
    assert {pin.release for pin in state.pins.values()} == {FIRST}
    later = season.cut("2026.50.0")
    season.step("tst")
    assert season.ledgers["tst"].state.rollout_of(later) is not None
    season.verify()


def test_on_stale_health_nothing_starts() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.go(HOUR)
    season.go(DAY, HOUR)
    season.now += 2 * DAY
    ledger = season.ledgers["tst"]
    season.ledgers["tst"] = replace(ledger, receipts={}).with_state(ledger.state)
    moves = sum(entry.kind == "move" for entry in season.ledgers["tst"].entries)
    assert outcome(season.step("tst")) == ("observe", 10)
    assert sum(entry.kind == "move" for entry in season.ledgers["tst"].entries) == moves


def test_management_clusters_move_before_the_tenants_one_at_a_time() -> None:
    season = a_season(managers={"tst": ("mgmt-1", "mgmt-2")})
    season.cut("2026.48.0")
    steps(season, 8)
    bodies = [entry.body for entry in season.ledgers["tst"].entries if entry.kind == "move"]
    assert [list(body["managementClusters"]) for body in bodies[:3]] == [["mgmt-1"], ["mgmt-2"], []]
    season.verify()


def test_a_train_is_cut_when_it_is_due_and_nothing_soaks() -> None:
    season = a_season()
    season.due = season.now + DAY
    assert outcome(season.step("tst")) == ("no-train", 10)
    season.now = season.due
    assert isinstance(decide(season.situation("tst")), Cut)
    season.cut("2026.48.0")
    season.step("tst")
    assert isinstance(decide(season.situation("tst")), Wait)


def test_during_a_rollout_clusters_are_looked_at_again_and_again() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.go(HOUR)
    season.now += timedelta(minutes=14)
    assert isinstance(decide(season.situation("tst")), Wait)
    season.now += timedelta(minutes=1)
    assert isinstance(decide(season.situation("tst")), Observe)


def test_who_came_and_went_is_noted() -> None:
    season = a_season()
    season.cut("2026.48.0")
    season.step("tst")
    season.held = {season.clusters["tst"][0]}
    step = decide(season.situation("tst"))
    assert isinstance(step, Append)
    assert step.body["changes"] == {str(season.clusters["tst"][0]): "held"}


def test_holds_that_end_after_a_rollout_completed_are_swept_wave_by_wave() -> None:
    season = a_season(tst=8)
    season.cut("2026.48.0")
    season.step("tst")
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    season.held = set(season.clusters["tst"]) - set(rollout.plan.waves[0].clusters)
    season.go(3 * DAY)
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    assert (rollout.completed is not None, len(rollout.population)) == (True, 1)
    season.held = set()
    season.go(3 * DAY)
    season.verify()
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    assert all(one.is_done for one in rollout.clusters.values())

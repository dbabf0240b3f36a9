"""The adversarial cases of the specification, each by the name of its row: here those that the pure core decides.

Where each row is tested, in the order of the specification; no file means here.
What needs Git, S3, the engine or a command is tested with it:

- runner clock 14 days ahead: `test_runner_clock_14_days_ahead`, and `cli/test_step_loop.py`
- burst of back-dated observations: `test_burst_of_15_back_dated_observations_by_the_bot` (the code stands in the
  chain, and soak waits), `test_time_that_nobody_received...` (the status), and with S3 `cli/test_step.py`
- observer off for two weeks: `test_observer_off_for_two_weeks`, and `cli/test_step_loop.py`
- entry edited, removed, reordered; chain cut or recomputed: `cli/test_ledger_verify.py`, every entry of three real
  chains in `journeys/test_rehearsal.py`; a citation: `test_a_citation_of_what_does_not_stand_in_the_other_chain`
- hand-written promote for a release 3 days in ref: `test_hand_written_promote...`, and by plain pulumi
  `journeys/test_forged_promotion.py`
- release or component folder edited in place: `cli/test_tampered_releases.py`; a re-published chart is no tampering
  but never Healthy, for its digest differs: `test_health_flux.py`
- newer schiff compiles otherwise: `journeys/test_other_versions.py`
- rolled back in ref, promoted from old evidence: `test_release_rolled_back_in_ref...`, and `cli/test_steering.py`
- two releases with one name: `cli/test_tampered_releases.py`
- health read before controllers noticed: `cli/test_step_loop.py`; each object: `test_health_conditions.py`
- suspended or paused looks Ready: `test_health_flux.py`, `test_health_conditions.py`; the status of Unknown:
  `cli/test_status.py`
- failed canary deleted: `test_failed_canary_deleted_from_the_fleet`, and `cli/test_step_loop.py`
- deleted while pending, created during a rollout: `test_cluster_deleted_while_pending_and_created_during_a_rollout`,
  and `cli/test_step_loop.py`
- all held, ref empty: `test_all_clusters_held`, `test_ref_empty`
- two steps at once: `cli/test_step_loop.py`
- killed in between: `cli/test_step_loop.py`, `cli/test_step.py`, `journeys/test_thirty_kills.py`
- update failed half way: `cli/test_step_loop.py`
- freeze in mid-wave, removed during a rollout: `test_freeze_begins_in_mid_wave`, `test_freeze_removed...`,
  `test_a_freeze_that_lies_ahead...`, and `cli/test_step_loop.py`
- soak lowered by who promotes: `test_soak_lowered...`, and `cli/test_step_loop.py`
- approver is the author; approval for another digest, expired, used twice: `test_approver_is_the_author...`,
  `test_approval_used_twice`
- hold set while the cluster moves: `test_hold_set_while_the_cluster_moves`, and `cli/test_step_loop.py`
- way back over a revoked release, a missing minor, a pool above its control plane: `test_way_back.py`,
  `test_planning.py`, `test_skew.py`, `test_health_recordings.py`
- rollback of an irreversible release: `test_reversal.py`, and before anything moves `cli/test_steering.py`
- default edited at head: `journeys/test_example_fleet.py`, and `properties/test_compiled_fleet.py`
- a wave outside its batch: `resources/test_wanted.py`, `test_a_wave_that_moves_more_than_its_batch`; orders over
  budget: `journeys/test_approved_orders.py`
- gate crashes, times out: `cli/test_step_loop.py`, `cli/test_step.py`
- a site unreachable: `test_a_site_unreachable`, and `cli/test_step_loop.py`
- human edit on owned paths: `journeys/test_pulumi_delivery.py`
- ledger broken and production burning: `journeys/test_rollback_unverified.py`; what is excused by it and what is not:
  `test_reopening.py`; who may not: `cli/test_unverified.py`
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schiff.errors import Refused, Tampered
from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.rollout.gate import entry_refusals, verify_chains
from schiff.rollout.health import Verdict
from schiff.rollout.progress import Phase
from schiff.rollout.proofs import Receipt
from schiff.rollout.running import ReleaseState
from schiff.rollout.stage import Stage
from schiff.values.digests import digest
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from tests.rollout.forgery import (
    DAY,
    SOME_DIGEST,
    STEP,
    move,
    outcome,
    outcome_of,
    promote,
    promotion,
    refused,
    steps,
    until,
)
from tests.rollout.season import ANNA, BERT, FIRST, PLANE, VERSION, Season, a_season

FREEZE = {"from": "2026-11-24T08:00:00Z", "until": "2026-11-28T00:00:00Z", "reason": "sale"}


def in_ref(days: float = 0, **fields: object) -> tuple[Season, str]:
    """Return a season with a release that was promoted to ref some days ago."""
    season = a_season(**fields)  # type: ignore[arg-type]
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    if days:
        steps(season, days)
    return season, release


def test_runner_clock_14_days_ahead() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    steps(season, 1)
    season.server_skew = -14 * DAY
    entries = len(season.ledgers["tst"].entries)
    assert outcome(steps(season, 1)["tst"]) == ("skew", 10)
    assert len(season.ledgers["tst"].entries) == entries
    season.server_skew = timedelta()
    until(season, "ref", release)


def test_an_observation_written_with_a_clock_14_days_ahead_leaves_later_honest_ones_unharmed() -> None:
    season, release = in_ref(2)
    look = season.look("ref")
    rollout = season.ledgers["ref"].state.rollout
    assert rollout is not None
    body = look.report.body(release, rollout.population, held=0, plane=PLANE)
    ahead = season.now + 14 * DAY
    season.append("ref", "observe", body, at=ahead, server=ahead, objects={body["report"]: look.report.to_bytes()})
    assert set(season.ledgers["ref"].state.disbelieved.values()) == {"self-dated"}
    before = rollout.soak.earned
    steps(season, 2)
    after = season.ledgers["ref"].state.rollout
    assert after is not None
    assert after.soak.earned - before >= DAY


def test_burst_of_15_back_dated_observations_by_the_bot() -> None:
    season, release = in_ref(3)
    state = season.ledgers["ref"].state
    assert state.rollout is not None
    season.now += 15 * DAY
    earned = state.rollout.soak.earned
    for day in range(14, -1, -1):
        look = season.look("ref")
        body = look.report.body(release, state.rollout.population, held=0, plane=PLANE)
        at = season.now - day * DAY - timedelta(hours=1)
        season.append("ref", "observe", body, at=at, server=at, objects={body["report"]: look.report.to_bytes()})
    after = season.ledgers["ref"].state
    assert list(after.disbelieved.values()) == ["self-dated"] * 15
    assert after.rollout is not None
    assert after.rollout.soak.earned == earned
    assert outcome(season.step("prd")) == ("not-soaked", 10)


def test_time_that_nobody_received_is_refused_where_policy_asks_for_a_witness() -> None:
    policy = PolicySpec.model_validate({"environments": {"prd": {"witness": "required"}}})
    season, release = in_ref(17, witnessed=False, policy=policy)
    season.approve("prd", "promote", release)
    assert outcome(season.step("prd")) == ("self-dated", 10)


def test_an_observation_that_does_not_count_is_appended_once_in_a_run() -> None:
    season = a_season()
    season.cut("2026.48.0")
    steps(season, 1)
    ledger = season.ledgers["tst"]
    season.now += DAY
    season.ledgers["tst"] = replace(ledger, receipts={}).with_state(ledger.state)
    assert season.step("tst").refusal.is_waiting
    assert len(season.ledgers["tst"].state.disbelieved) == 1


def test_observer_off_for_two_weeks() -> None:
    season, _release = in_ref(2)
    rollout = season.ledgers["ref"].state.rollout
    assert rollout is not None
    earned = rollout.soak.earned
    season.now += 14 * DAY
    waits = {environment: season.step(environment) for environment in ENVIRONMENTS}
    assert outcome(waits["prd"]) == ("not-soaked", 10)
    after = season.ledgers["ref"].state.rollout
    assert after is not None
    assert after.soak.earned == earned


def test_a_citation_of_what_does_not_stand_in_the_other_chain() -> None:
    season, release = in_ref()
    promote(season, "prd", release, source={"env": "ref", "seq": 1, "digest": SOME_DIGEST})
    with pytest.raises(Tampered, match="cites entry 1 of ref") as error:
        season.verify()
    assert (error.value.code, error.value.status) == ("tampered", 16)


def soak_in_ref(season: Season) -> timedelta:
    rollout = season.ledgers["ref"].state.rollout
    assert rollout is not None
    return rollout.soak.earned


def test_hand_written_promote_for_a_release_3_days_in_ref() -> None:
    season, release = in_ref()
    while soak_in_ref(season) < 3 * DAY:
        season.go(STEP, STEP)
    season.approve("prd", "promote", release)
    seq = season.ledgers["prd"].entries[-1].seq
    kept = season.ledgers["prd"]
    promote(season, "prd", release, approvals=[seq])
    move(season, "prd", [season.clusters["prd"][0]], release)
    rollout = season.ledgers["ref"].state.rollout
    assert rollout is not None
    due = season.now + rollout.required_soak - rollout.soak.earned
    refused(season, f"it may go on {due:%Y-%m-%d}")
    season.ledgers["prd"] = kept
    season.receipts["prd"].clear()
    season.go(11 * DAY, STEP)
    season.ledgers["prd"] = kept
    season.approve("prd", "promote", release)
    promote(season, "prd", release, approvals=[kept.entries[-1].seq + 1])
    season.verify()


def test_release_rolled_back_in_ref_promoted_again_from_old_evidence() -> None:
    season, release = in_ref(17)
    season.approve("prd", "promote", release)
    old, _plan = promotion(season, "prd", release)
    season.append("ref", "revoke", {"release": release, "reason": "bad", "target": FIRST, "verdict": "full"})
    season.now += DAY
    seq = season.ledgers["prd"].entries[-1].seq
    kept = season.ledgers["prd"]
    promote(season, "prd", release, source=old["source"], approvals=[seq])
    refused(season, "was revoked in ref by entry")
    season.ledgers["prd"] = kept
    assert outcome(season.step("prd")) == ("revoked", 11)
    promote(season, "ref", release)
    refused(season, "was revoked: bad")


def test_a_halt_in_the_environment_before_is_not_hidden_by_citing_an_older_head() -> None:
    season, release = in_ref(17)
    old, _plan = promotion(season, "prd", release)
    season.append("ref", "halt", {"release": release, "reason": "bad"})
    season.now += DAY
    season.approve("prd", "promote", release)
    promote(season, "prd", release, source=old["source"], approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, "was halted in ref by entry")


def failing(key: ClusterKey) -> Season:
    """Return a season in which one cluster fails as soon as it runs another release."""

    def health(one: ClusterKey | str, _now: object, runs: Assignment) -> Verdict:
        return Verdict.Unhealthy if one == key and runs.release != FIRST else Verdict.Healthy

    return a_season(health=health)


def canary_of(season: Season, environment: Environment, release: str) -> ClusterKey:
    return season.plan(environment, release).waves[0].clusters[0]


def test_failed_canary_deleted_from_the_fleet() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    canary = canary_of(season, "tst", release)
    season.health = failing(canary).health
    assert outcome(steps(season, 2)["tst"]) == ("halted", 11)
    season.clusters["tst"] = tuple(key for key in season.clusters["tst"] if key != canary)
    assert outcome(steps(season, 1)["tst"]) == ("halted", 11)
    state = season.ledgers["tst"].state
    assert state.rollout is not None
    assert state.rollout.clusters[canary].phase is Phase.Failed
    season.append("tst", "resume", {"release": release, "reason": "x", "approvals": []})
    refused(season, "a person acks it first")


def test_cluster_deleted_while_pending_and_created_during_a_rollout() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    season.step("tst")
    last = season.plan("tst", release).waves[-1].clusters[-1]
    new = ClusterKey("site-0", "new")
    season.clusters["tst"] = (*(key for key in season.clusters["tst"] if key != last), new)
    season.step("tst")
    state = season.ledgers["tst"].state
    assert state.rollout is not None
    assert state.rollout.clusters[last].phase is Phase.Gone
    assert state.pins[new].release == FIRST
    steps(season, 12)
    assert season.ledgers["tst"].state.pins[new].release == release
    season.verify()


def ordered_anew(season: Season, key: ClusterKey) -> None:
    """Let a cluster be removed, and another one be ordered under its name."""
    for state in ("a", "b", "c", "d", "e"):
        season.append("tst", "remove", {"cluster": str(key), "state": state, "observation": SOME_DIGEST})
    season.clusters["tst"] = (*season.clusters["tst"], key)


def test_a_cluster_ordered_anew_under_its_name_starts_on_the_last_completed_and_is_swept_at_the_end() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    season.go(timedelta(hours=1))
    last = season.plan("tst", release).waves[-1].clusters[-1]
    season.clusters["tst"] = tuple(key for key in season.clusters["tst"] if key != last)
    season.go(timedelta(hours=1))
    assert phase(season, last) is Phase.Gone
    ordered_anew(season, last)
    season.go(timedelta(hours=1))
    assert season.ledgers["tst"].state.pins[last].release == FIRST
    assert phase(season, last) is None
    steps(season, 3)
    assert season.ledgers["tst"].state.completed == release
    assert season.ledgers["tst"].state.pins[last].release == release
    assert phase(season, last) is Phase.Done
    season.verify()


def test_a_failed_cluster_ordered_anew_under_its_name_stays_a_failure_until_somebody_acks() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    season.go(timedelta(hours=1))
    canary = season.plan("tst", release).waves[0].clusters[0]
    season.clusters["tst"] = tuple(key for key in season.clusters["tst"] if key != canary)
    assert outcome(steps(season, 0.5)["tst"]) == ("halted", 11)
    ordered_anew(season, canary)
    assert outcome(steps(season, 0.5)["tst"]) == ("halted", 11)
    season.append("tst", "note", {"text": "x", "changes": {str(canary): "joined"}})
    assert phase(season, canary) is Phase.Failed
    season.append("tst", "ack", {"cluster": str(canary), "release": release, "text": "it was ordered anew"})
    season.append("tst", "resume", {"release": release, "reason": "x"})
    steps(season, 4)
    assert season.ledgers["tst"].state.completed == release
    assert phase(season, canary) is Phase.Done
    season.verify()


def phase(season: Season, key: ClusterKey) -> Phase | None:
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    return rollout.phases().get(key)


def test_all_clusters_held() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    season.held = set(season.clusters["prd"])
    season.go(17 * DAY, STEP)
    season.approve("prd", "promote", release)
    assert outcome(season.step("prd")) == ("nothing-to-judge", 10)
    promote(season, "prd", release, approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, "no cluster that is not held")


def test_ref_empty() -> None:
    season = a_season(ref=0)
    release = season.cut("2026.48.0")
    assert outcome(steps(season, 20)["ref"]) == ("nothing-to-judge", 10)
    promote(season, "prd", release)
    refused(season, "was never promoted in ref")


def test_two_steps_at_once() -> None:
    season = a_season()
    season.cut("2026.48.0")
    ledger = season.ledgers["tst"]
    one = ledger.append("note", {"text": "one"}, at="2026-11-24T09:00:00Z", actor="a", fleet="x")
    two = ledger.append("note", {"text": "two"}, at="2026-11-24T09:00:00Z", actor="b", fleet="x")
    with pytest.raises(ValueError, match="does not follow"):
        ledger.extended(one).extended(two)


def test_killed_between_push_and_witness() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    steps(season, 1)
    seq = season.ledgers["tst"].entries[-1].seq
    season.receipts["tst"][seq] = Receipt(season.ledgers["tst"].entries[-1].digest, season.now + DAY)
    season.go(DAY, STEP)
    until(season, "ref", release)
    season.verify()


def frozen_policy(**freeze: object) -> PolicySpec:
    return PolicySpec.model_validate({"freezes": [{**FREEZE, **freeze}]})


def test_freeze_begins_in_mid_wave() -> None:
    season = a_season(policy=frozen_policy(**{"from": "2026-11-25T20:00:00Z"}))
    release = season.cut("2026.48.0")
    steps(season, 1.4)
    moved = dict(season.ledgers["tst"].state.pins)
    assert outcome(steps(season, 2)["tst"]) == ("closed", 10)
    assert season.ledgers["tst"].state.pins == moved
    waiting = next(key for key, pin in moved.items() if pin.release == FIRST)
    move(season, "tst", [waiting], release)
    refused(season, "frozen until")


def test_freeze_removed_by_editing_policy_during_a_rollout() -> None:
    season = a_season(policy=frozen_policy())
    release = season.cut("2026.48.0")
    season.step("tst")
    season.policy = PolicySpec()
    assert outcome(steps(season, 1)["tst"]) == ("closed", 10)
    season.cut("2026.50.0")
    assert outcome(season.step("tst")) == ("closed", 10)
    promote(season, "tst", season.releases[-1].digest)
    refused(season, "policy asks for less than before")
    assert release != season.releases[-1].digest


def test_a_freeze_that_lies_ahead_is_removed_with_an_approval_alone() -> None:
    season = a_season(policy=frozen_policy(**{"from": "2026-12-20T00:00:00Z", "until": "2026-12-28T00:00:00Z"}))
    until(season, "ref", season.cut("2026.48.0"))
    season.policy = PolicySpec()
    season.cut("2026.50.0")
    assert outcome(season.step("tst")) == ("approval", 11)
    season.approve("tst", "policy", season.policy.digest)
    assert outcome(season.step("tst"))[0] != "approval"


def test_soak_lowered_in_the_merge_request_that_promotes() -> None:
    season, release = in_ref(3)
    season.policy = PolicySpec.model_validate({"environments": {"ref": {"soak": "1d"}}})
    season.approve("prd", "promote", release)
    assert outcome(season.step("prd")) == ("not-soaked", 10)
    later = season.cut("2026.50.0")
    promote(season, "tst", later)
    refused(season, r"policy asks for less than before \(environments\[ref\]\.soak")


def ready_for_prd() -> tuple[Season, str]:
    season, release = in_ref(17)
    return season, release


@pytest.mark.parametrize(
    ("who", "subject", "hours", "said"),
    [
        (ANNA, None, 24, "is the author of the change"),
        (ANNA.upper(), None, 24, "is the author of the change"),
        (BERT, SOME_DIGEST, 24, "it agrees to promote of"),
        (BERT, None, -1, "it expired at"),
    ],
)
def test_approver_is_the_author_or_approval_for_another_digest_or_expired(
    who: str, subject: str | None, hours: int, said: str
) -> None:
    season, release = ready_for_prd()
    season.approve("prd", "promote", subject or release, who, hours)
    assert outcome(season.step("prd")) == ("approval", 11)
    promote(season, "prd", release, authors=[ANNA], approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, said)


def test_approval_used_twice() -> None:
    season, release = ready_for_prd()
    season.approve("prd", "promote", release)
    seq = season.ledgers["prd"].entries[-1].seq
    season.step("prd")
    season.append("prd", "halt", {"release": release, "reason": "x"})
    season.append("prd", "resume", {"release": release, "reason": "x", "approvals": [seq]})
    refused(season, "resume of .* needs 1 person")
    assert seq in season.ledgers["prd"].state.used
    *honest, resumed = season.ledgers["prd"].entries
    stage = Stage()
    for entry in honest:
        stage.take(entry, season.ledgers["prd"].objects, season.ledgers["prd"].receipts)
    found = entry_refusals(resumed, stage, None, season.proofs("prd"), season.ledgers["prd"].objects)
    assert [outcome_of(refusal) for refusal in found] == [("approval", 11)]


def test_approval_whose_signature_nobody_verified() -> None:
    season, release = ready_for_prd()
    season.approve("prd", "promote", release)
    season.signers["prd"].clear()
    promote(season, "prd", release, approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, "its signature was not verified")


def test_a_freeze_is_overridden_by_no_approval_that_nobody_signed_and_for_no_train() -> None:
    season = a_season(policy=frozen_policy())
    release = season.cut("2026.48.0")
    season.approve("tst", "freeze", digest(season.policy.freezes[0].as_document()))
    assert outcome(steps(season, 1)["tst"]) == ("closed", 10)
    season = a_season(policy=frozen_policy())
    season.cut("2026.48.0")
    season.approve("tst", "freeze", digest(season.policy.freezes[0].as_document()))
    promote(season, "tst", release, approvals=[1])
    refused(season, "only a hotfix may")


def test_a_train_that_calls_itself_hurried() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    promote(season, "tst", release, expedited=True)
    with pytest.raises(Refused, match="only a hotfix is hurried"):
        verify_chains(
            season.ledgers,
            {name: season.proofs(name) for name in ENVIRONMENTS},
            {one.digest: one for one in season.releases},
        )


def test_hold_set_while_the_cluster_moves() -> None:
    season = a_season()
    season.health = lambda _key, _now, runs: Verdict.Healthy if runs.release == FIRST else Verdict.Progressing
    release = season.cut("2026.48.0")
    season.go(STEP, STEP)
    canary = canary_of(season, "tst", release)
    assert season.ledgers["tst"].state.pins[canary].release == release
    season.held = {canary}
    season.step("tst")
    rollout = season.ledgers["tst"].state.rollout
    assert rollout is not None
    assert rollout.clusters[canary].phase is Phase.Moving
    season.health = a_season().health
    season.go(2 * DAY, STEP)
    after = season.ledgers["tst"].state.rollout
    assert after is not None
    assert after.clusters[canary].phase is Phase.Done


def test_a_wave_that_moves_more_than_its_batch() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    steps(season, 1)
    state = season.ledgers["tst"].state
    assert state.rollout is not None
    waiting = [key for key, one in state.rollout.clusters.items() if one.phase is Phase.Pending]
    move(season, "tst", waiting, release)
    refused(season, "is in a later wave than canary")


def test_a_site_unreachable() -> None:
    season = a_season(tst=30)
    season.policy = PolicySpec.model_validate({"waves": {"maxUnavailable": 5, "caps": {"site": 20}}})
    release = season.cut("2026.48.0")
    steps(season, 1.2)
    gone = {key for key in season.clusters["tst"] if key.site == "site-0"}
    season.health = lambda key, _now, _runs: None if key in gone else Verdict.Healthy
    season.go(timedelta(hours=1))
    moved = dict(season.ledgers["tst"].state.pins)
    waits = steps(season, 2)
    assert outcome(waits["tst"]) == ("unknown", 10)
    assert season.ledgers["tst"].state.pins == moved
    assert season.ledgers["tst"].state.state_of(release) is not ReleaseState.Halted


def test_the_canary_that_was_not_healthy_before_lets_no_other_go_first() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    canary = canary_of(season, "tst", release)
    for verdict in (Verdict.Unknown, Verdict.Unhealthy):
        season.health = lambda key, _now, _runs, seen=verdict: seen if key == canary else Verdict.Healthy  # type: ignore[misc]
        steps(season, 1)
        assert {pin.release for pin in season.ledgers["tst"].state.pins.values()} == {FIRST}


def test_default_edited_at_head_changes_no_pin() -> None:
    season, _release = in_ref(2)
    before = {name: dict(season.ledgers[name].state.pins) for name in ("ref", "prd")}
    season.plane = PLANE
    assert {name: season.ledgers[name].state.pins for name in ("ref", "prd")} == before


def test_a_note_begins_no_cluster_on_a_release_that_never_completed() -> None:
    season, release = in_ref()
    pin = {"release": release, "kubernetes": str(VERSION)}
    season.append("prd", "note", {"text": "x", "changes": {}, "pins": {"site-0/new": pin}})
    refused(season, "which never completed here")


def test_a_plan_that_lies_about_what_clusters_run() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    plan = season.plan("tst", release)
    key = next(iter(plan.members))
    lie = replace(plan.members[key], start=Assignment(SOME_DIGEST, VERSION))
    promote(season, "tst", release, planned=replace(plan, members={**plan.members, key: lie}))
    refused(season, "and the chain says another")


def test_a_release_that_tst_revokes_while_it_soaks_in_ref_never_enters_prd() -> None:
    season, release = in_ref(2)
    season.append("tst", "revoke", {"release": release, "reason": "eats disks", "target": FIRST, "verdict": "full"})
    for _ in range(20):
        season.approve("prd", "promote", release)
        steps(season, 1)
    assert season.ledgers["ref"].state.rollout_of(release) is not None
    assert outcome(season.step("prd")) == ("revoked", 11)


def test_every_test_that_is_listed_above_is_there() -> None:
    listed = re.findall(r"`([\w/]+)(\.py|\.\.\.)?`", __doc__ or "")
    here = Path(__file__).parent
    files = [name for name, ending in listed if ending == ".py"]
    assert len(files) > 20
    assert [name for name in files if not any((at / f"{name}.py").is_file() for at in (here, here.parent))] == []
    named = [name for name, ending in listed if ending != ".py" and name.startswith("test_")]
    assert [name for name in named if not any(one.startswith(name) for one in globals())] == []

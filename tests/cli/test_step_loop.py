"""The loop of `schiff step` on real ledgers, in simulated time: what it does, waits for, and survives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from schiff.cli.step_loop import Done, run_steps
from schiff.errors import Conflict, Refused
from schiff.rollout.health import Verdict
from schiff.rollout.running import ReleaseState
from schiff.rollout.situation import Append, Wait
from tests.cli.simulated_world import (
    CANDIDATE,
    MANAGER,
    POLICY,
    REFERENCES,
    SHOPS,
    START,
    KilledError,
    SimulatedWorld,
    changed_defaults,
    order_path,
    rollout_documents,
    status_of,
)
from tests.makers import changed

NOTE = Append("note", {"text": "somebody else was here"}, "")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    """Return a world with a new release that nobody runs yet."""
    begun = SimulatedWorld.begin(tmp_path_factory.mktemp("first") / "world")
    begun.documents = changed_defaults(begun.documents)
    return begun


@pytest.fixture(scope="module")
def second(first: SimulatedWorld, tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    """Return a world in which the release soaked in tst."""
    world = first.copied(tmp_path_factory.mktemp("second") / "world")
    world.until("tst", "no-train")
    return world


@pytest.fixture(scope="module")
def third(second: SimulatedWorld, tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    """Return a world in which the release soaked in ref too."""
    world = second.copied(tmp_path_factory.mktemp("third") / "world")
    for _ in range(24 * 5):
        world.step("ref")
        rollout = world.ledger("ref").state.rollout
        if rollout is not None and rollout.state is ReleaseState.Soaked:
            return world
        world.clock += timedelta(hours=6) if rollout is not None and rollout.completed else HOUR
    raise AssertionError("the release never soaked in ref")


@pytest.fixture
def world(first: SimulatedWorld, tmp_path: Path) -> SimulatedWorld:
    return first.copied(tmp_path / "world")


@pytest.fixture
def referred(second: SimulatedWorld, tmp_path: Path) -> SimulatedWorld:
    return second.copied(tmp_path / "world")


@pytest.fixture
def admitted(third: SimulatedWorld, tmp_path: Path) -> SimulatedWorld:
    return third.copied(tmp_path / "world")


def freeze(world: SimulatedWorld, hours: int = 24) -> None:
    frozen = {
        "from": world.clock.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (world.clock + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": "year end",
    }
    world.documents = changed("policy.yaml", "freezes", [frozen], world.documents)


def test_a_release_travels_from_tst_over_ref_to_prd(admitted: SimulatedWorld) -> None:
    admitted.until("prd", "no-release")
    ledgers = {name: admitted.ledger(name) for name in ("tst", "ref", "prd")}
    (release,) = {ledger.state.completed for ledger in ledgers.values()}
    assert {ledgers["prd"].state.pins[key].release for key in SHOPS} == {release}
    assert admitted.clock - START >= timedelta(days=4)
    promoted = [entry.said for entry in ledgers["prd"].entries if entry.kind == "promote"]
    assert [one.source.env for one in promoted] == ["ref"]  # type: ignore[union-attr]


def test_the_same_command_on_the_same_head_adds_nothing(world: SimulatedWorld) -> None:
    world.step("tst")
    before = world.kinds("tst")
    done, refusal = world.step("tst")
    assert (done, world.kinds("tst"), refusal.code, status_of(refusal)) == ([], before, "progressing", 10)


def test_a_wait_says_when_to_come_back(world: SimulatedWorld) -> None:
    _, refusal = world.step("tst")
    assert refusal.until == world.clock + timedelta(minutes=15)


def test_nothing_happens_before_a_ledger_was_begun(tmp_path: Path, world: SimulatedWorld) -> None:
    elsewhere = {
        name: replace(place, ledger=str(tmp_path / "none.git")) for name, place in world.branches.places.items()
    }
    world.branches = replace(world.branches, places=elsewhere)
    with pytest.raises(Refused, match="schiff ledger init -e tst") as refused:
        world.step("tst")
    assert refused.value.code == "no-ledger"


def test_a_run_ends_after_so_many_steps_and_the_next_one_goes_on(world: SimulatedWorld) -> None:
    *done, last = run_steps("tst", world, most=2)
    assert [one.entry.kind for one in done if isinstance(one, Done) and one.entry] == ["promote"]
    assert isinstance(last, Wait)
    assert last.refusal.code == "busy"
    world.step("tst")
    assert "move" in world.kinds("tst")


def test_who_appended_in_between_makes_the_loop_decide_again(world: SimulatedWorld) -> None:
    """Row: two steps at once -- one push wins; the loser re-reads and goes on (0)."""
    world.rivals = [NOTE]
    done, _ = world.step("tst")
    assert world.kinds("tst")[:3] == ["genesis", "note", "promote"]
    assert len([one for one in done if one.entry and one.entry.kind == "promote"]) == 1


def test_who_loses_again_and_again_ends_as_conflict(world: SimulatedWorld) -> None:
    """Row: two steps at once -- conflict, 17."""
    world.rivals = [NOTE] * 20
    with pytest.raises(Conflict) as conflict:
        world.step("tst")
    assert conflict.value.status == 17
    assert "promote" not in world.kinds("tst")


def test_killed_between_ledger_push_and_delivery(world: SimulatedWorld) -> None:
    world.killed = {"after move"}
    with pytest.raises(KilledError):
        world.step("tst")
    before, entries = world.deliveries, world.kinds("tst")
    world.step("tst")
    assert world.deliveries == before + 1
    assert world.kinds("tst").count("move") == entries.count("move") == 1


def test_killed_between_delivery_and_observation(world: SimulatedWorld) -> None:
    world.killed = {"after delivery"}
    with pytest.raises(KilledError):
        world.step("tst")
    before, delivered = world.kinds("tst"), world.deliveries
    world.step("tst")
    assert (world.kinds("tst"), world.deliveries) == (before, delivered)
    world.clock += HOUR
    world.step("tst")
    assert world.kinds("tst") == [*before, "observe"]


def test_a_delivery_that_does_not_arrive_is_waited_for(world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row: update failed half way -- waiting, not tampering (behind, 10)."""
    monkeypatch.setattr(SimulatedWorld, "deliver", lambda *_: None)
    _, refusal = world.step("tst")
    assert (refusal.code, status_of(refusal)) == ("behind", 10)


def test_a_gate_that_crashes_lets_nothing_through(world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row: gate crashes -- no entry, nothing moves."""

    def crashes(*_: object) -> None:
        raise ZeroDivisionError

    before = (world.kinds("tst"), world.deliveries)
    with monkeypatch.context() as patched:
        patched.setattr("schiff.cli.step_loop.entry_refusals", crashes)
        with pytest.raises(ZeroDivisionError):
            world.step("tst")
    assert (world.kinds("tst"), world.deliveries) == before
    world.step("tst")
    assert "move" in world.kinds("tst")


def test_a_runner_clock_14_days_ahead_records_nothing(world: SimulatedWorld) -> None:
    """Row: runner clock 14 days ahead -- observation refused; later honest entries unharmed (skew, 10)."""
    world.step("tst")
    before = world.kinds("tst")
    world.clock += timedelta(days=14)
    world.server = -timedelta(days=14)
    _, refusal = world.step("tst")
    assert (refusal.code, status_of(refusal)) == ("skew", 10)
    assert world.kinds("tst") == before
    world.clock, world.server = START + HOUR, timedelta()
    world.step("tst")
    assert world.kinds("tst") == [*before, "observe"]


def test_an_observer_that_was_off_for_two_weeks_earned_nothing(world: SimulatedWorld) -> None:
    """Row: observer off for two weeks -- soak 0 for the time (not-soaked, 10)."""
    world.until("tst", "not-soaked")
    rollout = world.ledger("tst").state.rollout
    assert rollout is not None
    earned = rollout.soak.earned
    world.clock += timedelta(days=14)
    _, refusal = world.step("tst")
    later = world.ledger("tst").state.rollout
    assert later is not None
    assert later.soak.earned == earned
    assert (refusal.code, status_of(refusal)) == ("not-soaked", 10)
    _, refused = world.step("ref")
    assert (refused.code, status_of(refused)) == ("not-soaked", 10)


def test_a_site_that_cannot_be_reached_pauses_and_does_not_halt(world: SimulatedWorld) -> None:
    """Row: a site unreachable -- Unknown: pause, not halt, not advance (unknown, 10)."""
    world.until("tst", "baking")
    world.health[str(CANDIDATE)] = Verdict.Unknown
    for _ in range(8):
        world.clock += timedelta(hours=6)
        _, refusal = world.step("tst")
    assert (refusal.code, status_of(refusal)) == ("unknown", 10)
    assert "halt" not in world.kinds("tst")


def a_failed_canary(world: SimulatedWorld) -> str:
    """Let the canary of ref fail and return its name."""
    world.step("ref")
    (canary,) = [key for key in REFERENCES if world.since.get(str(key)) == world.clock]
    world.health[str(canary)] = Verdict.Unhealthy
    world.until("ref", "halted")
    return str(canary)


def test_a_failed_canary_halts(referred: SimulatedWorld) -> None:
    canary = a_failed_canary(referred)
    _, refusal = referred.step("ref")
    assert (refusal.code, status_of(refusal)) == ("halted", 11)
    assert canary in refusal.sentence
    assert referred.kinds("ref").count("move") == 1


def test_a_failed_canary_deleted_from_the_fleet_still_halts(referred: SimulatedWorld) -> None:
    """Row: failed canary deleted from the fleet -- counts as failed until acked (halted, 11)."""
    canary = a_failed_canary(referred)
    (key,) = [one for one in REFERENCES if str(one) == canary]
    referred.documents = {path: data for path, data in referred.documents.items() if path != order_path(key)}
    referred.clock += HOUR
    _, refusal = referred.step("ref")
    assert (refusal.code, status_of(refusal)) == ("halted", 11)
    assert "note" in referred.kinds("ref")


def test_health_from_before_the_controllers_noticed_is_progressing(world: SimulatedWorld) -> None:
    """Row: health read before controllers noticed (progressing, 10)."""
    world.step("tst")
    world.clock += timedelta(minutes=15)
    _, refusal = world.step("tst")
    assert (refusal.code, status_of(refusal)) == ("progressing", 10)
    assert world.ledger("tst").state.report.management_clusters[MANAGER].verdict is Verdict.Progressing


def test_all_clusters_held_is_nothing_to_judge(admitted: SimulatedWorld) -> None:
    """Row: all clusters held -- nothing is vacuously true (nothing-to-judge, 10)."""
    hold(admitted, *SHOPS)
    done, refusal = admitted.step("prd")
    assert not any(one.moves for one in done)
    assert (refusal.code, status_of(refusal)) == ("nothing-to-judge", 10)


def hold(world: SimulatedWorld, *keys: object) -> None:
    held = {"by": "anna@example.org", "reason": "season", "since": "2026-11-24T00:00:00Z"}
    for key in SHOPS:
        if key in keys:
            world.documents = changed(order_path(key), "hold", held, world.documents)


def test_a_held_cluster_stays_where_it_is(admitted: SimulatedWorld) -> None:
    hold(admitted, SHOPS[0])
    admitted.until("prd", "no-release")
    state = admitted.ledger("prd").state
    assert state.pins[SHOPS[0]].release != state.completed
    assert {state.pins[key].release for key in SHOPS[1:]} == {state.completed}


def test_a_hold_set_while_the_cluster_moves_takes_effect_after_the_hop(admitted: SimulatedWorld) -> None:
    """Row: hold set while the cluster moves (ok, 0)."""
    admitted.step("prd")
    (moving,) = [key for key in SHOPS if admitted.since.get(str(key)) == admitted.clock]
    hold(admitted, moving)
    admitted.clock += timedelta(minutes=15)
    done, _ = admitted.step("prd")
    assert any(one.moves for one in done)
    admitted.until("prd", "no-release")
    state = admitted.ledger("prd").state
    assert state.pins[moving].release == state.completed


def test_a_cluster_deleted_while_pending_leaves_the_plan(admitted: SimulatedWorld) -> None:
    """Row: cluster deleted while pending (ok, 0)."""
    admitted.step("prd")
    pending = [key for key in SHOPS if admitted.since.get(str(key)) != admitted.clock]
    gone = pending[0]
    admitted.documents = {path: data for path, data in admitted.documents.items() if path != order_path(gone)}
    admitted.clock += timedelta(minutes=15)
    done, _ = admitted.step("prd")
    assert any(one.moves for one in done)
    admitted.until("prd", "no-release")
    assert admitted.ledger("prd").state.completed == admitted.ledger("ref").state.completed


def test_a_cluster_created_during_a_rollout_starts_on_the_last_completed_and_is_swept(
    admitted: SimulatedWorld,
) -> None:
    """Row: cluster created during a rollout (ok, 0)."""
    before = admitted.ledger("prd").state.completed
    admitted.step("prd")
    late = SHOPS[0]._replace(name="prd-9")
    admitted.documents = {**admitted.documents, order_path(late): admitted.documents[order_path(SHOPS[0])]}
    admitted.deliver("prd")
    admitted.clock += timedelta(minutes=15)
    admitted.step("prd")
    assert admitted.ledger("prd").state.pins[late].release == before
    admitted.until("prd", "no-release")
    state = admitted.ledger("prd").state
    assert state.pins[late].release == state.completed != before


def test_a_freeze_that_begins_in_mid_wave_lets_nothing_new_start(admitted: SimulatedWorld) -> None:
    """Row: freeze begins in mid-wave (closed, 10)."""
    admitted.step("prd")
    freeze(admitted)
    for _ in range(12):
        admitted.clock += HOUR
        _, refusal = admitted.step("prd")
    assert (refusal.code, status_of(refusal)) == ("closed", 10)
    assert admitted.kinds("prd").count("move") == 1
    assert refusal.until is not None
    admitted.clock = refusal.until
    admitted.step("prd")
    assert admitted.kinds("prd").count("move") == 2


def test_a_freeze_removed_from_the_policy_counts_for_rollouts_that_begin_later(admitted: SimulatedWorld) -> None:
    """Row: freeze removed by editing policy during a rollout -- the policy was frozen at the start (closed, 10)."""
    freeze(admitted, 48)
    admitted.step("prd")
    admitted.documents = changed("policy.yaml", "freezes", [], admitted.documents)
    for _ in range(6):
        admitted.clock += HOUR
        _, refusal = admitted.step("prd")
    assert (refusal.code, status_of(refusal)) == ("closed", 10)


def test_soak_lowered_in_the_merge_request_that_promotes_needs_an_approval(admitted: SimulatedWorld) -> None:
    """Row: soak lowered in the merge request that promotes (approval, 11)."""
    admitted.until("prd", "no-release")
    documents = changed("policy.yaml", "environments.ref.soak", "40h", admitted.documents)
    admitted.documents = changed_defaults(documents, "2026.50.0", "2026-12-08T09:00:00Z")
    _, refusal = admitted.step("tst")
    assert (refusal.code, status_of(refusal)) == ("approval", 11)
    assert "schiff approve policy" in refusal.sentence


def test_a_train_that_is_due_is_cut_and_enters(referred: SimulatedWorld) -> None:
    referred.documents = changed("defaults.yaml", "labels", {"edition": "next"}, referred.documents)
    _, early = referred.step("tst")
    assert early.until is not None
    assert (early.code, early.until > referred.clock) == ("no-train", True)
    referred.clock = early.until
    referred.cuts = ["2026.50.0"]
    done, _ = referred.step("tst")
    assert "release 2026.50.0 is cut from head" in [one.sentence for one in done]
    rollout = referred.ledger("tst").state.rollout
    assert rollout is not None
    assert rollout.name == "2026.50.0"


def test_a_release_that_waits_to_be_merged_is_waited_for(referred: SimulatedWorld) -> None:
    referred.documents = changed("defaults.yaml", "labels", {"edition": "next"}, referred.documents)
    referred.clock += timedelta(days=20)
    _, refusal = referred.step("tst")
    assert (refusal.sentence, status_of(refusal)) == ("release 2026.50.0 waits to be merged", 10)


def test_policy_of_these_tests_shortens_time_and_nothing_else() -> None:
    assert rollout_documents()["policy.yaml"] == POLICY

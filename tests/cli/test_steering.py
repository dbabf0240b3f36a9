"""`schiff halt`, `resume`, `rollback`, `gate`, `fast-forward`: what people say by hand, on real ledgers."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from schiff.rollout.health import Verdict
from schiff.rollout.running import ReleaseState
from tests.cli.simulated_world import REFERENCES, START, SimulatedWorld, changed_defaults, rollout_documents
from tests.makers import changed

PROJECT = "name: schiff\nruntime: python\n"


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> SimulatedWorld:
    """Return a world in which a release soaked in tst and rolls out in ref."""
    world = SimulatedWorld.begin(tmp_path_factory.mktemp("begun") / "world", rollout_documents())
    world.documents = changed_defaults(world.documents)
    world.until("tst", "no-train")
    world.step("ref")
    return world


@pytest.fixture
def world(begun: SimulatedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    """Return a copy of that world."""
    return as_project(begun.copied(tmp_path / "project"), tmp_path / "project", monkeypatch)


def as_project(world: SimulatedWorld, folder: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    """Make the current folder a project with a world's ledgers."""
    (folder / "Pulumi.yaml").write_text(PROJECT)
    for stack in ("tst", "ref", "prd"):
        (folder / f"Pulumi.{stack}.yaml").write_text("config:\n  schiff:fleet: fleet\n  schiff:ledger: ledger.git\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SCHIFF_CACHE", str(folder / "cache"))
    monkeypatch.setattr("schiff.cli.clock.now", lambda: world.clock)
    for module in ("steering", "stack_world"):
        monkeypatch.setattr(f"schiff.cli.{module}.load_fleet", lambda _: world.fleet())
    return world


def said(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert run([*args, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def shown(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    capsys.readouterr()
    assert run([*args]) == status
    found = capsys.readouterr()
    return found.out + found.err


def test_halt_stops_at_once_and_says_it_once(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    answer = said(capsys, "halt", "-e", "ref", "--reason", "lost pods")
    assert [entry["kind"] for entry in answer["entries"]] == ["halt"]
    assert said(capsys, "halt", "-e", "ref", "--reason", "again")["entries"] == []
    _, refusal = world.step("ref")
    assert (refusal.code, "lost pods" in refusal.sentence) == ("halted", True)
    out = shown(capsys, "resume", "-e", "ref", "--reason", "it was a test")
    assert out == "ref: release 2026.48.0 goes on\n"
    _, refusal = world.step("ref")
    assert refusal.code == "progressing"


def test_a_reason_is_asked_for(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    before = world.kinds("ref")
    for verb in ("halt", "resume", "rollback"):
        assert said(capsys, verb, "-e", "ref", status=2)["code"] == "invalid-input"
    assert world.kinds("ref") == before


def test_nothing_rolls_out_so_nothing_is_halted(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.kinds("prd") == ["genesis"]
    assert said(capsys, "halt", "-e", "prd", "--reason", "x", status=11)["code"] == "no-rollout"


def test_a_failed_cluster_keeps_it_halted_until_somebody_vouches_for_it(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    (canary,) = [str(key) for key in REFERENCES if world.since.get(str(key)) == world.clock]
    world.health[canary] = Verdict.Unhealthy
    world.until("ref", "halted")
    out = shown(capsys, "resume", "-e", "ref", "--reason", "a disk", status=11)
    assert f"{canary} failed" in out
    assert "schiff resume --ack CLUSTER" in out
    assert world.step("ref")[1].code == "halted"
    del world.health[canary]
    answer = said(capsys, "resume", "-e", "ref", "--reason", "a new disk", "--ack", canary)
    assert "ack" in [entry["kind"] for entry in answer["entries"]]
    world.until("ref", "no-release")
    assert world.ledger("ref").state.state_of(world.ledger("ref").state.completed or "") is ReleaseState.Soaking


def test_a_cluster_that_was_done_and_cannot_be_seen_holds_up_others_until_somebody_vouches_for_it(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    (canary,) = [str(key) for key in REFERENCES if world.since.get(str(key)) == world.clock]
    (other,) = [str(key) for key in REFERENCES if str(key) != canary]
    world.health[other] = Verdict.Progressing
    for _ in range(4):
        world.clock += timedelta(hours=1)
        world.step("ref")
    world.health = {canary: Verdict.Unknown}
    world.clock += timedelta(hours=1)
    _, wait = world.step("ref")
    assert (wait.code, wait.is_waiting) == ("unknown", True)
    assert f"{canary} was done and cannot be seen" in wait.sentence
    moves = world.kinds("ref").count("move")
    answer = said(capsys, "resume", "-e", "ref", "--reason", "its rack is moved", "--ack", canary)
    assert [entry["kind"] for entry in answer["entries"]] == ["ack"]
    world.step("ref")
    assert world.kinds("ref").count("move") == moves + 1


def test_who_is_no_cluster_of_the_rollout_cannot_be_vouched_for(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown(capsys, "resume", "-e", "ref", "--reason", "x", "--ack", "site-9/none", status=2)
    assert "moves no cluster site-9/none; its clusters: vsphere-site-1/ref-1, vsphere-site-1/ref-2" in out


def test_a_release_that_is_taken_back_goes_nowhere(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    """Row: release rolled back in ref, promoted again from old evidence -- revocation beats soak (revoked, 11)."""
    answer = said(capsys, "rollback", "-e", "ref", "--reason", "packets")
    assert (answer["verdict"], answer["existed"]) == ("full", False)
    assert said(capsys, "rollback", "-e", "ref", "--reason", "packets")["existed"] is True
    for _ in range(6):
        world.step("ref")
        world.clock += timedelta(hours=2)
    state = world.ledger("ref").state
    genesis = state.completed_releases[0]
    assert {state.pins[key].release for key in REFERENCES} == {genesis}
    for environment in ("ref", "prd"):
        refused = said(capsys, "gate", "-e", environment, "2026.48.0", status=11)
        assert "revoked" in {one["code"] for one in refused["refusals"]}


def test_what_cannot_be_taken_back_is_refused_before_anything_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Row: rollback of an irreversible release -- the verdict comes before anything moves (no-path, 11)."""
    documents = changed("components/calico.yaml", "versions", {"v3.32.1": {}, "v3.33.0": {}}, rollout_documents())
    world = SimulatedWorld.begin(tmp_path / "begun", documents)
    for name, value in {"version": "v3.33.0", "reversible": False}.items():
        world.documents = changed("head.yaml", f"components.calico.{name}", value, world.documents)
    world.documents = changed_defaults(world.documents)
    world.step("tst")
    world = as_project(world.copied(tmp_path / "project"), tmp_path / "project", monkeypatch)
    before = (world.kinds("tst"), world.deliveries)
    refused = said(capsys, "rollback", "-e", "tst", "--reason", "packets", status=11)
    assert (refused["code"], "calico v3.33.0 cannot go back to v3.32.1" in refused["message"]) == ("no-path", True)
    world.step("tst")
    assert (world.kinds("tst"), world.deliveries) == before


def test_nothing_goes_back_to_what_never_completed(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "rollback", "-e", "ref", "--reason", "x", "--to", "2026.48.0", status=2)
    assert "release '2026.48.0' never completed in ref; name one of 2026.46.0" in out
    assert "revoke" not in world.kinds("ref")


def test_the_gate_says_everything_that_stands_in_the_way_and_until_when(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = said(capsys, "gate", "-e", "prd", "2026.48.0", status=10)
    codes = [one["code"] for one in answer["refusals"]]
    assert codes == ["not-complete", "nothing-to-judge", "not-soaked"]
    assert answer["refusals"][2]["retryAfter"] == (world.clock + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "it may go on" in shown(capsys, "gate", "-e", "prd", "2026.48.0", status=10)


def test_the_gate_knows_the_releases_of_the_fleet(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.clock > START
    out = shown(capsys, "gate", "-e", "prd", "2020.1.0", status=2)
    assert "the fleet has no release '2020.1.0'; its releases: 2026.46.0, 2026.48.0" in out


def test_a_cluster_on_the_newest_completed_release_has_nothing_to_catch_up_with(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.kinds("prd") == ["genesis"]
    answer = said(capsys, "fast-forward", "plan", "vsphere-site-1/prd-1")
    assert answer["path"] == []
    out = shown(capsys, "fast-forward", "approve", "vsphere-site-1/prd-1", status=11)
    assert "nothing to catch up with" in out
    assert "the environment has no cluster" in shown(capsys, "fast-forward", "plan", "a/b", status=2)

"""`schiff step` as CI calls it: sentences, statuses, JSON; and a witness that is told late."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from schiff.delivery.witness import Witness
from schiff.errors import Failed
from schiff.rollout.entry import Entry
from schiff.rollout.health import Verdict
from schiff.rollout.situation import Append
from schiff.sources.witness import read_receipts
from tests.cli.simulated_world import CANDIDATE, MANAGER, KilledError, SimulatedWorld, changed_defaults
from tests.s3.server import give_keys, location_of, s3_server


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    """Return a world with a release that nobody runs yet, in place of the real one."""
    world = SimulatedWorld.begin(tmp_path / "world")
    world.documents = changed_defaults(world.documents)
    (tmp_path / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("schiff.cli.step.StackWorld.of", lambda *_: world)
    return world


def said(capsys: pytest.CaptureFixture[str], *, status: int) -> Any:
    capsys.readouterr()
    assert run(["step", "-e", "tst", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_every_step_is_a_sentence_and_the_last_says_what_is_waited_for(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["step", "-e", "tst"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.splitlines() == [
        "tst: release 2026.48.0 enters tst: 1 clusters",
        "tst: looking at 1 clusters of tst",
        "tst: 0 of 1 clusters are healthy on release 2026.48.0",
        "tst: wave of release 2026.48.0: schiff-mgmt-x",
        "tst: delivering what the ledger of tst holds since entry 0",
        f"tst waits (progressing): management cluster {MANAGER} is Moving; again at 2026-11-24T09:15:00Z",
    ]
    assert world.deliveries == 4


def test_json_says_the_same_and_when_to_come_back(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    first = said(capsys, status=0)
    assert (first["status"], first["code"]) == (0, "ok")
    assert [one["entry"]["kind"] for one in first["steps"] if one["entry"]] == ["promote", "observe", "move"]
    again = said(capsys, status=10)
    assert (again["status"], again["code"], again["steps"]) == (10, "progressing", [])
    assert again["waitsFor"]["retryAfter"] == "2026-11-24T09:15:00Z"
    assert world.kinds("tst")[-1] == "move"


def test_looking_and_waiting_alone_is_10(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, status=0)
    world.clock += timedelta(minutes=15)
    answer = said(capsys, status=10)
    assert [one["doing"] for one in answer["steps"]] == ["look", "append"]


def test_who_waits_for_a_person_says_so_whatever_else_was_done(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world.until("tst", "baking")
    world.health[str(CANDIDATE)] = Verdict.Unhealthy
    for _ in range(6):
        world.clock += timedelta(hours=1)
        assert run(["step", "-e", "tst"]) in {0, 10, 11}
    assert said(capsys, status=11)["code"] == "halted"


def test_what_was_done_before_a_failure_is_in_its_answer(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Failed("the engine is not there")

    monkeypatch.setattr(SimulatedWorld, "deliver", fails)
    answer = said(capsys, status=1)
    assert (answer["code"], answer["message"]) == ("failed", "the engine is not there")
    assert [one["entry"]["kind"] for one in answer["steps"] if one["entry"]] == ["promote", "observe", "move"]


def test_a_gate_that_does_not_end_in_time_ends_as_a_failure(
    world: SimulatedWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row: gate times out -- no entry, nothing moves (1)."""

    def hangs(*_: object) -> None:
        raise Failed("ssh-keygen verify did not end within 20 seconds", "ssh-keygen-failed")

    monkeypatch.setattr("schiff.cli.step_loop.entry_refusals", hangs)
    answer = said(capsys, status=1)
    assert (answer["status"], answer["code"]) == (1, "ssh-keygen-failed")
    assert world.kinds("tst") == ["genesis"]


def test_an_environment_is_named(world: SimulatedWorld, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["step"]) == 2
    assert "no environment is named" in capsys.readouterr().err
    assert world.kinds("tst") == ["genesis"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def witnessed(world: SimulatedWorld, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimulatedWorld:
    """Return the world with a witness; its clock is the real one."""
    give_keys(monkeypatch)
    place = replace(world.branches.places["tst"], witness=location_of(server, tmp_path.name))
    world.branches = replace(world.branches, places={**world.branches.places, "tst": place})
    world.clock = datetime.now(UTC).replace(microsecond=0)
    return world


def received(world: SimulatedWorld, tmp_path: Path) -> set[int]:
    place = world.branches.places["tst"]
    assert place.witness is not None
    return set(read_receipts(place.witness, "tst", tmp_path / "other-cache"))


def test_killed_between_push_and_witness(
    witnessed: SimulatedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row: killed between push and witness -- no second entry; the missing receipt is put late (ok, 0)."""

    def dies(_: Witness, entry: Entry) -> None:
        raise KilledError(entry.file_name)

    with monkeypatch.context() as patched:
        patched.setattr(Witness, "put", dies)
        with pytest.raises(KilledError, match=r"000001\.json"):
            witnessed.step("tst")
    assert received(witnessed, tmp_path) == {0}
    witnessed.step("tst")
    kinds = witnessed.kinds("tst")
    assert kinds.count("promote") == 1
    assert received(witnessed, tmp_path) == set(range(len(kinds)))


def test_a_witness_that_is_away_stops_nobody(
    witnessed: SimulatedWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: Witness, entry: Entry) -> None:
        raise Failed(f"nobody receives {entry.file_name}")

    with monkeypatch.context() as patched:
        patched.setattr(Witness, "put", away)
        witnessed.step("tst")
    assert "promote" in witnessed.kinds("tst")
    witnessed.step("tst")
    assert received(witnessed, tmp_path) == set(range(len(witnessed.kinds("tst"))))


def test_observations_that_are_dated_back_do_not_count(witnessed: SimulatedWorld) -> None:
    """Row: burst of 15 back-dated observations by the bot -- witness time differs: they do not count."""
    witnessed.step("tst")
    for hour in range(15):
        ledger = witnessed.ledger("tst")
        assert ledger.state.rollout is not None
        release, members = ledger.state.rollout.release, ledger.state.rollout.population
        look, at = witnessed.look("tst", witnessed.fleet()), witnessed.clock - timedelta(days=14, hours=-hour)
        body = look.report.body(release, members, held=0, plane=look.plane)
        burst = Append("observe", body, "", {body["report"]: look.report.to_bytes()}, at=at, server=at)
        assert witnessed.branches.append(ledger, burst, at)
    state = witnessed.ledger("tst").state
    assert list(state.disbelieved.values()) == ["self-dated"] * 15
    assert state.rollout is not None
    assert state.rollout.soak.earned == timedelta()


@pytest.mark.parametrize("minutes", [3, -3, 60 * 24 * 14])
def test_a_runner_whose_clock_is_wrong_decides_nothing(witnessed: SimulatedWorld, minutes: int) -> None:
    """Row: runner clock 14 days ahead -- what is decided is refused like what is observed (skew, 10)."""
    witnessed.clock += timedelta(minutes=minutes)
    _, wait = witnessed.step("tst")
    assert (wait.code, wait.is_waiting) == ("skew", True)
    assert "this machine's clock says" in wait.sentence
    assert witnessed.kinds("tst") == ["genesis"]
    witnessed.clock -= timedelta(minutes=minutes)
    witnessed.step("tst")
    assert "promote" in witnessed.kinds("tst")

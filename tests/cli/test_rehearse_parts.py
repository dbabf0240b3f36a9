"""The parts of a rehearsal: clock, witness, clusters, faults and story, each without an engine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from schiff.cli.app import run
from schiff.cli.rehearsal.approvals import APPROVERS, approval
from schiff.cli.rehearsal.bucket import KEYS, witness_server
from schiff.cli.rehearsal.clock import Clock
from schiff.cli.rehearsal.clusters import Clusters
from schiff.cli.rehearsal.faults import Faults
from schiff.cli.rehearsal.project import name_witness, rehearsal_project
from schiff.cli.rehearsal.staging import beginning
from schiff.cli.rehearsal.story import Story
from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import Line
from schiff.delivery.wishes import is_rehearsal
from schiff.delivery.witness import Witness
from schiff.git.process import run_git
from schiff.rollout.entry import Entry
from schiff.rollout.health import Verdict
from schiff.rollout.sights import Sight
from schiff.s3.location import Location
from schiff.sources.approvals import holds, read_approvers
from schiff.sources.fleet_files import load_fleet
from schiff.sources.witness import read_receipts
from schiff.values.names import ClusterKey
from tests.cli.fleet_folder import write_fleet

START = datetime(2026, 11, 30, tzinfo=UTC)
SHOP, BANK = ClusterKey("site-1", "shop"), ClusterKey("site-2", "bank")
HOUR = timedelta(hours=1)


def faults(seed: int = 1) -> Faults:
    return Faults.drawn(Random(seed), START, [SHOP], [BANK])  # noqa: S311 -- a story, no secret


def clusters() -> Clusters:
    return Clusters({str(SHOP): 5, str(BANK): 5, "mgmt-x": 2}, faults())


def line(key: ClusterKey, release: str, removal: str = "") -> Line:
    return Line(f"a/{key.site}/{key.name}", EMPTY_TREE, "cluster", str(key), release, "v1.35.4", removal)


def sight(found: Clusters, key: ClusterKey, now: datetime) -> Sight:
    return found.report([key], [], now).clusters[key]


def test_the_first_delivery_finds_everything_built() -> None:
    found = clusters()
    found.delivered([line(SHOP, "one")], START)
    assert sight(found, SHOP, START).verdict is Verdict.Healthy


def test_a_cluster_is_on_its_way_for_as_long_as_its_machines_take() -> None:
    found = clusters()
    found.delivered([line(SHOP, "one")], START)
    found.delivered([line(SHOP, "two")], START + HOUR)
    assert sight(found, SHOP, START + HOUR) == Sight(
        "two", "v1.35.4", Verdict.Progressing, "machines are being replaced"
    )
    assert sight(found, SHOP, START + 2 * HOUR).verdict is Verdict.Healthy


def test_a_delivery_that_changes_nothing_starts_nothing() -> None:
    found = clusters()
    for hours in (0, 1):
        found.delivered([line(SHOP, "one")], START + hours * HOUR)
    assert sight(found, SHOP, START + HOUR).verdict is Verdict.Healthy


def test_a_slow_cluster_takes_three_times_as_long_and_stays_within_its_deadline() -> None:
    found = clusters()
    assert found.faults.slow == str(BANK)
    found.delivered([line(BANK, "one")], START)
    found.delivered([line(BANK, "two")], START)
    assert sight(found, BANK, START + 2 * HOUR).verdict is Verdict.Progressing
    assert sight(found, BANK, START + 3 * HOUR).verdict is Verdict.Healthy


def test_what_cannot_be_reached_is_unknown_and_never_healthy() -> None:
    found = clusters()
    site, trouble = found.faults.unreachable
    assert site == BANK.site
    found.delivered([line(BANK, "one"), line(SHOP, "one")], START)
    assert sight(found, BANK, trouble.start).verdict is Verdict.Unknown
    assert sight(found, SHOP, trouble.start).verdict is Verdict.Healthy
    assert sight(found, BANK, trouble.end).verdict is Verdict.Healthy


def test_an_ill_cluster_is_unhealthy_for_less_than_the_grace_of_the_example() -> None:
    found = clusters()
    name, trouble = found.faults.sick
    found.delivered([line(SHOP, "one")], START)
    assert name == str(SHOP)
    assert sight(found, SHOP, trouble.start).verdict is Verdict.Unhealthy
    assert trouble.end - trouble.start < timedelta(hours=4)


def test_a_management_cluster_is_read_from_its_own_folder() -> None:
    found = clusters()
    path = "mgmt-x/self-definitions"
    found.delivered([Line(path, EMPTY_TREE, "folder", path, "one", "v1.35.4")], START)
    found.delivered([Line(path, EMPTY_TREE, "folder", path, "two", "v1.35.4")], START)
    assert found.report([], ["mgmt-x"], START).management_clusters["mgmt-x"].verdict is Verdict.Progressing


def test_a_cluster_that_leaves_is_not_seen_any_more() -> None:
    found = clusters()
    found.delivered([line(SHOP, "one")], START)
    found.delivered([line(SHOP, "one", "a")], START)
    assert found.report([SHOP], [], START).clusters == {}


def test_equal_seeds_draw_equal_faults_and_others_differ() -> None:
    assert faults(7) == faults(7)
    assert len({faults(seed) for seed in range(8)}) > 4


def test_a_run_dies_once_and_a_clock_is_wrong_once() -> None:
    drawn = faults()
    hours = [START + hour * HOUR for hour in range(24 * 56)]
    pairs = list(pairwise(hours))
    assert [where for pair in pairs for where in drawn.deaths(*pair)] == ["moving", "telling"]
    assert sum(drawn.misleads(*pair) for pair in pairs) == 1
    assert len([said for pair in pairs for said in drawn.begun(*pair)]) == 3


def test_the_witness_receives_in_simulated_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    clock = Clock(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC))
    entry = Entry(0, None, "prd", "note", "2031-05-06T07:08:09Z", None, "ci:rehearsal", "none", {"text": "first"})
    with witness_server(clock) as setting:
        Witness(Location.parse(setting), clock.now).put(entry)
        received = read_receipts(Location.parse(setting), "prd", tmp_path)
    assert received[0].received == clock.now
    assert received[0].digest == entry.digest


def test_a_witness_server_starts_with_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    entry = Entry(0, None, "prd", "note", "2026-12-01T00:00:00Z", None, "ci:rehearsal", "none", {"text": "first"})
    for _ in range(2):
        with witness_server(Clock(START)) as setting:
            assert read_receipts(Location.parse(setting), "prd", tmp_path) == {}
            Witness(Location.parse(setting), START).put(entry)


def test_without_its_package_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto.server", None)
    with pytest.raises(Exception, match=r"pip install 'schiff\[rehearse\]'"), witness_server(Clock(START)):
        pass


def test_an_approval_of_a_rehearsal_holds_in_a_rehearsal_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    fleet = write_fleet(tmp_path)
    subject = f"sha256:{'1' * 64}"
    with rehearsal_project(fleet, None) as project:
        approvers = read_approvers(project.fleet, is_rehearsal=True)
        for name in APPROVERS:
            body = approval(name, "prd", "promote", subject, START)
            at = "2026-11-30T00:00:00Z"
            entry = Entry(1, subject, "prd", "approve", at, None, "user:a", "none", body)
            assert holds(entry, approvers)
        with pytest.raises(Exception, match="for rehearsals only"):
            read_approvers(project.fleet)


def test_the_project_is_dated_by_the_simulated_clock_and_goes_away(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    with rehearsal_project(fleet, None) as project:
        project.commit("the fleet as it is", START)
        dates = run_git("-C", str(project.root), "log", "-1", "--format=%aI %cI").decode().split()
        assert {datetime.fromisoformat(date) for date in dates} == {START}
        name_witness(project, "s3://schiff-rehearsal/ledgers")
        assert is_rehearsal(project.project.settings(project.project.stacks("tst")[0]))
    assert not project.root.exists()
    assert fleet.is_dir()


def test_a_season_begins_the_day_before_the_first_train(tmp_path: Path) -> None:
    fleet = write_fleet(tmp_path)
    cut = ["release", "cut", "--fleet", str(fleet), "--name", "2026.48.0", "--at", "2026-11-22T09:00:00Z"]
    assert run(cut) == 0
    assert beginning(load_fleet(fleet)) == datetime(2026, 11, 30, tzinfo=UTC)


def test_a_fleet_without_a_release_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rehearse", "--fleet", str(write_fleet(tmp_path))]) == 11
    assert "schiff release cut" in capsys.readouterr().err


@pytest.mark.parametrize("weeks", ["0", "53", "-1"])
def test_a_season_lasts_a_week_to_a_year(weeks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rehearse", "--weeks", weeks]) == 2
    assert "1 to 52" in capsys.readouterr().err


def test_outside_a_project_a_fleet_has_to_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["rehearse"]) == 2
    assert "--fleet" in capsys.readouterr().err


def test_a_story_names_each_day_once() -> None:
    shown: list[str] = []
    story = Story(START.date(), shown.append)
    for hours in (8, 9, 24 * 7 + 8):
        story.say(START + hours * HOUR, "tst", f"hour {hours}")
    assert shown == [
        "\nweek 1, Mon 30 Nov 2026",
        "  08:00  tst     hour 8",
        "  09:00  tst     hour 9",
        "\nweek 2, Mon 7 Dec 2026",
        "  08:00  tst     hour 176",
    ]
    assert story.as_json()[0] == {"at": "2026-11-30T08:00:00Z", "about": "tst", "text": "hour 8"}

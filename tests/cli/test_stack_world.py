"""What `schiff step` sees of the real world: clusters behind their servers, their clocks, and what was delivered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from schiff.cli.environment_status import Wanted, environment_status
from schiff.cli.project import Project
from schiff.cli.stack_world import plane_of, report_of
from schiff.delivery.delivered import Line
from schiff.model.fleet import Fleet
from schiff.rollout.health import Verdict
from schiff.rollout.sights import Report
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ClusterKey
from tests.cli.living_clusters import MANAGEMENT, TENANTS, Living
from tests.makers import a_fleet
from tests.sources.fake_api_server import Handler

TREE = "0" * 40


@pytest.fixture
def living(started: Living, monkeypatch: pytest.MonkeyPatch) -> Living:
    monkeypatch.chdir(started.root)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    started.settle()
    return started


def fleet_of(living: Living) -> Fleet:
    project = Project.here()
    return load_fleet(living.root / project.settings(project.stacks("tst")[0]).fleet)


def test_a_report_names_every_cluster_on_what_it_was_delivered_with(living: Living) -> None:
    status = environment_status(Project.here(), fleet_of(living), "tst", Wanted(), lambda _: None)
    report = report_of(status)
    assert sorted(map(str, report.clusters)) == sorted(TENANTS)
    assert set(report.management_clusters) == {MANAGEMENT}
    assert {sight.verdict for sight in report.clusters.values()} == {Verdict.Healthy}
    for name in TENANTS:
        expected = living.expected[name].expected
        sight = report.clusters[ClusterKey.parse(name)]
        assert (sight.release, sight.kubernetes) == (expected.release, expected.kubernetes)
    assert Report.parse(report.to_bytes()) == report


def test_a_look_tells_how_far_the_clocks_of_management_clusters_are_ahead(
    living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = format_datetime(datetime.now(UTC) - timedelta(days=14), usegmt=True)
    monkeypatch.setattr(Handler, "date_time_string", lambda _: later)
    status = environment_status(Project.here(), fleet_of(living), "tst", Wanted(), lambda _: None)
    assert status.ahead is not None
    assert abs(status.ahead + timedelta(days=14)) < timedelta(minutes=1)


def a_line(path: str, kubernetes: str, release: str = "head") -> Line:
    return Line(path, TREE, "folder", path, release, kubernetes)


def test_evidence_begins_anew_only_with_what_management_clusters_run() -> None:
    fleet, own = a_fleet(), f"{MANAGEMENT}/self-definitions"
    before = plane_of("tst", fleet, [a_line(own, "v1.35.4")])
    listed = [a_line(own, "v1.35.4"), a_line(f"{MANAGEMENT}/flux/tst", "v1.34.6")]
    assert plane_of("tst", fleet, listed) == before
    assert plane_of("tst", fleet, [a_line(own, "v1.36.0")]) != before
    assert plane_of("tst", fleet, [a_line(own, "v1.35.4", f"sha256:{'1' * 64}")]) != before

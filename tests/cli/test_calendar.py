"""`schiff calendar`: what a customer reads about the releases that come to its clusters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schiff.cli import clock
from schiff.cli.app import run
from schiff.rollout.itinerary import NEXT_TRAIN
from tests.cli.held_fleet import HELD, NEW, production, release_under_way, two_releases

HOLD = {"by": "a@customer-a.example", "reason": "christmas sale", "since": "2026-11-01"}
KUBERNETES = {
    "kubernetes.version": "v1.36.1",
    "kubernetes.via": ["v1.35.4"],
    "kubernetes.images.vsphere.template": "ubuntu-2404-kube-v1.36.1",
    "kubernetes.images.metal3.url": "https://images.schiff.example/ubuntu-2404-kube-v1.36.1.qcow2",
}
CANDIDATE = "baremetal-site-1/customer-a-2"
FOLLOWER = "vsphere-site-1/customer-a-1"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 1, 9, tzinfo=UTC))


def said(capsys: pytest.CaptureFixture[str], fleet: Path, *words: str) -> str:
    capsys.readouterr()
    assert run(["calendar", *words, "--fleet", str(fleet)]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], fleet: Path) -> Any:
    return json.loads(said(capsys, fleet, "customer-a", "--json"))


def test_a_customer_sees_what_comes_to_each_of_its_clusters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, release_under_way(tmp_path, production(), KUBERNETES))
    assert (answer["at"], answer["customer"]) == ("2026-12-01T09:00:00Z", "customer-a")
    assert answer["followHead"] == [FOLLOWER]
    found = {(it["cluster"], it["release"]): it for it in answer["arrivals"]}
    assert found[CANDIDATE, NEW]["earliest"] == "2026-12-01T14:30:00Z"  # after its management cluster
    shop = found[HELD, NEW]
    assert shop["environment"] == "prd"
    assert shop["earliest"] >= "2026-12-29T09:00:00Z"
    assert shop["earliest"][:7] in {"2026-12", "2027-01"}
    assert shop["machines"] == 5
    assert shop["lastDayToHold"] < shop["earliest"][:10]
    assert found[HELD, NEXT_TRAIN]["earliest"] > shop["earliest"]
    assert found[HELD, NEXT_TRAIN]["machines"] == 5


def test_one_of_two_clusters_is_the_canary_and_the_other_waits_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = release_under_way(tmp_path, production(), KUBERNETES)
    own, others = (json.loads(said(capsys, fleet, name, "--json"))["arrivals"] for name in ("customer-a", "customer-b"))
    first, second = sorted(
        it["earliest"] for it in [*own, *others] if (it["release"], it["environment"]) == (NEW, "prd")
    )
    assert first < second


def test_without_a_release_under_way_only_the_next_train_comes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = two_releases(tmp_path, production(), {})
    assert {it["release"] for it in told(capsys, fleet)["arrivals"]} == {NEXT_TRAIN}
    assert {it["machines"] for it in told(capsys, fleet)["arrivals"]} == {0}


def test_a_held_cluster_sees_it_pass_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(capsys, release_under_way(tmp_path, production(**HOLD), KUBERNETES))
    held = [it for it in answer["arrivals"] if it["cluster"] == HELD]
    assert [(it["earliest"], it["lastDayToHold"]) for it in held] == [(None, None)] * 2
    assert {it["note"] for it in held} == {"held by a@customer-a.example: it passes by"}


def test_people_read_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, two_releases(tmp_path, production(**HOLD), {}), "customer-a").splitlines()
    assert lines[0].split() == ["EARLIEST", "CLUSTER", "ENV", "RELEASE", "MACHINES", "HOLD", "BY", "NOTE"]
    assert lines[-2].split()[:2] == ["unknown", HELD]
    assert lines[-1] == f"{FOLLOWER} follows head: every merge reaches it at once"


def test_programs_read_a_calendar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = release_under_way(tmp_path, production(), KUBERNETES)
    content = said(capsys, fleet, "customer-a", "--ical")
    assert content.startswith("BEGIN:VCALENDAR\r\n")
    assert content.endswith("END:VCALENDAR\r\n")
    assert content.count("BEGIN:VEVENT") == content.count("DTSTAMP:20261201T090000Z") == 6
    assert said(capsys, fleet, "customer-a", "--ical") == content


def test_a_customer_without_clusters_has_nothing_to_expect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = production()
    documents["customers/customer-c.yaml"] = {}
    fleet = two_releases(tmp_path, documents, {})
    assert said(capsys, fleet, "customer-c") == "no release comes to customer-c\n"


def test_two_forms_at_once_and_unknown_customers_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = str(two_releases(tmp_path, production(), {}))
    assert run(["calendar", "customer-a", "--json", "--ical", "--fleet", fleet]) == 2
    assert run(["calendar", "nobody", "--fleet", fleet]) == 2
    assert "known: customer-a, customer-b" in capsys.readouterr().err

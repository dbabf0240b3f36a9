"""`schiff hold report`: what it says of clusters that are held, and what it does not say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schiff.cli import clock
from schiff.cli.app import run
from tests.cli.held_fleet import HELD, NEW, OLD, keep_on_old, production, two_releases
from tests.makers import changed

HOLD = {"by": "a@customer-a.example", "reason": "christmas sale", "since": "2026-11-01"}
KUBERNETES = {
    "kubernetes.version": "v1.36.1",
    "kubernetes.via": ["v1.35.4"],
    "kubernetes.images.vsphere.template": "ubuntu-2404-kube-v1.36.1",
    "kubernetes.images.metal3.url": "https://images.schiff.example/ubuntu-2404-kube-v1.36.1.qcow2",
}
CALICO = {"components.calico.version": "v3.33.0", "components.calico.upgradeFrom": ">=9.0"}
BOOT_ONLY: dict[str, Any] = {"kubernetes.images.vsphere.template": "ubuntu-2404-2-kube-v1.35.4"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 1, 9, tzinfo=UTC))
    return tmp_path


def told(fleet: Path, capsys: pytest.CaptureFixture[str], *options: str) -> Any:
    capsys.readouterr()
    assert run(["hold", "report", "--fleet", str(fleet), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_held_cluster_shows_its_debt_and_its_way_back(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = two_releases(here, production(**HOLD), KUBERNETES)
    keep_on_old(fleet)
    answer = told(fleet, capsys)
    assert (answer["at"], answer["environment"]) == ("2026-12-01T09:00:00Z", "prd")
    (one,) = answer["clusters"]
    assert (one["cluster"], one["customer"], one["kubernetes"]) == (HELD, "customer-a", "v1.35.4")
    assert one["hold"] == {**HOLD, "days": 30}
    assert one["debt"] == {
        "releasesBehind": 1,
        "daysBehind": 7,
        "minorsBehind": 1,
        "supportEnds": "2027-02-28",
        "supportDays": 89,
        "losing": [],
        "machines": 5,
    }
    assert [(step["release"], step["kubernetes"]) for step in one["wayBack"]] == [(NEW, "v1.36.1")]
    assert one["noPath"] is None


def test_people_read_a_table_and_a_story(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = two_releases(here, production(**HOLD, until="2026-12-27"), KUBERNETES)
    keep_on_old(fleet)
    capsys.readouterr()
    assert run(["hold", "report", "--fleet", str(fleet)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "CLUSTER CUSTOMER RELEASE KUBERNETES SINCE UNTIL RELEASES DAYS MINORS SUPPORT",
        f"{HELD} customer-a {OLD} v1.35.4 2026-11-01 2026-12-27 1 7 1 89d",
        "",
        f"{HELD}: held for 30 days by a@customer-a.example: christmas sale",
        "1 release, 7 days and 1 minor behind; 89 days to the end of its Kubernetes support; 5 machines will roll",
        f"way back: {NEW} with v1.36.1",
    ]


def test_without_a_change_of_kubernetes_only_machines_that_are_made_otherwise_roll(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = two_releases(here, production(**HOLD), {"components.calico.reversible": False})
    keep_on_old(fleet)
    assert [one["debt"]["machines"] for one in told(fleet, capsys)["clusters"]] == [0]


def test_another_image_rolls_every_machine_made_from_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = two_releases(here, production(**HOLD), BOOT_ONLY)
    keep_on_old(fleet)
    assert [one["debt"]["machines"] for one in told(fleet, capsys)["clusters"]] == [5]


def test_a_way_that_is_not_there_is_said_and_the_rest_is_reported(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    documents = changed("components/calico.yaml", "versions", {"v3.32.1": {}, "v3.33.0": {}}, production(**HOLD))
    fleet = two_releases(here, documents, CALICO)
    keep_on_old(fleet)
    (one,) = told(fleet, capsys)["clusters"]
    assert "calico v3.33.0 follows >=9.0, not v3.32.1" in one["noPath"]
    assert one["wayBack"] == []
    assert (one["debt"]["releasesBehind"], one["debt"]["machines"]) == (1, 5)


@pytest.mark.parametrize(
    ("more", "listed"),
    [
        ({}, True),
        ({"until": "2026-12-01T09:00:01Z"}, True),
        ({"until": "2026-12-01T09:00:00Z"}, False),
        ({"since": "2026-12-02"}, False),
    ],
)
def test_a_hold_holds_until_it_ends(
    more: dict[str, str], listed: bool, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet = two_releases(here, production(**{**HOLD, **more}), {})
    assert [one["cluster"] for one in told(fleet, capsys)["clusters"]] == ([HELD] if listed else [])


def test_one_customer_sees_its_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = two_releases(here, production(**HOLD), {})
    assert [one["cluster"] for one in told(fleet, capsys, "--customer", "customer-a")["clusters"]] == [HELD]
    assert told(fleet, capsys, "--customer", "customer-b")["clusters"] == []
    assert run(["hold", "report", "--fleet", str(fleet), "--customer", "customer-b"]) == 0
    assert capsys.readouterr().out == "no cluster of customer-b is held\n"


def test_an_unknown_customer_names_those_there_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = two_releases(here, production(), {})
    assert run(["hold", "report", "--fleet", str(fleet), "--customer", "nobody"]) == 2
    assert "known: customer-a, customer-b" in capsys.readouterr().err


def test_who_holds_and_runs_the_newest_owes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = two_releases(here, production(**HOLD), KUBERNETES)
    capsys.readouterr()
    assert run(["hold", "report", "--fleet", str(fleet)]) == 0
    said = capsys.readouterr().out
    assert "behind by nothing" in said
    assert "nothing to catch up with" in said

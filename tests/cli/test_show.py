"""`schiff show`: every value, and where it was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schiff.cli.app import run
from tests.makers import VSPHERE_ORDER, fleet_folder

CLUSTER = "vsphere-site-1/customer-a-1"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.chdir(tmp_path)
    folder = fleet_folder(tmp_path / "fleet")
    arguments = ["--fleet", str(folder), "--name", "2026.48.0", "--at", "2026-11-22T06:00:00Z"]
    assert run(["release", "cut", *arguments]) == 0
    capsys.readouterr()
    return str(folder)


def test_each_value_names_its_layer_file_and_line(fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", CLUSTER, "--fleet", fleet, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    by_path = {value["path"]: value for value in answer["values"]}
    endpoint = by_path["controlPlane.endpoint"]
    assert endpoint["layer"] == "cluster"
    assert endpoint["place"].startswith(f"{VSPHERE_ORDER}:")
    assert {value["layer"] for value in answer["values"]} >= {"defaults", "cluster"}
    assert (answer["cluster"], answer["environment"]) == (CLUSTER, "tst")


def test_people_read_it_as_columns(fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", CLUSTER, "--fleet", fleet]) == 0
    said = capsys.readouterr().out
    [line] = [line for line in said.splitlines() if line.startswith("controlPlane.endpoint")]
    assert line.split()[:3] == ["controlPlane.endpoint", "10.1.0.10", "cluster"]
    assert line.split()[3].startswith(f"{VSPHERE_ORDER}:")
    assert "no ledger yet" in said


@pytest.mark.parametrize("name", ["nowhere/shop", "shop"])
def test_an_unknown_cluster_names_those_there_are(name: str, fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", name, "--fleet", fleet]) == 2
    assert CLUSTER in capsys.readouterr().err

"""`schiff where`: who runs a component, and in how many configurations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from tests.makers import VSPHERE_ORDER, changed, fleet_folder


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fleet_folder(tmp_path / "fleet")


def told(capsys: pytest.CaptureFixture[str], fleet: Path, *words: str) -> dict[str, Any]:
    assert run(["where", *words, "--fleet", str(fleet), "--json"]) == 0
    return {one["component"]: one for one in json.loads(capsys.readouterr().out)["components"]}


def test_every_cluster_that_runs_a_component_is_named(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = told(capsys, fleet, "calico").values()
    assert "vsphere-site-1/customer-a-1" in {row["cluster"] for row in found["clusters"]}
    assert run(["where", "calico", "--fleet", str(fleet)]) == 0
    assert capsys.readouterr().out.count("calico") == len(found["clusters"])


def test_one_setting_of_one_cluster_is_one_configuration_more(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = told(capsys, fleet, "--distinct")["calico"]
    other = fleet_folder(tmp_path / "other", changed(VSPHERE_ORDER, "components.calico.mtu", 1400))
    after = told(capsys, other, "--distinct")["calico"]
    assert after["configurations"] == before["configurations"] + 1
    (difference,) = [one for one in after["differences"] if one["path"] == "settings.mtu"]
    assert [value["value"] for value in difference["values"]] == [None, 1400]
    assert difference["values"][1]["clusters"] == ["vsphere-site-1/customer-a-1"]
    assert run(["where", "calico", "--distinct", "--fleet", str(other)]) == 0
    assert "settings.mtu" in capsys.readouterr().out


def test_clusters_that_are_alike_have_one_configuration(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, fleet, "vsphere-cpi", "--distinct")["vsphere-cpi"]
    assert (found["configurations"], found["differences"]) == (1, [])


def test_a_component_that_no_cluster_runs_is_answered_with_those_that_run(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["where", "calicoo", "--fleet", str(fleet)]) == 2
    assert "no cluster runs 'calicoo'" in capsys.readouterr().err

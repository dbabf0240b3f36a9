"""`schiff components`: what is on offer, and what may be set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from schiff.sources.plugins import load_parts
from tests.makers import fleet_folder


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fleet_folder(tmp_path / "fleet")


def told(capsys: pytest.CaptureFixture[str], fleet: Path, *words: str) -> Any:
    assert run(["components", *words, "--fleet", str(fleet), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_everything_that_is_installed_is_listed_with_its_versions(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {one["name"]: one for one in told(capsys, fleet)["components"]}
    assert set(found) == set(load_parts().components)
    assert found["calico"]["bootstrap"]
    assert found["calico"]["head"] in found["calico"]["versions"]
    assert found["metallb"]["requires"] == ["calico"]


def test_what_is_no_component_is_listed_too(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["name"]: one["version"] for one in told(capsys, fleet)["platform"]}
    assert found["ipam-in-cluster"] == "v1.0.3"
    assert {"cluster-api", "ipam-metal3", "ipam-infoblox", "netplan", "sops"} <= set(found)


def test_the_table_says_where_a_component_runs(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["components", "--fleet", str(fleet)]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert "bootstrap" in lines["flux"]
    assert "everywhere it fits" in lines["metallb"]


def test_one_component_shows_an_example_settings_rules_and_what_never_changes(
    fleet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = told(capsys, fleet, "show", "metallb")
    assert list(one["example"]["components"]) == ["metallb"]
    settings = {row["path"]: row for row in one["settings"]}
    assert settings["pools.<name>.priority"] == {
        "path": "pools.<name>.priority", "type": "number from 0", "default": "50",
    }  # fmt: skip
    assert one["rules"]
    assert run(["components", "show", "metallb", "--fleet", str(fleet)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("components:\n  metallb:")
    assert "`" not in text


def test_a_name_nobody_knows_is_answered_with_the_nearest(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["components", "show", "metalb", "--fleet", str(fleet)]) == 2
    assert "metallb" in capsys.readouterr().err

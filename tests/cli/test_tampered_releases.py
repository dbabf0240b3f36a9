"""Rows of the specification about releases that are not what they were: every command that reads them ends with 16."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from tests.cli.fleet_folder import write_fleet
from tests.cli.held_fleet import NEW, NEW_CUT, begin_ledgers

CALICO = "components/calico/v3.32.1/calico.yaml"
RENDER = ("render", "-e", "prd", "--out", "rendered")
VERIFY = ("release", "verify", NEW)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a fleet whose ledgers began with a release that holds a vendored folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    for stack in ("tst", "ref", "prd"):
        Path(f"Pulumi.{stack}.yaml").write_text("config:\n  schiff:fleet: fleet\n")
    Path("Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
    fleet = write_fleet(tmp_path)
    write(fleet, CALICO, "kind: ConfigMap\n")
    return begin_ledgers(cut(fleet))


def cut(fleet: Path) -> Path:
    assert run(["release", "cut", "--fleet", str(fleet), "--name", NEW, "--at", NEW_CUT]) == 0
    return fleet


def write(fleet: Path, path: str, text: str) -> None:
    (fleet / path).parent.mkdir(parents=True, exist_ok=True)
    (fleet / path).write_text(text)


def tampered(capsys: pytest.CaptureFixture[str], fleet: Path, *args: str) -> str:
    """Run a command that must end with `tampered`, and return its sentence."""
    capsys.readouterr()
    assert run([*args, "--fleet", str(fleet), "--json"]) == 16
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["code"]) == (16, "tampered")
    return str(answer["message"])


def test_a_release_that_nobody_touched_is_read(fleet: Path) -> None:
    for args in (VERIFY, RENDER):
        assert run([*args, "--fleet", str(fleet)]) == 0


@pytest.mark.parametrize("args", [VERIFY, RENDER], ids=["release verify", "render"])
def test_a_component_folder_edited_in_place(
    fleet: Path, args: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    write(fleet, CALICO, "kind: Secret\n")
    assert "components/calico/v3.32.1 was changed" in tampered(capsys, fleet, *args)


@pytest.mark.parametrize("args", [VERIFY, RENDER], ids=["release verify", "render"])
def test_a_release_edited_in_place(fleet: Path, args: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    file = f"releases/{NEW}/defaults.yaml"
    write(fleet, file, (fleet / file).read_text() + "labels: {edition: other}\n")
    assert f"{file} was changed" in tampered(capsys, fleet, *args)


def test_another_release_under_the_same_name(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its lock holds, its name is right, and the ledger says another digest."""
    shutil.rmtree(fleet / "releases" / NEW)
    write(fleet, "defaults.yaml", (fleet / "defaults.yaml").read_text() + "labels: {edition: other}\n")
    cut(fleet)
    assert run([*VERIFY, "--fleet", str(fleet)]) == 0
    assert "the ledger of prd assigns what the fleet lacks" in tampered(capsys, fleet, *RENDER)

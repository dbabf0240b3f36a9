"""`schiff render`: equal bytes everywhere, in a folder that is its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from tests.git.repositories import git
from tests.makers import VSPHERE_ORDER, changed, fleet_documents, fleet_folder

RELEASE = "2026.48.0"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Return a fleet with a release, and work beside it."""
    monkeypatch.chdir(tmp_path)
    folder = fleet_folder(tmp_path / "fleet")
    assert run(["release", "cut", "--fleet", str(folder), "--name", RELEASE, "--at", "2026-11-22T06:00:00Z"]) == 0
    capsys.readouterr()
    return folder


def rendered(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def trees(out: Path) -> Any:
    return json.loads((out / "trees.json").read_text())


def test_both_repositories_lie_below_the_folder_with_the_trees_git_would_give_them(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["render", "--fleet", str(fleet), "-e", "tst", "--out", str(out)]) == 0
    repository = out / "cluster-definitions"
    git(repository, "init", "-q")
    git(repository, "add", "--all")
    written = git(repository, "write-tree").strip()
    for line in trees(out)["repositories"]["cluster-definitions"]:
        assert git(repository, "rev-parse", f"{written}:{line['path']}").strip() == line["tree"]


def test_hash_seed_locale_and_zone_change_no_byte(fleet: Path, tmp_path: Path) -> None:
    seen = []
    for seed, language, zone in (("1", "C", "UTC"), ("77", "C.UTF-8", "Asia/Tokyo")):
        out = tmp_path / f"out-{seed}"
        command = [sys.executable, "-m", "schiff.cli.app", "render", "--fleet", fleet, "-e", "tst", "--out", out]
        env = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": language, "TZ": zone}
        program = f"from schiff.cli.app import run; run({[str(word) for word in command[3:]]!r})"
        subprocess.run([sys.executable, "-c", program], env=env, check=True, capture_output=True)
        seen.append(rendered(out))
    assert seen[0] == seen[1]
    assert len(seen[0]) > 20


def test_rendering_again_leaves_nothing_of_the_last_time(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["render", "--fleet", str(fleet), "-e", "tst", "--out", str(out)]
    assert run(arguments) == 0
    before = rendered(out)
    (out / "cluster-definitions" / "stale.yaml").touch()
    assert run(arguments) == 0
    assert rendered(out) == before


def test_a_folder_with_anything_else_in_it_is_left_alone(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").touch()
    assert run(["render", "--fleet", str(fleet), "-e", "tst", "--out", str(tmp_path / "home")]) == 11
    assert "holds what render did not write" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.txt"]


def test_a_release_compiles_all_clusters_whatever_the_ledger_says(fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["render", "--fleet", str(fleet), "--release", RELEASE, "--out", str(out)]) == 0
    lines = trees(out)["repositories"]["cluster-definitions"]
    assert {line["release"] for line in lines} == {next(iter(line["release"] for line in lines))}
    assert lines[0]["release"].startswith("sha256:")


def test_an_unknown_release_names_those_there_are(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["render", "--fleet", str(fleet), "--release", "1999.1.0", "--out", str(tmp_path / "out")]) == 2
    assert f"it has {RELEASE}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_mistake_is_said_with_its_place_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = fleet_folder(tmp_path / "fleet", changed(VSPHERE_ORDER, "replicaz", 1, fleet_documents()))
    assert run(["render", "--fleet", str(folder), "-e", "tst", "--out", str(tmp_path / "out")]) == 2
    assert f"{VSPHERE_ORDER}:" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

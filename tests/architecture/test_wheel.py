"""What is installed is what is built: the wheel brings its data, its commands and its plug-ins, and works alone."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.parts import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the build backend that is installed, and nothing fetched."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [made] = out.glob("*.whl")
    return made


def test_the_wheel_holds_the_schemas_and_every_entry_point(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [entries] = [archive.read(name).decode() for name in names if name.endswith("entry_points.txt")]
    assert "schiff/data/schemas.gz" in names
    assert {f"schiff/data/rehearsal/{name}" for name in ("approvers", "anna", "anna.pub", "bert", "bert.pub")} <= names
    assert not [name for name in names if not name.startswith(("schiff/", "schiff-"))]
    for part in ("schiff = schiff.cli.app:main", "pulumi-resource-schiff", "[schiff.providers]"):
        assert part in entries


def test_what_the_wheel_holds_checks_a_fleet_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import schiff; from schiff.cli.app import main;"
        f" assert schiff.__file__.startswith({str(tmp_path)!r});"
        f" sys.argv = ['schiff', 'check', '--fleet', {str(ROOT / 'stacks' / 'fleet')!r}]; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "objects in" in done.stdout

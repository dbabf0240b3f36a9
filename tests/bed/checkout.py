"""A clean clone of this checkout, in which a test types what people type."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools.build import build_folder
from tools.parts import ROOT

_SET_BY_THE_RUN = ("PULUMI_", "SCHIFF_", "GIT_", "MAKE", "PYTEST_", "PYTHON")


def run(*command: str | Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program as somebody who has just opened a terminal, with the parts that were built already.

    Nothing may be installed: the packages are those of the run itself.
    """
    given = {name: value for name, value in os.environ.items() if not name.startswith(_SET_BY_THE_RUN)}
    env = {**given, "SCHIFF_BUILD": str(build_folder()), "PIP_NO_INDEX": "1", **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def clone(folder: Path) -> Path:
    """Make a clean clone of HEAD; its environment is this one, with a stamp that tells `make` so."""
    cloned = run("git", "clone", "--quiet", ROOT, folder, folder=folder.parent)
    assert cloned.returncode == 0, cloned.stderr
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "schiff-stamp":
            (folder / ".venv" / part.name).symlink_to(part)
    stamp = run("python3", "-c", "from tools.venv import _digest; print(_digest(), end='')", folder=folder)
    assert stamp.returncode == 0, stamp.stderr
    (folder / ".venv" / "schiff-stamp").write_text(stamp.stdout, encoding="utf-8")
    return folder

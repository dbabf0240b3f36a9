"""Whoever is killed with -9 in the middle of a delivery loses nothing: the next run reaches the same trees.

Each window is hit on purpose, by a hook of the delivered repository that kills
everything the run started.
"""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.git.repositories import hook
from tests.journeys.pulumi_project import PulumiProject
from tests.makers import VSPHERE_ORDER

WINDOWS = {
    "before anything is pushed": ("components", "pre-receive"),
    "between the two pushes": ("definitions", "pre-receive"),
    "after the pushes, before the state": ("definitions", "post-receive"),
}


@pytest.fixture(scope="module")
def expected(_delivered: PulumiProject, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the trees that a run reaches that nobody kills."""
    project = PulumiProject.copied(_delivered, tmp_path_factory.mktemp("whole") / "project")
    _change(project)
    project.schiff("up", "-e", "tst")
    return project.trees()


@pytest.mark.parametrize("window", WINDOWS)
def test_a_killed_up_is_finished_by_the_next(window: str, project: PulumiProject, expected: dict[str, str]) -> None:
    repository, name = WINDOWS[window]
    before = project.commits()
    _change(project)
    marker = project.root / ".schiff" / "killed"
    hook(project.repository(repository), name, f"touch {marker}; kill -9 -$(cat {project.root}/.schiff/group); exit 1")
    _killed_up(project)
    assert marker.exists()
    (project.repository(repository) / "hooks" / name).unlink()
    project.schiff("up", "-e", "tst")
    assert project.trees() == expected
    assert project.commits() == before + 2
    assert "unchanged" in project.pulumi("preview", "--expect-no-changes")


def test_nothing_of_a_killed_run_goes_on_living(project: PulumiProject) -> None:
    _change(project)
    hook(project.repository("components"), "pre-receive", f"kill -9 -$(cat {project.root}/.schiff/group); exit 1")
    _killed_up(project)
    deadline = time.monotonic() + 20
    while _alive(project.root) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _alive(project.root) == []


def _change(project: PulumiProject) -> None:
    """Change a file in each repository."""
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    project.edit(VSPHERE_ORDER, "components", {"metallb": {"pools": {"services": {"addresses": ["10.1.5.0/28"]}}}})


def _killed_up(project: PulumiProject) -> None:
    """Run `schiff up` in a process group of its own, whose number the hook reads."""
    with subprocess.Popen(
        ["schiff", "up", "-e", "tst"],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        (project.root / ".schiff" / "group").write_text(str(process.pid))
        said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, said.decode()


def _alive(root: Path) -> list[str]:
    """Return the processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd = str((process / "cwd").readlink())
        except OSError:
            continue
        if cwd.startswith(str(root)):
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found

"""Thirty seeded kills of `schiff up`, ten in each window; after each, the next `up` reaches the compiled trees.

A window is held open by a hook of the repository that begins it: the hook says
where it is and waits, and a killer strikes after a seeded moment. Before the
first push there is no hook to wait in, so there the moment alone decides, from
the first process to objects and plans half written. What was hit is read from
the repositories afterwards, not assumed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.git.repositories import hook
from tests.journeys.pulumi_project import PulumiProject
from tests.makers import VSPHERE_ORDER

SEED = 20261122
EACH = 10
BEFORE, BETWEEN, AFTER = "before the pushes", "between the two pushes", "after the pushes, before the state"
HELD_BY = {BETWEEN: ("definitions", "pre-receive"), AFTER: ("definitions", "post-receive")}
_HELD_OPEN = 60  # seconds; the kill ends it long before
_LATEST = 0.5  # seconds after a window began


def test_thirty_killed_deliveries_are_finished_by_the_next(
    project: PulumiProject, record_property: Callable[[str, object], None]
) -> None:
    moments = random.Random(SEED)  # noqa: S311 -- moments of kills are no secret
    windows = [BEFORE, BETWEEN, AFTER] * EACH
    landed: Counter[str] = Counter()
    for turn, window in enumerate(windows):
        before, commits = project.heads(), project.commits()
        _change(project, turn)
        _kill(project, window, moments.random())
        landed[_window(before, project)] += 1
        project.schiff("up", "-e", "tst")
        assert _delivered(project) == _compiled(project), f"kill {turn}, {window}"
        assert project.commits() == commits + 2, f"kill {turn}, {window}"
    assert "unchanged" in project.pulumi("preview", "--expect-no-changes")
    counts = ", ".join(f"{count} {name}" for name, count in sorted(landed.items()))
    record_property("summary", f"kills with seed {SEED}: {counts}")
    assert landed == {BEFORE: EACH, BETWEEN: EACH, AFTER: EACH}


def _change(project: PulumiProject, turn: int) -> None:
    """Change a file in each repository, differently every time."""
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 2 + turn % 9)
    addresses = [f"10.1.5.{turn * 4}/30"]
    project.edit(VSPHERE_ORDER, "components", {"metallb": {"pools": {"services": {"addresses": addresses}}}})


def _kill(project: PulumiProject, window: str, moment: float) -> None:
    marker = project.root / ".schiff" / "in-window"
    marker.unlink(missing_ok=True)
    if window in HELD_BY:
        repository, name = HELD_BY[window]
        hook(project.repository(repository), name, f"touch {marker}; sleep {_HELD_OPEN}")
    with subprocess.Popen(
        ["schiff", "up", "-e", "tst"],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        if window in HELD_BY:
            _wait_for(marker, process)
        time.sleep(moment * _LATEST)
        _kill_session(process.pid)
    if window in HELD_BY:
        repository, name = HELD_BY[window]
        (project.repository(repository) / "hooks" / name).unlink()


def _kill_session(session: int) -> None:
    """Kill all the run started at once, as lost power does; plugins have process groups of their own."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                os.kill(int(status.parent.name), signal.SIGKILL)
        except (OSError, ProcessLookupError):
            continue


def _wait_for(marker: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not marker.exists():
        assert process.poll() is None, "the run ended before its window"
        assert time.monotonic() < deadline, "the window never came"
        time.sleep(0.01)


def _window(before: dict[str, str], project: PulumiProject) -> str:
    """Say which pushes arrived: their order is components, then definitions."""
    moved = {name for name, commit in project.heads().items() if commit != before[name]}
    return {frozenset(): BEFORE, frozenset({"components"}): BETWEEN}.get(frozenset(moved), AFTER)


def _delivered(project: PulumiProject) -> dict[str, str]:
    return {line["path"]: line["tree"] for line in project.manifest()[1:]}


def _compiled(project: PulumiProject) -> dict[str, str]:
    """Return what the compiler says `tst` should be in definitions, without engine or Git."""
    out = project.root / ".schiff" / "rendered"
    project.schiff("render", "-e", "tst", "--out", str(out))
    lines = json.loads((out / "trees.json").read_text())["repositories"]["cluster-definitions"]
    return {line["path"]: line["tree"] for line in lines}

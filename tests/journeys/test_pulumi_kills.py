"""A run that is killed with -9 leaves no process behind: plugins watch the engine, and end with it.

What such a run leaves in repositories and state is the matter of `test_thirty_kills`.
"""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

from tests.git.repositories import hook
from tests.journeys.pulumi_project import PulumiProject
from tests.makers import VSPHERE_ORDER


def test_nothing_of_a_killed_run_goes_on_living(project: PulumiProject) -> None:
    project.edit(VSPHERE_ORDER, "components", {"metallb": {"pools": {"services": {"addresses": ["10.1.5.0/28"]}}}})
    hook(project.repository("components"), "pre-receive", f"kill -9 -$(cat {project.root}/.schiff/group); exit 1")
    _killed_up(project)
    deadline = time.monotonic() + 20
    while _alive(project.root) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _alive(project.root) == []


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

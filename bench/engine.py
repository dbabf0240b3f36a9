"""The real engine: one stack, state in a file, two cores, plain `pulumi` as people run it.

    python -m bench.engine COUNT RUNS

Makes a project with a fleet of COUNT clusters, a release and a ledger, brings
it up, and previews it without a change. Seconds are those of the wall clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

from bench.fleets import ENVIRONMENT, FleetDocuments
from bench.measure import ROOT, folder_in_memory
from tools.build import build_folder
from tools.up import prepare, search_path, settings

_FILES = ("Pulumi.yaml", f"Pulumi.{ENVIRONMENT}.yaml", "stacks/__main__.py")
_LATE = 2.0
"""How many seconds may pass between two looks at the memory of the running processes, at most."""


class Project:
    """A checkout in memory with an embedded workspace, as `make up` prepares one."""

    def __init__(self, root: Path, count: int) -> None:
        self._root = root
        for name in _FILES:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        (root / ".venv").symlink_to(Path(sys.executable).parent.parent)
        (root / ".gitignore").write_text(".schiff/\n.venv\n", encoding="utf-8")
        FleetDocuments(count).write(root / "stacks" / "fleet")
        prepare(root / ".schiff", build_folder())
        given = {name: text for name, text in os.environ.items() if not name.startswith(("PULUMI_", "SCHIFF_"))}
        path = os.pathsep.join([search_path(build_folder()), os.defpath])
        self._environment = {**given, **settings(root / ".schiff"), "PATH": path, "PYTHONPATH": str(ROOT)}
        self._begin()

    def _begin(self) -> None:
        fleet = ("--fleet", "stacks/fleet")
        self.run("schiff", "release", "cut", *fleet, "--name", "2026.48.0", "--at", "2026-11-22T06:00:00Z")
        self.run("git", "init", "-q", "-b", "main")
        self.run("git", "add", "--all")
        self.run("git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "-q", "-m", "fleet")
        self.run("schiff", "ledger", "init", "-e", ENVIRONMENT, *fleet)
        self.run("pulumi", "stack", "init", "--no-select", ENVIRONMENT)

    def run(self, *command: str) -> str:
        """Run a program in the project's folder and return what it printed; one that fails stops the measurement."""
        ended = subprocess.run(
            command, cwd=self._root, env=self._environment, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise SystemExit(f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}")
        return ended.stdout

    def pulumi(self, *args: str) -> dict[str, Any]:
        """Run the engine on the stack; return its seconds and the largest memory of each kind of process."""
        with _Watch() as watch:
            start = time.perf_counter()
            self.run("pulumi", *args, "--stack", ENVIRONMENT, "--non-interactive", "--color", "never")
            seconds = time.perf_counter() - start
        return {"seconds": seconds, "memory": watch.peaks}

    def resources(self) -> int:
        """Return how many resources the engine's state holds."""
        state = json.loads(self.run("pulumi", "stack", "export", "--stack", ENVIRONMENT))
        return len(state["deployment"]["resources"])


class _Watch:
    """Looks at the processes below this one until told to stop: the peak of each, by the name of its program."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        pause = 0.1
        while not self._stop.wait(pause):
            for pid in _below(os.getpid()):
                name, peak = _named_peak(pid)
                if peak > self.peaks.get(name, 0):
                    self.peaks[name] = peak
            pause = min(_LATE, pause * 1.05)


def _below(pid: int) -> list[int]:
    """Return all processes that descend from one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text(encoding="utf-8").split()]
        except OSError:
            continue
        found += [one for child in children for one in (child, *_below(child))]
    return found


def _named_peak(pid: int) -> tuple[str, int]:
    """Return what a process is and its peak in MiB; nothing for one that is gone."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return "", 0
    peak = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    known = {"pulumi-resource-schiff": "plugin", "pulumi-language": "program", "pulumi": "engine", "git": "git"}
    words = [Path(word).name for word in command[:3]]
    name = next((role for sign, role in known.items() if any(word.startswith(sign) for word in words)), "program")
    return name, round(peak / 1024)


def measure(count: int, runs: int) -> dict[str, Any]:
    """Bring a stack up once, preview it without a change several times."""
    with folder_in_memory() as folder:
        project = Project(folder / "project", count)
        first = project.pulumi("up", "--yes", "--skip-preview", "--suppress-progress")
        previews = [project.pulumi("preview", "--expect-no-changes", "--suppress-progress") for _ in range(runs)]
        again = project.pulumi("up", "--yes", "--skip-preview", "--suppress-progress")
        return {"first": first, "previews": previews, "again": again, "resources": project.resources()}


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("runs", type=int)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.count, asked.runs)))


if __name__ == "__main__":
    main()

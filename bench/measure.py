"""How a figure is taken: in a process of its own, on one core, more than once.

A fresh process has no warm caches and its own peak of memory. Its seconds are
those of the processor, the children's among them: with one core, no network and
files in memory that is the wall clock of an idle machine, and unlike the wall
clock it says the same on a busy one. What two cores share is measured in wall
clock seconds (`bench.engine`).
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of our own is made there


class Steps:
    """The seconds of one core that named steps took, in the order of the steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.wall: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add what happens inside to a step."""
        start, wall = processor_seconds(), time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + processor_seconds() - start
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall

    def as_dict(self) -> dict[str, Any]:
        """Return the steps for another process."""
        return {"seconds": self.seconds, "wall": self.wall}


def processor_seconds() -> float:
    """Return the seconds of the processor that this process and its ended children used so far."""
    used = [resource.getrusage(whom) for whom in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_mib() -> int:
    """Return the largest memory this process ever had."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def on_one_core() -> None:
    """Keep this process and its children on one core; which one is left to what is least taken now."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def in_own_process(module: str, *args: str | int | Path) -> dict[str, Any]:
    """Run a module of this folder in a fresh Python and return what it measured: its last line, as JSON."""
    command = [sys.executable, "-m", f"bench.{module}", *map(str, args)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def several(runs: int, measure: Callable[[], T]) -> list[T]:
    """Return what a measurement gives each time."""
    return [measure() for _ in range(runs)]


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each step over several runs."""
    found = list(runs)
    return {name: median(run[name] for run in found) for name in found[0]}


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """Make a folder that no disk slows down, where the machine has one."""
    folder = Path(tempfile.mkdtemp(prefix="schiff-bench-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""Which processes the test bed has started, written down so that exactly these can be ended.

A number alone is no name: the kernel gives it to others later. A process is
known by its number, the moment it started, and the start of the machine.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_SECONDS = 0.2
_PROC = Path("/proc")


@dataclass(frozen=True)
class Running:
    """One process, as nobody else ever is called."""

    pid: int
    started: str

    @classmethod
    def now(cls, pid: int) -> Running | None:
        """Return who has that number now; None where nobody has, or only its end is still to be noticed."""
        fields = _stat(pid)
        if not fields or fields[0] == "Z":
            return None
        boot = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
        return cls(pid, f"{boot} {fields[19]}")

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return Running.now(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.is_alive:
            os.kill(self.pid, number)


class Roster:
    """Keeps a file of this process and its children up to date while the `with` block runs."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._written: list[Running] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="roster")

    def __enter__(self) -> Self:
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._file.unlink()

    def _run(self) -> None:
        while not self._ended.wait(_SECONDS):
            self._write()

    def _write(self) -> None:
        own = os.getpid()
        pids = [own, *(pid for pid in _pids() if (fields := _stat(pid)) and fields[1] == str(own))]
        found = [running for pid in pids if (running := Running.now(pid))]
        if found != self._written:
            unfinished = self._file.with_suffix(".unfinished")
            unfinished.write_text(json.dumps([asdict(running) for running in found]))
            unfinished.replace(self._file)
            self._written = found


def read_roster(file: Path) -> list[Running]:
    """Return who was written down, the one that wrote it first; some may have ended since."""
    return [Running(**each) for each in json.loads(file.read_text())] if file.exists() else []


def end(processes: Iterable[Running], seconds: float) -> None:
    """Ask processes to end, wait, and end those that did not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [running for running in processes if running.is_alive]
        for running in left:
            running.send(number)
        deadline = time.monotonic() + seconds
        while any(running.is_alive for running in left) and time.monotonic() < deadline:
            time.sleep(0.05)


def _pids() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Return the fields of a process after its name: state, parent, and so on; nothing when it is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []

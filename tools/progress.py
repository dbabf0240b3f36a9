"""Long steps, run quietly: one line that counts on a terminal, a line a minute elsewhere, and a log.

A step that fails shows the end of its log and says what to do.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAIL = 25  # lines of a failed step's log


class StepFailed(Exception):
    """A step did not do its part; the text says what is missing and how to get it."""


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    print(text, flush=True)


def elapsed(seconds: float) -> str:
    """Return a duration as people say it: ``12 s``, ``3 min 05 s``."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def run(
    title: str, argv: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> float:
    """Run a command with its output in `log`; return the seconds it took."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        output.write(f"$ {' '.join(map(str, argv))}\n".encode())
        output.flush()
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=env, cwd=cwd
        ) as step:
            _wait(step, title, started)
    took = time.monotonic() - started
    if step.returncode:
        raise StepFailed(f"{title}: failed after {elapsed(took)}\n{tail(log)}\nthe whole log: {log}")
    return took


def tail(log: Path) -> str:
    """Return the last lines of a log, indented."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:]
    return "\n".join(f"  | {line}" for line in lines)


def _wait(step: subprocess.Popen[bytes], title: str, started: float) -> None:
    terminal = sys.stdout.isatty()
    every = 1 if terminal else 60
    if not terminal:
        say(f"{title} ...")
    while True:
        try:
            step.wait(every)
            break
        except subprocess.TimeoutExpired:
            text = f"{title}: {elapsed(time.monotonic() - started)}"
            print(f"\r{text}", end="", flush=True) if terminal else say(text)
        except BaseException:
            step.terminate()
            raise
    if terminal:
        print("\r\033[K", end="", flush=True)

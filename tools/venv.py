"""Make `.venv` with the pinned dependencies; run by the system's Python, so it needs nothing but itself.

Run as ``python3 -m tools.venv``. A second run with the same pins does nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

from tools.progress import StepFailed, elapsed, run, say

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)


def make_venv(folder: Path) -> None:
    """Create or update the virtual environment when its stamp does not match the pins."""
    stamp, wanted = folder / "schiff-stamp", _digest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    log = ROOT / "build" / "logs" / "venv.log"
    python = folder / "bin" / "python"
    if not python.exists():
        run(".venv: making it", [sys.executable, "-m", "venv", *_without_pip(), folder], log)
    pip: list[str | Path] = [python, "-m", "pip"]
    if not (folder / "bin" / "pip").exists():
        pip = [sys.executable, "-m", "pip", "--python", python]
    packages = ["--constraint", "constraints.txt", "--editable", ".[dev,direct,s3]"]
    argv = [*pip, "install", "--quiet", "--disable-pip-version-check", *packages]
    try:
        took = run(".venv: installing the pinned dependencies (about 1 min)", argv, log, cwd=ROOT)
    except StepFailed as error:
        raise StepFailed(
            f"{error}\npip needs a package index that this machine reaches: see pip config list"
        ) from error
    stamp.write_text(wanted, encoding="utf-8")
    say(f".venv: ready after {elapsed(took)}")


def _without_pip() -> list[str]:
    """Return the option for a Python that cannot give a new environment its own pip.

    Debian keeps `ensurepip` in the package python3-venv; where pip itself is
    installed, that pip can fill the environment from outside.
    """
    if importlib.util.find_spec("ensurepip"):
        return []
    if importlib.util.find_spec("pip"):
        return ["--without-pip"]
    raise StepFailed("python3 has neither ensurepip nor pip: install them with  apt-get install python3-venv")


def _digest() -> str:
    inputs = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    inputs.append(f"{sys.executable} {sys.version} {ROOT}".encode())
    return hashlib.sha256(b"\0".join(inputs)).hexdigest()


def main() -> int:
    """Make the environment; say in a sentence what is missing."""
    if sys.version_info < OLDEST:
        say(f"Python {sys.version.split()[0]} is too old, 3.11 is the oldest: make PYTHON=python3.12 names another")
        return 1
    try:
        make_venv(ROOT / ".venv")
    except StepFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make up` in a clean clone of this checkout, twice; programs that are built already are shared.

python -m bench.make_up
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import ROOT
from tools.build import build_folder


def measure(work: Path) -> dict[str, float]:
    """Bring the example up from nothing, then again, and return the seconds of both."""
    checkout = work / "checkout"
    subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
    given = {name: text for name, text in os.environ.items() if not name.startswith(("PULUMI_", "SCHIFF_"))}
    environment = {**given, "SCHIFF_BUILD": str(build_folder())}
    return {name: _seconds(checkout, environment) for name in ("first", "second")}


def _seconds(checkout: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    command = ["make", "up", f"PYTHON={getattr(sys, '_base_executable', sys.executable)}"]
    ended = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"make up\n{ended.stdout}\n{ended.stderr}")
    return time.perf_counter() - start


def main() -> None:
    """Measure once and print it as JSON."""
    with tempfile.TemporaryDirectory(prefix="schiff-bench-") as work:
        print(json.dumps(measure(Path(work))))


if __name__ == "__main__":
    main()

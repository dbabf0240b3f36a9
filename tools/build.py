"""Build the real parts the project runs: `python -m tools.build all`, or some by name.

Programs land in ``build/bin`` (``SCHIFF_BUILD`` moves ``build``), their logs in
``build/logs``, the minutes each took in ``build/times.json``. A part whose pin,
flags and compiler are the same as last time is left alone.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools import golang, pulumi_cli
from tools.parts import PARTS, ROOT, Part
from tools.progress import StepFailed, elapsed, run, say


def build_folder() -> Path:
    """Return where built things lie: ``SCHIFF_BUILD``, else ``build`` in the checkout."""
    return Path(os.environ.get("SCHIFF_BUILD") or ROOT / "build").resolve()


def build_parts(names: Sequence[str], build: Path) -> None:
    """Build what is missing or out of date, one part after the other; two callers take turns."""
    with _alone(build):
        for name in names:
            part = PARTS[name]
            if name == "pulumi":
                pulumi_cli.provide(build, lambda part=part: _compile(part, build))  # type: ignore[misc]
            else:
                _compile(part, build)


def _compile(part: Part, build: Path) -> None:
    program, stamp = build / "bin" / part.name, build / "stamps" / part.name
    at_hand = golang.go_at_hand(part.minimum_go, build)
    stamped = stamp.read_text(encoding="utf-8") if program.exists() and stamp.exists() else ""
    # A program stays when there is no Go at all: none can have come that would build it differently.
    if stamped and (at_hand is None or stamped == part.digest(at_hand.version)):
        return
    go = at_hand or golang.require_go(part.minimum_go, build)
    log = build / "logs" / f"{part.name}.log"
    title = f"{part.name} {part.version}: building (about {part.minutes} min the first time)"
    argv: list[str | Path] = [go.program, "build", "-C", part.folder, "-o", program, *part.flags(), part.package]
    try:
        took = run(title, argv, log, env=go.environment())
    except StepFailed as error:
        raise StepFailed(f"{error}\n{_cure(log)}") from error
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(part.digest(go.version), encoding="utf-8")
    _remember(part, go.version, took, build)
    say(f"{part.name} {part.version}: built in {elapsed(took)}")


def _cure(log: Path) -> str:
    text = log.read_text(encoding="utf-8", errors="replace")
    if "no space left" in text:
        return "the disk is full: the module and build caches need about 8 GB (go env GOMODCACHE GOCACHE)"
    if any(sign in text for sign in ("dial tcp", "no such host", "403 Forbidden", "i/o timeout", "proxyconnect")):
        return (
            "Go could not download a module: set GOPROXY to a Go module proxy that this machine reaches, then run again"
        )
    if "signal: killed" in text:
        return "the compiler was killed, most likely for lack of memory: a build needs about 2 GB; then run again"
    return "run the same command again; if it fails the same way, empty the build cache with: go clean -cache"


def _remember(part: Part, go_version: str, took: float, build: Path) -> None:
    """Keep the minutes of the slowest build of a pin, which is the first: later ones find Go's cache warm."""
    path = build / "times.json"
    times = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entry = {"version": part.version, "go": go_version, "cores": os.cpu_count(), "minutes": round(took / 60, 1)}
    before = times.get(part.name, {})
    if {**before, "minutes": 0} == {**entry, "minutes": 0} and before["minutes"] > entry["minutes"]:
        return
    times[part.name] = entry
    path.write_text(json.dumps(times, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@contextmanager
def _alone(build: Path) -> Iterator[None]:
    build.mkdir(parents=True, exist_ok=True)
    with (build / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build the named parts; a failure ends with sentences and status 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.build", description="build the real parts into build/bin")
    parser.add_argument("parts", nargs="+", choices=["all", *PARTS], metavar="PART", help=f"all, or {', '.join(PARTS)}")
    asked = parser.parse_args().parts
    names = list(PARTS) if "all" in asked else asked
    try:
        build_parts(names, build_folder())
    except StepFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run again to go on where it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make bed` and `make bed-down`: start the test bed in the background, and end exactly what was started."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from schiff.cli.stand_in import put_in, stand_in_for
from tests.bed.bed import MANAGEMENT_CLUSTER, TENANT, Bed
from tests.bed.bed_folder import BedFolder
from tests.bed.process import BedFailed
from tests.bed.roster import Roster, end, read_roster
from tools.build import build_folder
from tools.parts import ROOT
from tools.progress import elapsed, say

_LONGEST = 90  # seconds until a supervisor that was asked to end is ended
_REACH = """\
The test bed runs, in {folder}:
  fleet        {folder}/fleet, a copy of the example; commit what you change there
  kubectl      export KUBECONFIG={root}/{folder}/kubeconfig    # contexts: {contexts}
  logs         {folder}/bed.log, and *.log below {folder}/clusters
Type next:
  make up                                      deliver the bed's fleet; its clusters pull it by themselves
  .venv/bin/schiff status -e tst               how they are, complete within three minutes
  make bed-down                                end it; its data stays, and rm -r {folder} forgets it
While it runs, make up and schiff work in {folder} instead of here."""


def up(folder: BedFolder, tenants: Sequence[str]) -> int:
    """Start a supervisor in the background and show what it says until everything runs."""
    written = read_roster(folder.processes)
    if stand_in_for(ROOT):
        say(f"{folder.reached.read_text()}\n(it ran already)")
        return 0
    if written and written[0].is_alive:
        say(f"the test bed is being started already; what it says: {folder.log}")
        return 1
    end(written, 10)  # what a supervisor that was killed has left
    started = time.monotonic()
    folder.root.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "tests.bed", "run", *tenants]
    with folder.log.open("w") as output, folder.log.open() as shown:
        supervisor = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        is_ready = has_ended = False
        while not is_ready and not has_ended:
            time.sleep(0.2)
            is_ready, has_ended = stand_in_for(ROOT) is not None, supervisor.poll() is not None
            for line in shown:
                say(line.rstrip())
    if not is_ready:
        say(f"the test bed did not start; its logs are in {folder.root}")
        return 1
    say(folder.reached.read_text())
    say(f"(started in {elapsed(time.monotonic() - started)})")
    return 0


def down(folder: BedFolder) -> int:
    """End the supervisor, which ends what it started, and then whatever it could not end."""
    written = read_roster(folder.processes)
    if not any(running.is_alive for running in written):
        say("no test bed runs here")
        return 0
    end(written[:1], _LONGEST)
    end(written, 10)
    say(f"the test bed is down; its data stays in {folder.root.relative_to(ROOT)}")
    return 0


def run(folder: BedFolder, tenants: Sequence[str]) -> int:
    """Be the supervisor: everything runs until a signal comes."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        with Roster(folder.processes), Bed(folder, build_folder() / "bin", tenants, _say_when) as bed:
            contexts = ", ".join([MANAGEMENT_CLUSTER, *(each.namespace for each in bed.tenants.values())])
            place = folder.root.relative_to(ROOT)
            folder.reached.write_text(_REACH.format(folder=place, root=ROOT, contexts=contexts))
            with put_in(ROOT, folder.root):
                bed.play()
    except BedFailed as error:
        say(f"{error}\nif {folder.root} is older than this checkout, remove it and start again")
    return 1


def _say_when(text: str) -> None:
    say(f"{time.strftime('%H:%M:%S')} {text}")


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave the block that runs, and let nobody interrupt that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m tests.bed", description="the test bed for people")
    parser.add_argument("what", choices=["up", "down", "run"])
    parser.add_argument("tenants", nargs="*", default=[TENANT], help=f"SITE/CLUSTER, else {TENANT}")
    asked = parser.parse_args()
    folder = BedFolder()
    if asked.what == "down":
        return down(folder)
    try:
        return (run if asked.what == "run" else up)(folder, asked.tenants)
    except KeyboardInterrupt:
        down(folder)
        return 130


if __name__ == "__main__":
    sys.exit(main())

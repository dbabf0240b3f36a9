"""Deliver, and kill the process at one moment: ``python -m tests.delivery.killed_run URL CACHE MOMENT WANTED``."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from unittest import mock

from schiff.git.repository import push
from tests.delivery.world import Stack

MOMENTS = {
    "objects": "schiff.git.fast_import._inline",
    "commits": "schiff.delivery.git_repository.write_commits",
    "push": "schiff.delivery.git_repository.push",
    "state": "schiff.delivery.git_repository.push",
}


def main() -> None:
    """Die before the named step; before the state is written means right after the push."""
    url, cache, moment, wanted = sys.argv[1:]

    def die(*args: object, **options: object) -> None:
        if moment == "state":
            push(*args, **options)  # type: ignore[arg-type]
        os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch(MOMENTS[moment], die):
        Stack(url, Path(cache)).up(json.loads(wanted))


if __name__ == "__main__":
    main()

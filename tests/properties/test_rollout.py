"""Invariants 1 to 20 over random histories of three environments, against a reference model.

`make soak-check N=1000000` runs as many steps as it is told; a failure names
its seed, and `History(seed, Counter())` tells it again.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable

from tests.properties.rollout_history import History
from tests.properties.rollout_oracle import NEXT_CLUSTER, NEXT_RELEASE

STEPS = int(os.environ.get("SCHIFF_HISTORY_STEPS", "30000"))
_OF_ONE_HISTORY = 100
_ENOUGH = 50
REFUSALS = (
    "approval", "baking", "blast-radius", "busy", "closed", "conflict", "halted", "no-path", "no-release", "no-train",
    "not-admitted", "not-complete", "not-fixed", "not-halted", "not-represented", "not-soaked", "nothing-to-judge",
    "observe", "progressing", "repeated", "revoked", "self-dated", "skew", "unhealthy", "unknown",
)  # fmt: skip


def test_every_history_keeps_every_invariant(record_property: Callable[[str, object], None]) -> None:
    tally: Counter[str] = Counter()
    steps = seed = 0
    began = time.monotonic()
    while steps < STEPS:
        history = History(seed, tally)
        history.run(_OF_ONE_HISTORY)
        history.end()
        steps, seed = steps + history.steps, seed + 1
    said = f"{steps} steps in {seed} histories, {time.monotonic() - began:.0f} s"
    rows = [f"  {name}: {tally[name]}" for name in sorted(tally)]
    record_property("summary", "\n".join((f"rollout: {said}", *rows)))
    wanted = (*(f"release {one}" for one in NEXT_RELEASE), *(f"cluster {one}" for one in NEXT_CLUSTER), *REFUSALS)
    assert {name: tally[name] for name in wanted if tally[name] < _ENOUGH} == {}

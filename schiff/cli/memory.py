"""How a command treats Python's collector of cycles: it is asked rarely, for a command ends before many are made."""

from __future__ import annotations

import gc

_EVERY = 500_000
_TIMES = 20


def collect_rarely() -> None:
    """Leave alone what was imported, and look for cycles hundreds of times less often than Python does.

    A command lives for seconds and makes next to no cycles, but many small
    values that stay: looking through them takes up to a third of reading a
    long ledger, and finds nothing.
    """
    gc.freeze()
    gc.set_threshold(_EVERY, _TIMES, _TIMES)

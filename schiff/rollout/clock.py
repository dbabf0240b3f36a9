"""When an observation may be believed: its time is held against clocks that its writer does not set.

1. The API server that was observed names its own time; without it, or further than `maxSkew` from the runner's,
   the observation does not count (`skew`).
2. A witness received it within a quarter of an hour, or it does not count (`self-dated`): a burst of back-dated
   observations earns nothing. Without a witness, time is self-asserted, which policy may refuse for an environment.
3. Time goes forward along a chain: one that is not later than the one before does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from schiff.rollout.entry import Entry
from schiff.rollout.moments import parse_moment
from schiff.rollout.proofs import Receipt

RECEIVED_WITHIN = timedelta(minutes=15)


def disbelief(
    entry: Entry, receipts: Mapping[int, Receipt] | None, max_skew: timedelta, last: datetime | None
) -> str | None:
    """Return the code of why an observation does not count, or None when it does."""
    at = parse_moment(entry.at)
    if entry.server is None or abs(parse_moment(entry.server) - at) > max_skew:
        return "skew"
    if receipts is not None:
        receipt = receipts.get(entry.seq)
        if receipt is None or abs(receipt.received - at) > RECEIVED_WITHIN:
            return "self-dated"
    if last is not None and at <= last:
        return "skew"
    return None

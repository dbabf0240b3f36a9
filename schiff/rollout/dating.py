"""Whether the time of a decision may be believed: windows, freezes and approvals go by it, and its writer sets it.

Only a witness tells; without one, time is self-asserted. Of each promotion, move and resumption:

1. Its time does not lie ahead of the moment at which it was received: an honest run cannot tell what is to come.
2. One that was received in time is believed. One that was not may be of a run that was killed before it told, so it
   stands as well, but not with a time before that of an earlier entry which was received in time: it follows that one.
3. One that was received later than `maxGap` must be one that the gate would let through at that moment too, so a
   false time gains at most `maxGap` (I20). Only fresh health is not asked for again: it was fresh when it was decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from schiff.model.policy import SoakPolicy
from schiff.rollout.bodies import Kind
from schiff.rollout.clock import RECEIVED_WITHIN
from schiff.rollout.entry import Entry
from schiff.rollout.moments import format_moment, parse_moment
from schiff.rollout.proofs import Receipt
from schiff.rollout.refusals import Refusal
from schiff.rollout.stage import Stage

DECISIONS: Final[frozenset[Kind]] = frozenset({"promote", "move", "resume"})
"""The kinds that start something, so that it matters when they were written."""

Judge = Callable[[Entry], Iterator[Refusal]]
"""Says what the gate has against an entry on the prefix before it."""


@dataclass(slots=True)
class Dates:
    """The receipts of a chain, and the newest time that they vouch for as far as the chain was read."""

    receipts: Mapping[int, Receipt] | None
    vouched: datetime | None = None

    def refusals(self, entry: Entry) -> Iterator[Refusal]:
        """Yield why the time of an entry cannot be true, then take it for what follows."""
        if self.receipts is None:
            return
        received, at = self._received(entry), parse_moment(entry.at)
        in_time = received is not None and abs(received - at) <= RECEIVED_WITHIN
        if in_time:
            self.vouched = at if self.vouched is None else max(at, self.vouched)
        elif entry.kind in DECISIONS:
            yield from self._ahead(entry, received)
            yield from self._dated_back(entry)

    def late_refusals(self, entry: Entry, stage: Stage, judge: Judge) -> Iterator[Refusal]:
        """Yield what speaks against a decision at the moment that it was received, where that is far too late."""
        received = self._received(entry)
        if entry.kind not in DECISIONS or received is None:
            return
        if received - parse_moment(entry.at) > soak_rules(stage).max_gap.delta:
            moment = format_moment(received)
            for refusal in judge(replace(entry, at=moment)):
                if refusal.code != "observe":
                    said = f"it says {entry.at} and was received at {moment}: {refusal.sentence}"
                    yield Refusal("self-dated", said)

    def _received(self, entry: Entry) -> datetime | None:
        receipt = (self.receipts or {}).get(entry.seq)
        return None if receipt is None else receipt.received

    def _ahead(self, entry: Entry, received: datetime | None) -> Iterator[Refusal]:
        if received is not None and parse_moment(entry.at) > received:
            moment = format_moment(received)
            yield Refusal("skew", f"it says {entry.at}, and the witness received it at {moment}, before that")

    def _dated_back(self, entry: Entry) -> Iterator[Refusal]:
        if self.vouched is not None and parse_moment(entry.at) < self.vouched - RECEIVED_WITHIN:
            moment = format_moment(self.vouched)
            yield Refusal("self-dated", f"it says {entry.at}, yet follows what a witness received at about {moment}")


def soak_rules(stage: Stage) -> SoakPolicy:
    """Return how time is judged: by the policy of what rolls out, or as policies say by default."""
    return SoakPolicy() if stage.rollout is None else stage.rollout.plan.policy.soak

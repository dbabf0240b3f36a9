"""Appending under a witness: one way for everybody who writes to a ledger.

1. The push of the branch decides who wins a number; only then does the witness hear of the entry.
2. A witness that cannot be told stops nobody: the entry stands, somebody is told, and the next `schiff step` puts what
   is missing.
3. Whoever decides something holds this machine's clock against the witness's before: a chain with a false time in it
   is judged by that time for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from schiff.delivery.ledger_branch import Told
from schiff.delivery.witness import Witness
from schiff.errors import Failed, Waiting
from schiff.rollout.dating import soak_rules
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.sources.chains import ChainPlace

Now = Callable[[], datetime]


def told_by(place: ChainPlace, now: Now, tell: Callable[[str], None]) -> Told:
    """Return what lets the witness of a ledger hear of an entry; `tell` hears of a witness that is away."""

    def put(entry: Entry) -> None:
        if place.witness is None:
            return
        try:
            Witness(place.witness, now()).put(entry)
        except Failed as error:
            tell(f"entry {entry.seq} of {entry.env} is not witnessed yet, the next step sees to it: {error}")

    return put


def require_clock(ledger: Ledger, now: datetime, witness: datetime) -> None:
    """Raise `Waiting` for a machine whose clock is too far from the witness's to decide anything."""
    if abs(now - witness) > soak_rules(ledger.state).max_skew.delta:
        clocks = f"this machine's clock says {format_moment(now)}, and the witness's {format_moment(witness)}"
        raise Waiting(f"{clocks}; nothing is decided", "skew")

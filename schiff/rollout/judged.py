"""What one process judged already of a chain, so that it judges only what was appended since.

A chain that grew is judged from where it was judged before, if nothing else that counts is
another than it was then:

1. The entry that was the head still stands where it stood; by its digest so does all before it.
2. Everything that was cited still lies beside the entries.
3. A witness received the same, at the same moments, up to that head.
4. The same signatures of the same people hold.
5. The fleet holds the same releases.
6. The chains of all environments before are the very same, and so is what their witnesses received.

Else it is judged from its beginning. Nothing of this outlives a process: what lies on a disk, others could write.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from schiff.rollout.dating import Dates
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.proofs import Proofs, Receipt
from schiff.rollout.stage import Stage
from schiff.values.names import Environment

Receipts = Mapping[int, Receipt] | None


class Known(NamedTuple):
    """What counts when a chain is judged, beside what it cites: all of it as it was then."""

    environment: Environment
    first: int
    head: Head | None
    receipts: Receipts


@dataclass(frozen=True, slots=True)
class Judged:
    """A chain as it was judged, with all that counted, and what it added up to."""

    ledger: Ledger
    head: Head
    receipts: Receipts
    signers: Mapping[str, str]
    releases: Collection[str]
    earlier: Sequence[Known]
    stage: Stage
    dates: Dates

    def is_prefix_of(self, ledger: Ledger, proofs: Proofs, earlier: Sequence[Ledger]) -> bool:
        """Whether another look may begin where this one ended."""
        stands = ledger.entry(self.head.seq)
        if stands is None or stands.digest != self.head.digest or ledger.first != self.ledger.first:
            return False
        new = {entry.digest for entry in ledger.after(self.head.seq)}
        return (
            self.ledger.objects.keys() <= ledger.objects.keys()
            and self.receipts == _received(proofs.receipts, self.head.seq)
            and self.signers == {digest: name for digest, name in proofs.signers.items() if digest not in new}
            and self.releases == proofs.releases.keys()
            and self.earlier == [_known(one) for one in earlier]
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process judged last of each environment."""

    judged: dict[Environment, Judged] = field(default_factory=dict)

    def ledger(self, environment: Environment) -> Ledger | None:
        """Return the chain that was judged last; None before the first look."""
        return self.judged[environment].ledger if environment in self.judged else None

    def begin(self, ledger: Ledger, proofs: Proofs, earlier: Sequence[Ledger]) -> tuple[int, Stage, Dates]:
        """Return the number that is to be judged first, and what all before it adds up to."""
        before = self.judged.get(ledger.environment)
        if before is None or not before.is_prefix_of(ledger, proofs, earlier):
            return ledger.first, Stage(), Dates(proofs.receipts)
        return before.head.seq + 1, before.stage.copy(), Dates(proofs.receipts, before.dates.vouched)

    def keep(self, ledger: Ledger, proofs: Proofs, earlier: Sequence[Ledger], stage: Stage, dates: Dates) -> None:
        """Remember a chain that was judged to its end."""
        if ledger.head is not None:
            self.judged[ledger.environment] = Judged(
                ledger,
                ledger.head,
                _received(proofs.receipts, ledger.head.seq),
                dict(proofs.signers),
                frozenset(proofs.releases),
                [_known(one) for one in earlier],
                stage.copy(),
                dates,
            )


def _received(receipts: Receipts, last: int) -> Receipts:
    return None if receipts is None else {seq: receipt for seq, receipt in receipts.items() if seq <= last}


def _known(ledger: Ledger) -> Known:
    receipts = None if ledger.receipts is None else dict(ledger.receipts)
    return Known(ledger.environment, ledger.first, ledger.head, receipts)

"""What somebody outside a chain established about it: who received an entry when, and whose signatures hold.

The edges gather proofs, the gate judges by them. Rules, in the order of the code:

1. A receipt for an entry that the chain does not have says that its end was cut.
2. A receipt of another digest than the chain's entry has says that the chain was made anew.
3. Receipts from before the first number are of a chain that this one closes, and say nothing about it.
4. A missing receipt is no tampering: the runner may have died between its push and its put. The next one puts
   it, and it bears the late time, so it earns no soak. At the tail that is usual; a hole in the middle is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from schiff.errors import Tampered
from schiff.model.release import ReleaseSpec
from schiff.values.names import Environment


@dataclass(frozen=True, slots=True)
class Receipt:
    """The digest of an entry as a witness keeps it, and when the witness received it by its own clock."""

    digest: str
    received: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the fleet with its identity."""

    digest: str
    release: ReleaseSpec


@dataclass(frozen=True, slots=True)
class Proofs:
    """What was established about one chain.

    `receipts` are by number; None says that no witness is configured, which is
    not the same as one that received nothing. `signers` names the principal
    whose signature was verified by the digest of an approve *entry*; one that
    is missing was not verified. `releases` are those that the fleet holds, by
    digest: what they contain is in no chain.
    """

    receipts: Mapping[int, Receipt] | None
    signers: Mapping[str, str]
    releases: Mapping[str, Release] = field(default_factory=dict)


NO_PROOFS = Proofs(None, {})
"""Nothing was established: time is asserted by the chain itself, and nobody approved anything."""


class Unwitnessed(NamedTuple):
    """The numbers that a witness holds no receipt for: between others, and at the end of the chain."""

    holes: tuple[int, ...]
    tail: tuple[int, ...]

    @property
    def all(self) -> tuple[int, ...]:
        """What is to be put late, oldest first."""
        return (*self.holes, *self.tail)


def require_witnessed(
    environment: Environment, digests: Sequence[str], receipts: Mapping[int, Receipt], first: int = 0
) -> Unwitnessed:
    """Return what the witness lacks; raise `Tampered` where it contradicts the entries, given by their digests.

    `first` is the number of the first of them.
    """
    for seq, receipt in sorted(receipts.items()):
        if 0 <= seq < first:
            continue
        if not first <= seq < first + len(digests):
            raise Tampered(
                f"the ledger of {environment} was cut: the witness received entry {seq},"
                f" yet the chain has {len(digests)} entries"
            )
        if digests[seq - first] != receipt.digest:
            raise Tampered(
                f"the ledger of {environment} was recomputed: entry {seq} is {digests[seq - first]},"
                f" and the witness received {receipt.digest}"
            )
    missing = [seq for seq in range(first, first + len(digests)) if seq not in receipts]
    newest = max(receipts, default=-1)
    return Unwitnessed(tuple(seq for seq in missing if seq < newest), tuple(seq for seq in missing if seq > newest))

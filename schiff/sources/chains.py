"""Ledgers with what is known about them from outside: the one way that a chain is read before anybody trusts it.

What is established, in the order of the code:

1. A witness, where one is configured, received what the chain holds, and nothing that it does not hold.
2. The chain holds by itself; one that closes another is agreed to by two people.
3. Signatures of approvals are of people in ``fleet/approvers``.
4. Every head that a delivery saw is still in it.
5. The gate would have let every promotion, move and resumption through, on the prefix before it.

An environment is read with all before it: promotions cite their chains.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from schiff.model.fleet import Fleet
from schiff.rollout.gate import verify_chains
from schiff.rollout.judged import Memory
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.proofs import Proofs, Release, Unwitnessed, require_witnessed
from schiff.rollout.reopening import require_agreed
from schiff.s3.location import Location
from schiff.sources.approvals import people_who_agreed, read_approvers, verified_signers
from schiff.sources.ledger_branch import read_ledger
from schiff.sources.witness import ask_witness
from schiff.values.names import ENVIRONMENTS, Environment

Anchors = Mapping[Environment, Collection[Head]]


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """Where a ledger is, who witnesses it, and the fleet whose approvers count.

    In a rehearsal the made-up people of rehearsals may be among them.
    """

    ledger: str
    fleet: Path
    witness: Location | None = None
    is_rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Chains:
    """Ledgers that hold, with their proofs, and what each witness has not received yet."""

    ledgers: Mapping[Environment, Ledger]
    proofs: Mapping[Environment, Proofs]
    unwitnessed: Mapping[Environment, Unwitnessed]

    def require_anchors(self, anchors: Anchors) -> None:
        """Raise `Tampered` unless every head that somebody saw before is still in its chain."""
        for environment, ledger in self.ledgers.items():
            for anchor in sorted(anchors.get(environment, ())):
                ledger.require_anchor(anchor)

    def verify(self, memory: Memory | None = None) -> None:
        """Judge every promotion, move and resumption on the prefix before it; raises for the first that may not be.

        `memory` holds what this process judged before.
        """
        releases = next((proofs.releases for proofs in self.proofs.values()), {})
        verify_chains(self.ledgers, self.proofs, releases, memory)


def up_to(environment: Environment) -> tuple[Environment, ...]:
    """Return an environment and all before it, in order."""
    return ENVIRONMENTS[: ENVIRONMENTS.index(environment) + 1]


def releases_of(fleet: Fleet) -> Mapping[str, Release]:
    """Return the releases of a fleet by their digests, as the gate knows them."""
    return {digest: Release(digest, layers.release) for digest, layers in fleet.releases.items()}


def load_chains(
    places: Mapping[Environment, ChainPlace],
    cache: Path,
    releases: Mapping[str, Release] | None = None,
    memory: Memory | None = None,
) -> Chains:
    """Return chains with their proofs; what deliveries saw is asked of them next, with `require_anchors`.

    `releases` are those of the fleet, which the gate goes by, `memory` holds
    the chains that this process judged before.
    Raises `Tampered` where a chain and its witness contradict each other,
    `Failed` where one cannot be read: what was not asked proves nothing.
    """
    ledgers: dict[Environment, Ledger] = {}
    proofs: dict[Environment, Proofs] = {}
    unwitnessed: dict[Environment, Unwitnessed] = {}
    for environment, place in places.items():
        held = None if place.witness is None else ask_witness(place.witness, environment, cache)
        known = None if memory is None else memory.ledger(environment)
        ledger = read_ledger(place.ledger, environment, cache, known=known)
        approvers = read_approvers(place.fleet, is_rehearsal=place.is_rehearsal)
        receipts = None if held is None else held.receipts(ledger.first)
        require_agreed(ledger, people_who_agreed(ledger, approvers, receipts))
        if receipts is not None:
            digests = [entry.digest for entry in ledger.entries]
            unwitnessed[environment] = require_witnessed(environment, digests, receipts, ledger.first)
            ledger = replace(ledger, receipts=receipts)
        signers = verified_signers(ledger, approvers, cache)
        ledgers[environment], proofs[environment] = ledger, Proofs(receipts, signers, releases or {})
    return Chains(ledgers, proofs, unwitnessed)

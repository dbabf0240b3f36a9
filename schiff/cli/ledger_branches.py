"""Ledgers as a run of steps uses them: read with every proof, judged by the gate, and appended to once.

An entry is pushed only on the very head it was decided on. Whoever finds another
head wrote nothing, reads again and decides again; so two runs at once never say
one thing twice, and neither needs a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from schiff.cli.witnessing import require_clock, told_by
from schiff.delivery.ledger_branch import Proposal, append_to_ledger
from schiff.delivery.witness import Witness
from schiff.errors import Failed
from schiff.model.fleet import Fleet
from schiff.rollout.dating import DECISIONS
from schiff.rollout.entry import Entry
from schiff.rollout.judged import Memory
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.situation import Append
from schiff.s3.bucket import Bucket
from schiff.sources.chains import Anchors, ChainPlace, Chains, load_chains, releases_of, up_to
from schiff.sources.witness import read_receipts
from schiff.values.names import Environment


@dataclass(frozen=True, slots=True)
class LedgerBranches:
    """Where the ledgers of all environments are, who writes to them, and by which clock.

    `anchors` are the heads that deliveries saw; `commit` says at which commit the fleet stands; `tell` hears of a
    witness that is away. `memory` holds what was judged already, so that a run judges each entry once.
    """

    places: Mapping[Environment, ChainPlace]
    cache: Path
    actor: str
    now: Callable[[], datetime]
    commit: Callable[[], str] = lambda: "none"
    anchors: Anchors = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None
    memory: Memory = field(default_factory=Memory)

    def read(self, environment: Environment, fleet: Fleet) -> Chains:
        """Return the chain of an environment and of all before it, judged entry by entry.

        Raises `Tampered` for evidence that does not hold, and `Refused` for an
        entry that the gate would not have let through.
        """
        places = {name: self.places[name] for name in up_to(environment) if name in self.places}
        chains = load_chains(places, self.cache, releases_of(fleet), self.memory)
        chains.require_anchors(self.anchors)
        chains.verify(self.memory)
        return chains

    def read_witnessed(self, environment: Environment, fleet: Fleet) -> Chains:
        """Return the same, after the witness was told what a run that was killed left out.

        What it receives in time counts, so the chains are read once more then.
        """
        chains = self.read(environment, fleet)
        lacking = chains.unwitnessed.get(environment)
        location = self.places[environment].witness
        if location is None or lacking is None or not lacking.all:
            return chains
        try:
            Witness(location, self.now()).put_late(chains.ledgers[environment], lacking.all)
        except Failed:  # it is away; what it did not receive earns nothing, and the next run tries again
            return chains
        return self.read(environment, fleet)

    def append(self, ledger: Ledger, step: Append, at: datetime) -> Entry | None:
        """Append one entry to the ledger it was decided on; None when another writer was there first.

        Raises `Waiting` for a decision of a machine whose clock is wrong.
        """
        entry = self.entry(ledger, step, at)
        place = self.places[ledger.environment]
        if step.kind in DECISIONS and place.witness is not None:
            require_clock(ledger, self.now(), Bucket.at(place.witness).time())

        def propose(found: Ledger) -> Proposal | None:
            return Proposal(entry, step.objects) if found.head == ledger.head else None

        location = place.witness
        received = (
            None if location is None else lambda: read_receipts(location, ledger.environment, self.cache, ledger.first)
        )
        told = told_by(place, self.now, self.tell)
        after = append_to_ledger(
            place.ledger, ledger.environment, propose, self.cache, witness=told, received=received, known=ledger
        )
        return entry if _stands(entry, after) else None

    def entry(self, ledger: Ledger, step: Append, at: datetime) -> Entry:
        """Return what would be written; raises `Refused` for what the chain does not take."""
        return ledger.with_objects(step.objects).append(
            step.kind,
            step.body,
            at=format_moment(step.at or at),
            actor=self.actor,
            fleet=self.commit(),
            server=None if step.server is None else format_moment(step.server),
        )


def _stands(entry: Entry, ledger: Ledger) -> bool:
    found = ledger.entry(entry.seq)
    return found is not None and found.digest == entry.digest

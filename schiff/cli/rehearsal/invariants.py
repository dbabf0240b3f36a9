"""What must hold at the end of every day of a rehearsal, read anew from Git and S3.

1. All chains verify: by themselves, against the witness, their signatures, each other and the gate, entry by entry;
   every head that a delivery saw is still in its chain.
2. No more clusters are in flight than `maxUnavailable` and the caps allow.
3. The files of a held cluster are byte-equal to those it had when it was held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schiff.cli.rehearsal.world import RehearsalWorld
from schiff.delivery.anchors import heads_in
from schiff.errors import Failed
from schiff.rollout.running import Rollout
from schiff.rollout.waves import claims, limit, max_unavailable
from schiff.sources.chains import Chains
from schiff.values.names import ClusterKey


@dataclass(slots=True)
class Invariants:
    """Checks a world, day by day, and remembers what a held cluster looked like."""

    world: RehearsalWorld
    kept: dict[ClusterKey, Mapping[str, str]] = field(default_factory=dict)

    def check(self, held: ClusterKey | None) -> Chains:
        """Return the chains as they were read; raises for the first thing that does not hold."""
        chains = self.world.read()
        chains.require_anchors(heads_in(one for pair in self.world.snapshots.values() for one in pair))
        chains.verify()
        for broken in (*self._budgets(chains), *self._held(held)):
            raise Failed(f"an invariant is broken: {broken}", "invariant")
        return chains

    def _budgets(self, chains: Chains) -> Iterator[str]:
        for environment, ledger in chains.ledgers.items():
            rollout = ledger.state.rollout
            if rollout is not None:
                yield from (f"{environment}: {said}" for said in _over(rollout))

    def _held(self, held: ClusterKey | None) -> Iterator[str]:
        if held is None:
            return
        now = {
            line.path: line.tree
            for snapshot in self.world.snapshots["prd"]
            for line in snapshot.lines
            if line.kind == "cluster" and line.name == str(held)
        }
        if self.kept.setdefault(held, now) != now:
            yield f"the files of {held} changed while it was held"


def _over(rollout: Rollout) -> Iterator[str]:
    plan, flying = rollout.plan, rollout.in_flight
    if len(flying) > max_unavailable(plan):
        yield f"{len(flying)} clusters are in flight"
    taken = Counter(claim for key in flying for claim in claims(plan, key))
    yield from (
        f"{count} clusters of {claim} are in flight" for claim, count in taken.items() if count > limit(plan, claim)
    )

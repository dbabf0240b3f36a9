"""What the entries of a ledger add up to: a fold, total over every chain that verifies.

1. `genesis` sets the first pins and removals; its release counts as completed.
2. `move` pins the clusters it names; the last one that names a cluster counts.
3. `remove` goes a, b, c, d, e, one step at a time: deleting all files at once leaves machines behind.
4. After `e` the cluster is gone, and so are its pins: one of the same name that is ordered later starts afresh.
5. Every other kind is evidence and assigns nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schiff.errors import Refused
from schiff.model.tenant_cluster import Removal
from schiff.rollout.bodies import REMOVALS, FirstPin, GenesisBody, MoveBody, Pin, RemoveBody, parse_body
from schiff.rollout.entry import Entry
from schiff.values.names import ClusterKey


@dataclass(frozen=True, slots=True)
class State:
    """Which clusters are pinned to what, how far each removal is, and the last completed release."""

    pins: Mapping[ClusterKey, Pin] = field(default_factory=dict)
    management_pins: Mapping[str, Pin] = field(default_factory=dict)
    removals: Mapping[ClusterKey, Removal] = field(default_factory=dict)
    completed: str | None = None

    def after(self, entries: Iterable[Entry]) -> State:
        """Return the state after more entries; raises `Refused` for a removal that skips a state."""
        fold = _Fold(dict(self.pins), dict(self.management_pins), dict(self.removals), self.completed)
        for entry in entries:
            fold.take(entry)
        return State(fold.pins, fold.management_pins, fold.removals, fold.completed)


@dataclass(slots=True)
class _Fold:
    """The state while it is added up."""

    pins: dict[ClusterKey, Pin]
    management_pins: dict[str, Pin]
    removals: dict[ClusterKey, Removal]
    completed: str | None

    def take(self, entry: Entry) -> None:
        match parse_body(entry.kind, entry.body):
            case GenesisBody() as body:
                self._begin(body)
            case MoveBody() as body:
                self.pins.update(body.clusters)
                self.management_pins.update(body.management_clusters)
            case RemoveBody() as body:
                self._remove(body)
            case _:
                return

    def _begin(self, body: GenesisBody) -> None:
        self.completed = body.release
        self.management_pins.update(body.management_clusters)
        for key, first in body.clusters.items():
            self._begin_cluster(key, first)

    def _begin_cluster(self, key: ClusterKey, first: FirstPin) -> None:
        if not first.follows_head:
            self.pins[key] = Pin(release=first.release, kubernetes=first.kubernetes)
        if first.removal is not None:
            self.removals[key] = first.removal

    def _remove(self, body: RemoveBody) -> None:
        expected = next_removal(self.removals.get(body.cluster))
        if body.state != expected:
            raise Refused(
                f"cluster {body.cluster} cannot go to removal state {body.state}: the next one is {expected}",
                code="removal-order",
            )
        self.removals[body.cluster] = body.state
        if body.state == REMOVALS[-1]:
            self.pins.pop(body.cluster, None)


def next_removal(current: Removal | None) -> Removal:
    """Return the state that follows; after the last, a cluster of the same name begins again."""
    following = 0 if current is None else REMOVALS.index(current) + 1
    return REMOVALS[following % len(REMOVALS)]

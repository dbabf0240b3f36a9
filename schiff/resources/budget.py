"""How much one delivery of orders may touch without an approval (`policy.yaml`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from schiff.compiler.environment import Repository
from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import Line
from schiff.delivery.snapshot import Change
from schiff.errors import Refused
from schiff.model.policy import OrdersPolicy
from schiff.resources.wanted import Delivered, Wanted
from schiff.rollout.refusals import Refusal
from schiff.values.digests import digest


def ordered_clusters(delivered: Iterable[Iterable[Line]], orders: Iterable[Iterable[Line]]) -> set[str]:
    """Return the clusters of which the orders change a folder in either repository."""
    touched: set[str] = set()
    for before, after in zip(delivered, orders, strict=True):
        trees = {line.path: line.tree for line in before}
        touched |= {line.name for line in after if line.kind == "cluster" and trees.get(line.path) != line.tree}
    return touched


@dataclass(frozen=True, slots=True)
class Orders:
    """What a delivery of orders would do to folders of both repositories, and to which clusters."""

    environment: str
    machines: Mapping[str, int]
    changes: tuple[Change, ...]

    @property
    def digest(self) -> str:
        """The digest of every (path, old tree, new tree): what an approval is for."""
        return digest([[change.path, change.old, change.new] for change in self.changes])


Consent = Callable[[Orders], Sequence[Refusal]]
"""Says why orders over budget may not be delivered; nothing when somebody agreed to them."""


def nobody(_: Orders) -> Sequence[Refusal]:
    """Stand in for people where none can be asked."""
    return (Refusal("approval", "nobody can agree to them here"),)


def order_changes(delivered: Delivered, shares: Mapping[Repository, Wanted]) -> tuple[Change, ...]:
    """Return the folders that the orders change, by repository and path; the empty tree stands for "absent"."""
    found: list[Change] = []
    for repository, share in shares.items():
        before = {line.path: line.tree for line in delivered[repository]}
        after = {line.path: line.tree for line in share.orders}
        for path in before.keys() | after.keys():
            change = Change(f"cluster-{repository}/{path}", before.get(path, EMPTY_TREE), after.get(path, EMPTY_TREE))
            found += [change] if change.old != change.new else []
    return tuple(sorted(found))


def require_within_budget(policy: OrdersPolicy, orders: Orders, consent: Consent = nobody) -> None:
    """Raise `Refused` for orders that touch more clusters or machines than policy allows, and nobody agreed to."""
    machines = orders.machines
    if len(machines) <= policy.max_clusters and sum(machines.values()) <= policy.max_machines:
        return
    refusals = consent(orders)
    if refusals:
        raise Refused(
            f"the orders touch {len(machines)} clusters with {sum(machines.values())} machines, and the budget of"
            f" {orders.environment} is {policy.max_clusters} clusters with {policy.max_machines} machines:"
            f" {', '.join(sorted(machines))}; deliver fewer at once with --cluster, or have them approved:"
            f" schiff approve orders {orders.digest} -e {orders.environment}"
            f" ({'; '.join(refusal.sentence for refusal in refusals)})",
            "blast-radius",
        )

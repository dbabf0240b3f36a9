"""How much one delivery of orders may touch without an approval (`policy.yaml`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schiff.delivery.delivered import Line
from schiff.errors import Refused
from schiff.model.policy import OrdersPolicy


def ordered_clusters(delivered: Iterable[Iterable[Line]], orders: Iterable[Iterable[Line]]) -> set[str]:
    """Return the clusters of which the orders change a folder in either repository."""
    touched: set[str] = set()
    for before, after in zip(delivered, orders, strict=True):
        trees = {line.path: line.tree for line in before}
        touched |= {line.name for line in after if line.kind == "cluster" and trees.get(line.path) != line.tree}
    return touched


def require_within_budget(policy: OrdersPolicy, environment: str, machines: Mapping[str, int]) -> None:
    """Raise `Refused` when orders touch more clusters, or more machines in all of them, than policy allows."""
    if len(machines) <= policy.max_clusters and sum(machines.values()) <= policy.max_machines:
        return
    raise Refused(
        f"the orders touch {len(machines)} clusters with {sum(machines.values())} machines, and the budget of"
        f" {environment} is {policy.max_clusters} clusters with {policy.max_machines} machines:"
        f" {', '.join(sorted(machines))}; deliver fewer at once with --cluster",
        "blast-radius",
    )

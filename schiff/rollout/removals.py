"""Removals that people asked for in an order and the ledger does not know yet."""

from __future__ import annotations

from typing import Any

from schiff.model.fleet import Fleet
from schiff.rollout.bodies import REMOVALS
from schiff.rollout.genesis import orders_of
from schiff.rollout.ledger import Ledger
from schiff.values.names import ClusterKey


def due_removals(ledger: Ledger, fleet: Fleet) -> tuple[ClusterKey, ...]:
    """Return the clusters whose removal begins: the one thing that a delivery appends to a ledger by itself."""
    return tuple(
        order.key
        for order in orders_of(fleet, ledger.environment)
        if order.document.data.get("decommission") is not None and order.key not in ledger.state.removals
    )


def removal_body(cluster: ClusterKey) -> dict[str, Any]:
    """Return the body of the entry that begins a removal; nothing has to be observed before it."""
    return {"cluster": str(cluster), "state": REMOVALS[0], "observation": None}

"""Which clusters a ledger can pin, and which follow head whatever it says."""

from __future__ import annotations

from schiff.model.fleet import Fleet, Order
from schiff.values.names import ENVIRONMENTS


def is_pinnable(fleet: Fleet, order: Order) -> bool:
    """Return whether a cluster runs releases: all do, except in the first stage, where only candidates do."""
    if order.document.data.get("environment") != ENVIRONMENTS[0]:
        return True
    return fleet.policy.is_candidate(order.document.data.get("labels") or {})

"""Asking whether somebody agreed to orders over budget: their digest, now, and who wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from schiff.model.fleet import Fleet
from schiff.resources.budget import Orders
from schiff.rollout.agreement import Asked
from schiff.rollout.consent import orders_refusals
from schiff.rollout.ledger import Ledger
from schiff.rollout.proofs import Proofs
from schiff.rollout.refusals import Refusal
from schiff.sources.fleet_authors import authors_of


@dataclass(frozen=True, slots=True)
class Consenting:
    """The approvals of a ledger, and the fleet whose orders they may be for."""

    fleet: Fleet
    folder: Path
    ledger: Ledger
    proofs: Proofs

    def to(self, orders: Orders) -> Sequence[Refusal]:
        """Return why the orders may not be delivered; the clock and the history are only looked at when asked."""
        authors = authors_of(self.folder, set(self._files(orders)))
        asked = Asked("orders", orders.digest, datetime.now(UTC), authors)
        return orders_refusals(self.ledger.state, self.proofs, asked)

    def _files(self, orders: Orders) -> Iterator[str]:
        """Yield what the ordered clusters are written in: their orders, their customers', their sites' facts."""
        for key, order in self.fleet.orders.items():
            if str(key) in orders.machines:
                yield f"sites/{key.site}/{order.customer}/{key.name}.yaml"
                yield f"customers/{order.customer}.yaml"
                yield f"sites/{key.site}/site.yaml"

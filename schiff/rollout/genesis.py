"""The first entry of a ledger: what an environment starts from, before there is evidence of anything.

It names every cluster of the environment. In `tst` the candidates start on the
newest release and everybody else on head; elsewhere all start on the release.
The body depends on the fleet alone, so a check without a ledger sees what
`schiff ledger init` would write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.errors import Refused
from schiff.model.fleet import Fleet, Order, SharedLayers
from schiff.rollout.bodies import REMOVALS
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.names import release_order
from schiff.values.digests import HEAD
from schiff.values.names import Environment


def orders_of(fleet: Fleet, environment: Environment) -> tuple[Order, ...]:
    """Return the orders of one environment, sorted; only an order itself can name its environment."""
    orders = (order for order in fleet.orders.values() if order.document.data.get("environment") == environment)
    return tuple(sorted(orders, key=lambda order: order.key))


def newest_release(fleet: Fleet) -> SharedLayers | None:
    """Return the release that was cut last; of two cut at once, the one with the higher name."""
    return max(fleet.releases.values(), key=lambda layers: release_order(layers.release), default=None)


def genesis_body(fleet: Fleet, environment: Environment) -> dict[str, Any]:
    """Return the body of the first entry; raises `Refused` when the fleet has no release to start from."""
    layers = _first_release(fleet, environment)
    pin = _pin(layers)
    return {
        "release": layers.digest,
        "clusters": {
            str(order.key): {**_first_pin(fleet, order, pin), "removal": _removal(order)}
            for order in orders_of(fleet, environment)
        },
        "managementClusters": {
            name: pin
            for name, cluster in sorted(fleet.management_clusters.items())
            if cluster.spec.owning_environment == environment
        },
        "grandfathered": True,
    }


def genesis(fleet: Fleet, environment: Environment, *, actor: str, fleet_commit: str) -> Entry:
    """Return the first entry, dated when its release was cut."""
    release = _first_release(fleet, environment).release
    if release.cut is None:
        raise Refused(f"release {release.name} does not say when it was cut; cut another one", code="no-release")
    body = genesis_body(fleet, environment)
    return Ledger.empty(environment).append("genesis", body, at=release.cut, actor=actor, fleet=fleet_commit)


def with_genesis(ledger: Ledger, fleet: Fleet) -> Ledger:
    """Return the ledger, or, where none exists yet, the one that `schiff ledger init` would begin."""
    if ledger.head is not None:
        return ledger
    return ledger.extended(genesis(fleet, ledger.environment, actor="schiff", fleet_commit="none"))


def _first_release(fleet: Fleet, environment: Environment) -> SharedLayers:
    layers = newest_release(fleet)
    if layers is None:
        raise Refused(
            f"{environment} has no release to start from; cut the first one: schiff release cut --fleet DIR",
            code="no-release",
        )
    return layers


def _pin(layers: SharedLayers) -> Mapping[str, Any]:
    return {"release": layers.digest, "kubernetes": str(layers.release.kubernetes.version)}


def _first_pin(fleet: Fleet, order: Order, pin: Mapping[str, Any]) -> Mapping[str, Any]:
    if is_pinnable(fleet, order):
        return pin
    return {"release": HEAD, "kubernetes": str(fleet.head.release.kubernetes.version)}


def _removal(order: Order) -> str | None:
    return None if order.document.data.get("decommission") is None else REMOVALS[0]

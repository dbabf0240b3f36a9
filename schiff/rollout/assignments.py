"""Which release and which Kubernetes version every cluster of an environment runs, and how far it is removed.

The rules, in the order of the code:

1. In `tst` a cluster without the candidate label follows head, with head's Kubernetes version.
2. Else the last `move` that names the cluster counts, else its genesis.
3. Else, in `tst`, it follows head: the label alone pins nothing before the next candidate's `move`.
4. Else it starts on the newest release completed in this environment; the genesis release counts as completed.
5. A removal stays whatever else changes, until the last state; an order of that name is then a new cluster.
6. A management cluster never follows head. The chain of its owning environment assigns it; for the other
   environments it serves, which deliver nothing of its own, it stands on their genesis release.

Equal ledger and fleet give equal assignments at any time: there is no clock here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schiff.errors import InvalidValue, Refused, Tampered
from schiff.model.fleet import Fleet, ManagementCluster, Order
from schiff.model.release import Assignment, Assignments
from schiff.model.tenant_cluster import Removal
from schiff.rollout.bodies import REMOVALS, Pin
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.genesis import orders_of
from schiff.rollout.ledger import Ledger
from schiff.rollout.listing import few
from schiff.rollout.stage import Stage
from schiff.values.digests import HEAD
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment


def assignments(ledger: Ledger, fleet: Fleet, environment: Environment) -> Assignments:
    """Return what every cluster of `environment` runs.

    Raises `Refused` for a ledger without genesis, and `Tampered` when it
    assigns a release that the fleet lacks: a frozen folder was changed or taken
    away together with its lock.
    """
    if ledger.environment != environment:
        raise InvalidValue(f"the ledger of {ledger.environment} assigns nothing in {environment}")
    state = ledger.state
    start = _start(state, fleet, environment)
    tenants = {order.key: _tenant(order, state, fleet, start) for order in orders_of(fleet, environment)}
    management = {
        name: _management_cluster(cluster, state, environment, start)
        for name, cluster in sorted(fleet.management_clusters.items())
        if environment in cluster.spec.environments
    }
    _require_known(environment, fleet, [*tenants.items(), *management.items()])
    return Assignments(tenants, management)


def _start(state: Stage, fleet: Fleet, environment: Environment) -> Pin:
    """Return what a cluster starts on that no entry names."""
    if state.completed is None:
        raise Refused(
            f"the ledger of {environment} has no genesis; write it: schiff ledger init -e {environment}",
            code="no-genesis",
        )
    layers = fleet.releases.get(state.completed)
    if layers is None:
        raise _unknown(environment, fleet, {state.completed: ["its genesis"]})
    return Pin(release=layers.digest, kubernetes=layers.release.kubernetes.version)


def _tenant(order: Order, state: Stage, fleet: Fleet, start: Pin) -> Assignment:
    removal = _removal(order, state)
    pin = state.pins.get(order.key) if is_pinnable(fleet, order) else None
    if pin is None and order.document.data.get("environment") == ENVIRONMENTS[0]:
        return Assignment(HEAD, fleet.head.release.kubernetes.version, removal)
    chosen = pin or start
    return Assignment(chosen.release, chosen.kubernetes, removal)


def _removal(order: Order, state: Stage) -> Removal | None:
    removal = state.removals.get(order.key)
    ordered_again = removal == REMOVALS[-1] and order.document.data.get("decommission") is None
    return None if ordered_again else removal


def _management_cluster(cluster: ManagementCluster, state: Stage, environment: Environment, start: Pin) -> Assignment:
    owned = cluster.spec.owning_environment == environment
    pin = state.management_pins.get(cluster.name, start) if owned else start
    return Assignment(pin.release, pin.kubernetes)


def _require_known(
    environment: Environment, fleet: Fleet, assigned: Iterable[tuple[ClusterKey | str, Assignment]]
) -> None:
    missing: dict[str, list[str]] = {}
    for cluster, assignment in assigned:
        if assignment.release != HEAD and assignment.release not in fleet.releases:
            missing.setdefault(assignment.release, []).append(str(cluster))
    if missing:
        raise _unknown(environment, fleet, missing)


def _unknown(environment: Environment, fleet: Fleet, missing: Mapping[str, list[str]]) -> Tampered:
    lines = (f"release {digest} (assigned to {few(clusters)})" for digest, clusters in sorted(missing.items()))
    known = ", ".join(sorted(f"{layers.release.name} {digest}" for digest, layers in fleet.releases.items())) or "none"
    return Tampered(
        f"the ledger of {environment} assigns what the fleet lacks: {'; '.join(lines)}; releases of the fleet: {known};"
        " update the checkout, or restore the folder below releases/"
    )

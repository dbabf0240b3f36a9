"""What commands for customers share: whether there is such a customer, and how many of its machines would roll."""

from __future__ import annotations

from dataclasses import dataclass

from schiff.compiler.compiled_cluster import compile_cluster
from schiff.compiler.parts import Parts
from schiff.compiler.rolling import rolled_machines
from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.resolve import Resolver
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.rollout.capacity import machines_of


def require_customer(fleet: Fleet, customer: str, place: str) -> None:
    """Raise `InvalidInput` unless the fleet knows the customer, naming those it knows."""
    known = sorted({*fleet.customers, *(order.customer for order in fleet.orders.values())})
    if customer not in known:
        message = f"the fleet has no customer {customer!r}"
        raise InvalidInput([Problem(Place(place), "", message, f"known: {', '.join(known) or 'none'}")])


@dataclass(frozen=True, slots=True)
class RolledMachines:
    """Counts the machines of a cluster that are replaced when it runs something else.

    With another Kubernetes version that is every machine, else those whose
    objects say so. Where the other state cannot be compiled yet, it is every
    machine too: a number that is never too low.
    """

    fleet: Fleet
    parts: Parts

    def __call__(self, cluster: ResolvedCluster, there: Assignment) -> int:
        """Return the number of machines."""
        if there.kubernetes != cluster.assignment.kubernetes:
            return machines_of(cluster)
        try:
            after = compile_cluster(Resolver(self.fleet).cluster(cluster.identity.key, there), self.parts)
        except InvalidInput:
            return machines_of(cluster)
        return rolled_machines(compile_cluster(cluster, self.parts), after)

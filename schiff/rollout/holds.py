"""Which clusters of `prd` are held, what that costs them, and how they would catch up.

A hold is a wish of people in the customer's or the cluster's file. It holds from
`since` until before `until`; one that has ended is no hold, whatever the file says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schiff.errors import Refused
from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.resolved import ResolvedCluster
from schiff.model.tenant_cluster import HoldSpec
from schiff.rollout.debt import Debt, debt
from schiff.rollout.names import release_order
from schiff.rollout.stage import Stage
from schiff.rollout.way_back import Standing, way_back
from schiff.values.instants import Instant
from schiff.values.names import ClusterKey

Machines = Callable[[ResolvedCluster, Sequence[Standing]], int]
"""Says how many machines are replaced on a way."""


@dataclass(frozen=True, slots=True)
class HeldCluster:
    """One cluster that is held: by whom, what it runs and owes, and the way back or why there is none."""

    key: ClusterKey
    customer: str
    hold: HoldSpec
    days_held: int
    release: str
    standing: Standing
    debt: Debt
    way: tuple[Standing, ...]
    names: Mapping[str, str]
    no_path: str | None = None

    @property
    def steps(self) -> list[str]:
        """The way back for people: one text a move."""
        return [f"{self.names[step.release]} with {step.kubernetes}" for step in self.way]

    def way_sentence(self) -> str:
        """Return how it would catch up, or what stands in its way."""
        if self.no_path is not None:
            return self.no_path
        return f"way back: {', '.join(self.steps)}" if self.way else "nothing to catch up with"

    def as_json(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {
            "cluster": str(self.key),
            "customer": self.customer,
            "release": {"name": self.release, "digest": self.standing.release},
            "kubernetes": str(self.standing.kubernetes),
            "hold": {**self.hold.as_document(), "days": self.days_held},
            "debt": self.debt.as_json(),
            "wayBack": [
                {"release": self.names[step.release], "digest": step.release, "kubernetes": str(step.kubernetes)}
                for step in self.way
            ],
            "noPath": self.no_path,
        }


def held_clusters(
    clusters: Iterable[ResolvedCluster], fleet: Fleet, stage: Stage, now: datetime, machines: Machines
) -> tuple[HeldCluster, ...]:
    """Return every cluster whose hold is open at `now`, sorted; one that leaves is held by nothing."""
    held = (
        _held(cluster, cluster.spec.hold, fleet, stage, now=now, machines=machines)
        for cluster in clusters
        if cluster.spec.hold is not None and cluster.assignment.removal is None and cluster.spec.hold.is_open(now)
    )
    return tuple(sorted(held, key=lambda one: one.key))


def completed_layers(fleet: Fleet, stage: Stage, own: str) -> tuple[SharedLayers, ...]:
    """Return the releases completed here, oldest first, and the one a cluster runs, which may have been revoked.

    A release that the fleet no longer holds is left out: nobody can pass it.
    """
    digests = [digest for digest in stage.completed_releases if digest in fleet.releases]
    if own in digests:
        return tuple(fleet.releases[digest] for digest in digests)
    layers = (fleet.releases[digest] for digest in (*digests, own))
    return tuple(sorted(layers, key=lambda each: release_order(each.release)))


def _held(
    cluster: ResolvedCluster, hold: HoldSpec, fleet: Fleet, stage: Stage, *, now: datetime, machines: Machines
) -> HeldCluster:
    standing = Standing(cluster.assignment.release, cluster.assignment.kubernetes)
    completed = completed_layers(fleet, stage, standing.release)
    way, no_path = _way(standing, completed, stage)
    return HeldCluster(
        key=cluster.identity.key,
        customer=cluster.identity.customer,
        hold=hold,
        days_held=max(0, (now - Instant.parse(hold.since).moment).days),
        release=cluster.layers.release.name,
        standing=standing,
        debt=debt(standing, completed, stage.revoked, now, machines(cluster, way)),
        way=way,
        names={layers.digest: layers.release.name for layers in completed},
        no_path=no_path,
    )


def _way(
    standing: Standing, completed: Sequence[SharedLayers], stage: Stage
) -> tuple[tuple[Standing, ...], str | None]:
    try:
        return way_back(standing, completed, stage.revoked), None
    except Refused as refused:
        return (), str(refused)

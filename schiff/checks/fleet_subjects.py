"""What the rules of a fleet look at: every resolved cluster once, and where its values were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from schiff.errors import Problem
from schiff.layers.resolve import Resolver
from schiff.layers.schema import CLUSTER_SHAPE
from schiff.layers.shapes import path_text
from schiff.model.fleet import Fleet, Path, Site
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.model.tenant_cluster import PoolSpec
from schiff.rollout.capacity import machines_of

GONE = "e"
"""The last removal state: the machines are gone, and with them every claim on names and addresses."""


@dataclass(frozen=True)
class Subject:
    """One cluster of the fleet: a tenant's, or a management cluster's own."""

    cluster: ResolvedCluster
    resolver: Resolver
    site: Site
    fleet: Fleet

    @cached_property
    def label(self) -> str:
        """What sentences call it."""
        identity = self.cluster.identity
        return identity.name if self.cluster.self_managed else str(identity.key)

    @property
    def groups(self) -> Iterator[tuple[Path, str, int, int, tuple[str, ...]]]:
        """Give path, machine class, size, surge and hosts of the control plane and of every pool."""
        plane = self.cluster.spec.control_plane
        yield ("controlPlane",), plane.machine_class, plane.replicas, plane.max_surge, plane.hosts
        for name, pool in self.pools:
            yield ("pools", name), pool.machine_class, pool.size, pool.max_surge, pool.hosts

    @property
    def pools(self) -> Iterator[tuple[str, PoolSpec]]:
        """Give the worker pools by name, sorted."""
        yield from sorted(self.cluster.spec.pools.items())

    @property
    def machines(self) -> int:
        """How many machines it asks for, none of them a spare."""
        return machines_of(self.cluster)

    def latest(self, *paths: Path) -> Path:
        """Return the path whose value the latest layer wrote, the last of equals: that one is the easiest to change."""
        locate = self.resolver.locate(self.cluster)
        return max(reversed(paths), key=lambda path: locate(path).rank)

    def problem(self, path: Path, message: str, cure: str, rule: str) -> Problem:
        """Return a problem of the value at `path`, placed where it was written."""
        place, layer, prefix, _ = self.resolver.locate(self.cluster)(path)
        return Problem(place, path_text(CLUSTER_SHAPE, path, prefix), message, cure, layer, rule)


def subjects(environments: Iterable[ResolvedEnvironment]) -> list[Subject]:
    """Return every cluster that still has machines, once, sorted; one environment after the other may name it."""
    found: dict[tuple[bool, str], Subject] = {}
    resolvers: dict[int, Resolver] = {}
    for environment in environments:
        fleet = environment.fleet
        resolver = resolvers.setdefault(id(fleet), Resolver(fleet))
        for cluster in (*environment.tenants.values(), *_owned_first(environment)):
            subject = Subject(cluster, resolver, fleet.sites[cluster.identity.site], fleet)
            if cluster.assignment.removal != GONE:
                found.setdefault((cluster.self_managed, subject.label), subject)
    return [found[key] for key in sorted(found)]


def fleets(environments: Iterable[ResolvedEnvironment]) -> list[Fleet]:
    """Return the fleets that the environments were resolved from, each once."""
    return list({id(environment.fleet): environment.fleet for environment in environments}.values())


def _owned_first(environment: ResolvedEnvironment) -> list[ResolvedCluster]:
    owned = set(environment.owned)
    ordered = sorted(environment.management_clusters.items(), key=lambda item: (item[0] not in owned, item[0]))
    return [cluster for _, cluster in ordered]

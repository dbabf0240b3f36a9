"""Whether there is room for the machines that a rollout adds before it removes others.

A group of machines is replaced in place (no surge), or one more is made first.
For the second there must be a place:

1. Where servers are listed one by one, a listed one that no machine of the group uses.
2. Where a site says how many machines it holds, room for the largest surge beside all that are ordered.

What counts is what is emitted: a pool of which all servers are in use is
replaced in place whatever its order says (`schiff.manifests.machine_group`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from schiff.errors import Refused
from schiff.manifests.machine_group import MachineGroup, control_plane_group, pool_groups
from schiff.model.resolved import ResolvedCluster


def machines_of(cluster: ResolvedCluster) -> int:
    """Return how many machines a cluster has, none of them a spare."""
    return sum(group.size for group in _groups(cluster))


def require_capacity(moving: Iterable[ResolvedCluster], standing: Iterable[ResolvedCluster]) -> None:
    """Raise `Refused` when a cluster that moves needs a spare machine where none is.

    `standing` is everybody with machines at the same sites, the moving ones among them.
    """
    ordered: Counter[str] = Counter()
    for cluster in standing:
        ordered[cluster.identity.site] += machines_of(cluster)
    problems = [problem for cluster in moving for problem in _problems(cluster, ordered)]
    if problems:
        raise Refused("; ".join(sorted(problems)), "no-capacity")


def _problems(cluster: ResolvedCluster, ordered: Counter[str]) -> Iterator[str]:
    for group in _groups(cluster):
        if group.max_surge and (lacking := _lacking(cluster, group, ordered)):
            name = cluster.identity.name if cluster.self_managed else cluster.identity.key
            part = "the control plane" if group.is_control_plane else f"pool {group.role}"
            yield f"{part} of {name} adds {group.max_surge} before it removes, and {lacking}; {_cure(group)}"


def _lacking(cluster: ResolvedCluster, group: MachineGroup, ordered: Counter[str]) -> str | None:
    site, capacity = cluster.identity.site, cluster.site.capacity
    if group.hosts or cluster.site.hosts:
        spare = len(group.hosts) - group.size
        return None if spare >= group.max_surge else f"{_count(spare)} of its servers is spare"
    if capacity is None:
        return None
    spare = capacity.machines - ordered[site]
    return None if spare >= group.max_surge else f"site {site} has room for {_count(spare)}"


def _count(spare: int) -> str:
    return str(spare) if spare > 0 else "none"


def _cure(group: MachineGroup) -> str:
    if not group.is_control_plane:
        return "write maxSurge: 0 and maxUnavailable: 1, or make room"
    return (
        "write maxSurge: 0, or make room" if group.size >= 3 else "make room: fewer than 3 cannot be replaced in place"
    )


def _groups(cluster: ResolvedCluster) -> tuple[MachineGroup, ...]:
    return control_plane_group(cluster), *pool_groups(cluster)

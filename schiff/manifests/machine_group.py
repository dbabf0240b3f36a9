"""Machines of one kind: the control plane, or one pool.

Servers that an order lists bound what a rollout may do: a group whose servers
are all in use has none to surge onto, so its machines are replaced one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from schiff.model.fleet import Path
from schiff.model.resolved import ResolvedCluster
from schiff.model.tenant_cluster import MachineClassSpec

CONTROL_PLANE = "control-plane"
"""The control plane's role; longer than a pool's name may be, so no pool can be called so."""


@dataclass(frozen=True, slots=True)
class MachineGroup:
    """How many machines of which class, on which servers, and how they are replaced."""

    role: str
    machine_class: MachineClassSpec
    size: int
    hosts: tuple[str, ...]
    zones: tuple[str, ...]
    max_surge: int
    max_unavailable: int

    @property
    def is_control_plane(self) -> bool:
        """Whether these machines run the API server and etcd."""
        return self.role == CONTROL_PLANE

    @property
    def path(self) -> Path:
        """Where the group stands in what people write."""
        return ("controlPlane",) if self.is_control_plane else ("pools", self.role)


def control_plane_group(cluster: ResolvedCluster) -> MachineGroup:
    """Return the control plane; fewer than three machines cannot be replaced in place, whatever servers there are."""
    spec = cluster.spec.control_plane
    replaceable = spec.replicas >= 3
    return MachineGroup(
        role=CONTROL_PLANE,
        machine_class=cluster.machine_class(spec.machine_class),
        size=spec.replicas,
        hosts=spec.hosts,
        zones=(),
        max_surge=_surge(spec.max_surge, spec.hosts, spec.replicas) if replaceable else spec.max_surge,
        max_unavailable=0,
    )


def pool_groups(cluster: ResolvedCluster) -> tuple[MachineGroup, ...]:
    """Return the pools in the order of their names, because layers give them no other."""
    return tuple(_pool_group(cluster, name) for name in sorted(cluster.spec.pools))


def _pool_group(cluster: ResolvedCluster, name: str) -> MachineGroup:
    pool = cluster.spec.pools[name]
    surge = _surge(pool.max_surge, pool.hosts, pool.size)
    return MachineGroup(
        role=name,
        machine_class=cluster.machine_class(pool.machine_class),
        size=pool.size,
        hosts=pool.hosts,
        zones=pool.zones,
        max_surge=surge,
        max_unavailable=pool.max_unavailable if surge else max(pool.max_unavailable, 1),
    )


def _surge(wanted: int, hosts: tuple[str, ...], size: int) -> int:
    return min(wanted, max(len(hosts) - size, 0)) if hosts else wanted


def spread(size: int, rooms: tuple[int | None, ...]) -> tuple[int, ...]:
    """Return how many of `size` machines go to each zone, evenly, first zones first; a room bounds a zone.

    What fits nowhere goes to the first zone, where it is seen waiting.
    """
    placed = [0] * len(rooms)
    while sum(placed) < size:
        open_zones = [index for index, room in enumerate(rooms) if room is None or placed[index] < room]
        placed[min(open_zones, key=lambda index: placed[index], default=0)] += 1
    return tuple(placed)

"""What is wrong with ways out, seen together with the pods, the site's networks and the rest of the cluster.

In the order of the code: pools (their family, whom they overlap, who announces them), then ways out (their pool, their
destinations, and whether there is an address for each of their pods).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from schiff.components.coil_settings import CoilSettings
from schiff.components.protocol import SettingProblem
from schiff.errors import InvalidValue
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import AddressRange, Network

RULES: Final[Mapping[str, str]] = {
    "family": "Pools and destinations are of the pods' family.",
    "apart": "A pool overlaps no network of site or cluster, no pool of MetalLB, no network of the network-operator.",
    "pools-apart": "No address lies in two pools.",
    "announced": "Routers hear of a pool's addresses: by Calico's BGP, or by the network-operator.",
    "api-server": "Pools are objects of Calico's API server, which the operator's Calico has.",
    "known": "An egress names a pool that exists.",
    "enough": "A pool has a block for each pod of the egresses that take from it.",
    "destinations": "A destination leads out of the cluster.",
}

Found = Iterator[SettingProblem]


def problems(cluster: ResolvedCluster, settings: CoilSettings) -> Found:
    """Give everything that is wrong."""
    yield from _pools(cluster, settings)
    yield from _overlapping(settings)
    if settings.pools:
        yield from _heard_of(cluster)
    yield from _ways(cluster, settings)
    yield from _addresses(settings)


def _family(cluster: ResolvedCluster) -> int:
    return cluster.spec.cluster_network.pods.value.version


# --- pools


def _pools(cluster: ResolvedCluster, settings: CoilSettings) -> Found:
    others = list(_networks_around(cluster))
    for name, pool in sorted(settings.pools.items()):
        for index, subnet in enumerate(pool.subnets):
            path = ("pools", name, "subnets", index)
            if subnet.value.version != _family(cluster):
                message = f"{subnet} is of another family than the pods' network"
                yield SettingProblem(path, message, f"take a network of IPv{_family(cluster)}", "family")
            for what, other in others:
                if subnet.as_range().overlaps(other):
                    cure = "take addresses that nothing else has, and that routers send here"
                    yield SettingProblem(path, f"{subnet} overlaps {what} ({other})", cure, "apart")


def _networks_around(cluster: ResolvedCluster) -> Iterator[tuple[str, AddressRange]]:
    inside = cluster.spec.cluster_network
    yield "the pods' network", inside.pods.as_range()
    yield "the services' network", inside.services.as_range()
    for name, facts in sorted(cluster.site.networks.items()):
        yield f"network {name} of the site", facts.cidr.as_range()
    said = cluster.spec.components
    for name, pool in sorted(said.get("metallb", {}).get("pools", {}).items()):
        yield from _ranges(f"MetalLB's pool {name}", pool.get("addresses", ()))
    for name, network in sorted(said.get("network-operator", {}).get("networks", {}).items()):
        yield from _ranges(f"the network-operator's network {name}", [*map(network.get, ("ipv4", "ipv6"))])


def _ranges(what: str, said: Any) -> Iterator[tuple[str, AddressRange]]:
    """Give what can be read of another component's settings; the rest is for its own rules."""
    for text in (said,) if isinstance(said, str) else said:
        if isinstance(text, str):
            try:
                yield what, AddressRange.parse(text)
            except InvalidValue:
                continue


def _overlapping(settings: CoilSettings) -> Found:
    every = [
        (("pools", name, "subnets", index), subnet)
        for name, pool in sorted(settings.pools.items())
        for index, subnet in enumerate(pool.subnets)
    ]
    for (_, one), (path, other) in combinations(every, 2):
        if one.as_range().overlaps(other.as_range()):
            yield SettingProblem(path, f"{other} overlaps {one}", "let each address lie in one pool", "pools-apart")


def _heard_of(cluster: ResolvedCluster) -> Found:
    calico = cluster.spec.components.get("calico", {})
    if not calico.get("bgp") and "network-operator" not in cluster.spec.components:
        message = "nothing announces the pools, so that no answer comes back"
        yield SettingProblem(
            ("pools",), message, "set components.calico.bgp: true, or leave the pools out", "announced"
        )
    if calico.get("installation") == "manifests":
        message = "plain manifests of Calico have no API server that would take the pools"
        yield SettingProblem(("pools",), message, "set components.calico.installation: operator", "api-server")


# --- ways out


def _ways(cluster: ResolvedCluster, settings: CoilSettings) -> Found:
    inside = cluster.spec.cluster_network
    own = (("the pods' network", inside.pods), ("the services' network", inside.services))
    for name, one in sorted(settings.egresses.items()):
        path = ("egresses", name)
        if one.pool is not None and one.pool not in settings.pools:
            known = ", ".join(sorted(settings.pools)) or "none"
            yield SettingProblem((*path, "pool"), f"no pool is called {one.pool!r}", f"known: {known}", "known")
        for index, destination in enumerate(one.destinations):
            at = (*path, "destinations", index)
            if destination.value.version != _family(cluster):
                message = f"{destination} is of another family than the pods' network"
                yield SettingProblem(at, message, f"take a network of IPv{_family(cluster)}", "family")
            for what, network in own:
                if destination.prefix and _meet(destination, network):
                    message = f"{destination} takes in {what} {network}"
                    yield SettingProblem(at, message, "leave the cluster's own networks out", "destinations")


def _addresses(settings: CoilSettings) -> Found:
    for name, pool in sorted(settings.pools.items()):
        users = {egress: one.replicas for egress, one in sorted(settings.egresses.items()) if one.pool == name}
        wanted = sum(users.values())
        if wanted > pool.blocks:
            message = f"{pool.blocks} blocks for {wanted} pods of {', '.join(users)}"
            cure = "add a subnet at the end, or take fewer replicas"
            yield SettingProblem(("pools", name, "subnets"), message, cure, "enough")


def _meet(one: Network, other: Network) -> bool:
    return one.value.version == other.value.version and one.value.overlaps(other.value)

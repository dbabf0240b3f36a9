"""Addresses for machines: the in-cluster pool of vSphere, the metal3 pool of servers (domain reference 8).

Pools of Infoblox: `schiff.manifests.infoblox`.

Nobody but us keeps the API address, routers and service addresses out of a
pool. The in-cluster pool has a list for that; the metal3 pool has not, so its
ranges are cut around them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from schiff.errors import InvalidValue
from schiff.manifests.cluster_objects import NEVER_PRUNED, cluster_object
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import NetworkFacts
from schiff.values.networks import Address, AddressRange

IN_CLUSTER_API = "ipam.cluster.x-k8s.io/v1alpha2"
METAL3_API = "ipam.metal3.io/v1alpha1"

_SERVICES = (("metallb", "pools"), ("network-operator", "inbound"), ("network-operator", "outbound"))


def pool_name(cluster: ResolvedCluster) -> str:
    """Return what a cluster's pool of node addresses is called, of either kind."""
    return f"{cluster.identity.name}-nodes"


def node_network(cluster: ResolvedCluster) -> NetworkFacts:
    """Return the facts of the network that the cluster's machines stand in."""
    return cluster.site.networks[cluster.spec.nodes.network]


def in_cluster_pool(cluster: ResolvedCluster) -> Manifest:
    """Return the pool that vSphere machines take addresses from; the API address is named even outside of it."""
    network = node_network(cluster)
    wanted = cluster.spec.nodes.addresses
    endpoint = str(cluster.spec.control_plane.endpoint)
    taken = [str(kept) for kept in reserved(cluster) if any(kept.overlaps(part) for part in wanted)]
    return cluster_object(
        cluster,
        IN_CLUSTER_API,
        "InClusterIPPool",
        pool_name(cluster),
        {
            "addresses": [str(part) for part in wanted],
            "excludedAddresses": list(dict.fromkeys([endpoint, *taken])),
            "prefix": network.cidr.prefix,
            "gateway": str(network.gateway),
        },
        annotations=NEVER_PRUNED,
    )


def metal3_pool(cluster: ResolvedCluster) -> Manifest:
    """Return the pool that servers take addresses from."""
    network = node_network(cluster)
    kept = [*reserved(cluster), _single(network.gateway)]
    parts = remaining(cluster.spec.nodes.addresses, kept)
    return cluster_object(
        cluster,
        METAL3_API,
        "IPPool",
        pool_name(cluster),
        {
            "clusterName": cluster.identity.name,
            "namePrefix": pool_name(cluster),
            "prefix": network.cidr.prefix,
            "gateway": str(network.gateway),
            "pools": [{"start": str(first), "end": str(last)} for first, last in parts],
        },
        annotations=NEVER_PRUNED,
    )


def reserved(cluster: ResolvedCluster) -> tuple[AddressRange, ...]:
    """Return what no machine may take: the API address, what the order excludes, routers, addresses of services."""
    routers = cluster.site.bgp.peers.values() if cluster.site.bgp else ()
    return (
        _single(cluster.spec.control_plane.endpoint),
        *cluster.spec.nodes.excluded,
        *(_single(router.address) for router in routers),
        *_service_ranges(cluster),
    )


def _service_ranges(cluster: ResolvedCluster) -> Iterator[AddressRange]:
    """Yield what Services and egress have, as far as it can be read; the components judge the rest."""
    for component, field in _SERVICES:
        pools = cluster.spec.components.get(component, {}).get(field)
        for pool in pools.values() if isinstance(pools, Mapping) else ():
            addresses = pool.get("addresses") if isinstance(pool, Mapping) else None
            for text in _texts(addresses):
                try:
                    yield AddressRange.parse(text)
                except InvalidValue:
                    continue


def _texts(addresses: object) -> Iterator[str]:
    """Yield addresses as settings hold them before their component reads them: a list, or its only text."""
    for text in addresses if isinstance(addresses, list | tuple) else (addresses,):
        if isinstance(text, str):
            yield text


def remaining(wanted: Iterable[AddressRange], kept: Iterable[AddressRange]) -> list[tuple[Address, Address]]:
    """Return what is left of the wanted ranges, each as its first and last address, in their order."""
    holes = sorted(kept, key=lambda hole: hole.first)
    return [left for part in wanted for left in _around(part, [hole for hole in holes if hole.overlaps(part)])]


def _around(part: AddressRange, holes: Iterable[AddressRange]) -> Iterator[tuple[Address, Address]]:
    """Yield the pieces of one range between holes, which come in the order of their first addresses."""
    start = part.first
    for hole in holes:
        if start < hole.first:
            yield start, Address(hole.first.value - 1)
        start = max(start, Address(hole.last.value + 1))
    if not part.last < start:
        yield start, part.last


def _single(address: Address) -> AddressRange:
    return AddressRange(address, address, str(address))

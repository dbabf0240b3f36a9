"""What is wrong with additional networks, seen together with site, nodes and the rest of the cluster.

In the order of the code: where a network is (its facts, its own addresses), what a pod hangs on, and addresses:
inside their network, and given to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from schiff.components.multus_settings import AttachmentSpec, MultusSettings
from schiff.components.protocol import SettingProblem
from schiff.errors import InvalidValue
from schiff.manifests.node_network import describe
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import NetworkFacts
from schiff.values.networks import AddressRange, Network

RULES: Final[Mapping[str, str]] = {
    "known": "An additional network is one that the site's facts name.",
    "apart": "A network of the cluster's own overlaps neither the site's networks, nor pods, nor services.",
    "families": "The networks of one attachment are of different families.",
    "master": "A network of a node has the interface that it hangs on.",
    "vlan": "A network of type vlan has a VLAN.",
    "mtu": "A pod's link carries no larger packets than the nodes' network.",
    "inside": "A range lies inside the network of its attachment.",
    "taken": "A range gives away no address of a node, the API server, a gateway, a router or a name server.",
    "pools": "A range gives away no address of a MetalLB pool.",
    "ranges-apart": "No address lies in two ranges.",
    "ipam": "Ranges need whereabouts.",
    "routes": "A route has a gateway of its family.",
}

Found = Iterator[SettingProblem]


def problems(cluster: ResolvedCluster, settings: MultusSettings) -> Found:
    """Give everything that is wrong."""
    for name, one in sorted(settings.networks.items()):
        path = ("networks", name)
        yield from _place(path, one, cluster)
        yield from _link(path, one, cluster)
        yield from _ranges(path, one, cluster)
    yield from _each_address_once(settings)


def networks_of(one: AttachmentSpec, cluster: ResolvedCluster) -> dict[str, NetworkFacts]:
    """Return what the site's facts say about the networks of an attachment, by name."""
    return {name: cluster.site.networks[name] for name in one.network if name in cluster.site.networks}


def master_of(one: AttachmentSpec, cluster: ResolvedCluster) -> str | None:
    """Return the interface of a node: what is set, else what servers are described with; else nobody knows.

    A VLAN is tagged by its type, or has an interface of its own on the node.
    """
    if one.master is not None or one.type == "sriov" or not cluster.spec.nodes.interfaces:
        return one.master
    link = describe(cluster).link
    vlan = next((facts.vlan for facts in networks_of(one, cluster).values() if facts.vlan is not None), one.vlan)
    return f"{link}.{vlan}" if vlan is not None and one.type != "vlan" else link


# --- where it is


def _place(path: tuple[str, ...], one: AttachmentSpec, cluster: ResolvedCluster) -> Found:
    for missing in sorted(set(one.network) - set(cluster.site.networks)):
        known = ", ".join(sorted(cluster.site.networks))
        message = f"site {cluster.identity.site} has no network {missing!r}"
        yield SettingProblem((*path, "network"), message, f"known: {known}", "known")
    families = [facts.cidr.value.version for facts in networks_of(one, cluster).values()]
    if len(families) != len(set(families)):
        cure = "attach to each by an entry of its own"
        yield SettingProblem((*path, "network"), "two networks of one family", cure, "families")
    inside = cluster.spec.cluster_network
    others = {f"network {name} of the site": facts.cidr for name, facts in sorted(cluster.site.networks.items())}
    others |= {"the pods' network": inside.pods, "the services' network": inside.services}
    for own in one.cidr:
        for what, other in others.items():
            if _meet(own, other):
                cure = "name it as network" if own == other else "take another network"
                yield SettingProblem((*path, "cidr"), f"{own} overlaps {what} ({other})", cure, "apart")


# --- what a pod hangs on


def _link(path: tuple[str, ...], one: AttachmentSpec, cluster: ResolvedCluster) -> Found:
    if one.type != "sriov" and master_of(one, cluster) is None:
        message = "nothing says which interface of a node it hangs on"
        yield SettingProblem((*path, "master"), message, "write master, e.g. bond0.501", "master")
    known = networks_of(one, cluster)
    if one.type == "vlan" and one.vlan is None and not any(facts.vlan for facts in known.values()):
        message = f"type vlan needs a VLAN, and {', '.join(sorted(known)) or 'it'} has none"
        yield SettingProblem((*path, "type"), message, "write vlan, or take macvlan", "vlan")
    nodes = cluster.spec.nodes.mtu
    if one.mtu is not None and one.mtu > nodes:
        message = f"{one.mtu} exceeds the nodes' MTU {nodes}"
        yield SettingProblem((*path, "mtu"), message, f"take at most {nodes}, or leave it out", "mtu")
    gateways = [*one.gateway, *(facts.gateway for facts in known.values())]
    for index, route in enumerate(one.routes):
        if not any(each.value.version == route.value.version for each in gateways):
            message, cure = f"no gateway of its family leads to {route}", "leave it out, or write a gateway beside cidr"
            yield SettingProblem((*path, "routes", index), message, cure, "routes")


# --- addresses


def _ranges(path: tuple[str, ...], one: AttachmentSpec, cluster: ResolvedCluster) -> Found:
    if one.ranges and "whereabouts" not in cluster.spec.components:
        message = "ranges are given out by whereabouts, which this cluster does not run"
        yield SettingProblem((*path, "ranges"), message, "add components.whereabouts: {}", "ipam")
    homes = [*one.cidr, *(facts.cidr for facts in networks_of(one, cluster).values())]
    for index, each in enumerate(one.ranges):
        at: tuple[str | int, ...] = (*path, "ranges", index)
        if homes and not any(_inside(each.range, home) for home in homes):
            message = f"{each.range} is outside {', '.join(map(str, homes))}"
            yield SettingProblem((*at, "range"), message, "take a part of the network", "inside")
        free = tuple(each.free())
        yield from _given_to_others(at, free, _taken(one, cluster), "taken")
        yield from _given_to_others(at, free, _pools(cluster), "pools")


def _given_to_others(
    at: tuple[str | int, ...], free: tuple[AddressRange, ...], others: Iterator[tuple[str, AddressRange]], rule: str
) -> Found:
    for what, other in others:
        if any(part.overlaps(other) for part in free):
            cure = "write it into exclude, or narrow the range by start and end"
            yield SettingProblem((*at, "range"), f"gives away {other}, {what}", cure, rule)


def _taken(one: AttachmentSpec, cluster: ResolvedCluster) -> Iterator[tuple[str, AddressRange]]:
    nodes = cluster.spec.nodes
    for addresses in nodes.addresses:
        yield "the nodes' addresses", addresses
    yield "the API server's address", AddressRange.parse(str(cluster.spec.control_plane.endpoint))
    for address in one.gateway:
        yield "the gateway", AddressRange.parse(str(address))
    for name, facts in sorted(cluster.site.networks.items()):
        yield f"the gateway of network {name}", AddressRange.parse(str(facts.gateway))
        for server in facts.dns:
            yield f"a name server of network {name}", AddressRange.parse(str(server))
    for name, peer in sorted(cluster.site.bgp.peers.items()) if cluster.site.bgp else ():
        yield f"the router {name}", AddressRange.parse(str(peer.address))


def _pools(cluster: ResolvedCluster) -> Iterator[tuple[str, AddressRange]]:
    pools: Mapping[str, Any] = cluster.spec.components.get("metallb", {}).get("pools", {})
    for name, pool in sorted(pools.items()):
        said = pool.get("addresses", ())
        for addresses in (said,) if isinstance(said, str) else said:
            try:
                yield f"which MetalLB's pool {name} has", AddressRange.parse(addresses)
            except InvalidValue:
                continue  # MetalLB's own settings say what is wrong with it


def _each_address_once(settings: MultusSettings) -> Found:
    every = [
        (("networks", name, "ranges", index, "range"), each)
        for name, one in sorted(settings.networks.items())
        for index, each in enumerate(one.ranges)
    ]
    for (_, one), (path, other) in combinations(every, 2):
        if any(part.overlaps(rest) for part in one.free() for rest in other.free()):
            message = f"{other.whole} overlaps {one.whole}"
            yield SettingProblem(path, message, "let each address lie in one range", "ranges-apart")


def _meet(one: Network, other: Network) -> bool:
    return one.value.version == other.value.version and one.value.overlaps(other.value)


def _inside(part: Network, whole: Network) -> bool:
    return _meet(part, whole) and part.prefix >= whole.prefix

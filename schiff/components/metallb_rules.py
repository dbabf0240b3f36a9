"""What is wrong with MetalLB's settings, seen together and beside the rest of the cluster (domain reference 13).

Shapes refuse by themselves what one entry gets wrong: an address and an interface of one peer, two ASNs, a password in
clear text, an advertisement without pools (it would announce all), selected services that are aggregated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from schiff.components.metallb_peers import mode, my_asn, peers_of
from schiff.components.metallb_settings import BgpAdvertisementSpec, MetallbSettings, PeerSpec, is_community
from schiff.components.protocol import SettingProblem
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import Address, AddressRange

RULES: Final[Mapping[str, str]] = {
    "routers": "With BGP there are routers, each with an address or interface, an ASN, and the cluster's own ASN.",
    "routers-apart": "Each router is one peer, and the cluster has one ASN towards all of them.",
    "known": "Advertisements and peers name pools, peers, BFD profiles and communities that exist.",
    "mode": "Routers hear of nothing in mode l2.",
    "aggregation": "An advertisement aggregates into nothing wider than its pools.",
    "pools-apart": "No address is in two pools.",
    "taken": "A pool has no address of the API server, of a gateway or of a router.",
    "nodes": "A pool has no address that nodes may take.",
    "intents": "Pools are written here or generated from the network-operator's inbounds, never both.",
    "one-session": "MetalLB or Calico peers with the site's routers, not both.",
}

Found = Iterator[SettingProblem]


def problems(cluster: ResolvedCluster, settings: MetallbSettings) -> Found:
    """Give everything that is wrong."""
    peers = peers_of(cluster, settings)
    if mode(cluster, settings) == "bgp":
        yield from _routers(cluster, settings, peers)
        yield from _routers_apart(cluster, peers)
        yield from _one_session(cluster)
    elif settings.bgp_advertisements:
        yield SettingProblem(("bgpAdvertisements",), "is for mode bgp", "write l2Advertisements", "mode")
    yield from _names(settings, peers)
    yield from _aggregation(settings)
    yield from _pools(cluster, settings)
    yield from _intents(cluster, settings)


def _routers(cluster: ResolvedCluster, settings: MetallbSettings, peers: Mapping[str, PeerSpec]) -> Found:
    if not peers:
        message = f"site {cluster.identity.site} has no BGP routers, and no peer is set"
        yield SettingProblem(("mode",), message, "write facts.bgp of the site, or mode: l2", "routers")
    for name, peer in sorted(peers.items()):
        at = ("peers", name)
        if peer.address is None and peer.interface is None:
            yield SettingProblem(at, "has neither address nor interface", "add one of the two", "routers")
        if peer.asn is None and peer.dynamic_asn is None:
            yield SettingProblem(at, "has neither asn nor dynamicAsn", "add one of the two", "routers")
        if my_asn(peer, cluster) is None:
            yield SettingProblem(at, "has no myAsn, and the site has none", "add it", "routers")
        if peer.bfd_profile is not None and peer.bfd_profile not in settings.bfd:
            yield _unknown((*at, "bfdProfile"), "BFD profile", peer.bfd_profile, settings.bfd)


def _routers_apart(cluster: ResolvedCluster, peers: Mapping[str, PeerSpec]) -> Found:
    for (name, one), (other_name, other) in combinations(sorted(peers.items()), 2):
        if one.address is not None and one.address == other.address:
            message = f"{other.address} is peer {name} too, and a router takes one session from a node"
            yield SettingProblem(("peers", other_name, "address"), message, f"say it in peers.{name}", "routers-apart")
        own = (my_asn(one, cluster), my_asn(other, cluster))
        if None not in own and own[0] != own[1]:
            message = f"the cluster is ASN {own[1]} here and ASN {own[0]} towards {name}"
            yield SettingProblem(("peers", other_name, "myAsn"), message, "take one ASN for all", "routers-apart")


def _one_session(cluster: ResolvedCluster) -> Found:
    if cluster.spec.components.get("calico", {}).get("bgp") is True and cluster.site.bgp is not None:
        message = "Calico peers with the site's routers, and a router takes one session from a node"
        yield SettingProblem(("mode",), message, "write mode: l2, or leave components.calico.bgp out", "one-session")


# --- names


def _names(settings: MetallbSettings, peers: Mapping[str, PeerSpec]) -> Found:
    named = [("bgpAdvertisements", name, each.pools) for name, each in sorted(settings.bgp_advertisements.items())]
    named += [("l2Advertisements", name, each.pools) for name, each in sorted(settings.l2_advertisements.items())]
    for field, name, pools in named:
        for pool in sorted(set(pools) - set(settings.pools)):
            yield _unknown((field, name, "pools"), "pool", pool, settings.pools)
    for name, announced in sorted(settings.bgp_advertisements.items()):
        at = ("bgpAdvertisements", name)
        for peer in sorted(set(announced.peers) - set(peers)):
            yield _unknown((*at, "peers"), "peer", peer, peers)
        for community in announced.communities:
            if community not in settings.communities and not is_community(community):
                yield _unknown((*at, "communities"), "community", community, settings.communities)


def _unknown(path: tuple[str, ...], what: str, name: str, known: Mapping[str, Any]) -> SettingProblem:
    cure = f"known: {', '.join(sorted(known)) or 'none'}"
    return SettingProblem(path, f"no {what} is called {name!r}", cure, "known")


# --- addresses


def _aggregation(settings: MetallbSettings) -> Found:
    for name, advertisement in sorted(settings.bgp_advertisements.items()):
        pools = [settings.pools[pool] for pool in advertisement.pools if pool in settings.pools]
        for part in (part for pool in pools for part in pool.addresses):
            field, length = _length(advertisement, part)
            if "/" in part.text and length < (prefix := int(part.text.partition("/")[2])):
                message = f"/{length} is wider than {part}, so that addresses of others would be announced"
                cure = f"write {prefix} or more, or leave it out"
                yield SettingProblem(("bgpAdvertisements", name, field), message, cure, "aggregation")


def _length(advertisement: BgpAdvertisementSpec, part: AddressRange) -> tuple[str, int]:
    if part.first.value.version == 4:
        return "aggregationLength", advertisement.aggregation_length
    return "aggregationLengthV6", advertisement.aggregation_length_v6


def _pools(cluster: ResolvedCluster, settings: MetallbSettings) -> Found:
    ranges = [(name, one) for name, pool in sorted(settings.pools.items()) for one in pool.addresses]
    for (name, one), (other_name, other) in combinations(ranges, 2):
        if one.overlaps(other):
            at, message = ("pools", other_name, "addresses"), f"{other} overlaps {one} of pool {name}"
            yield SettingProblem(at, message, "give each address to one pool", "pools-apart")
    for name, one in ranges:
        at = ("pools", name, "addresses")
        for what, address in _taken(cluster):
            if one.contains(address):
                yield SettingProblem(at, f"{one} contains {what} {address}", "leave it out of the pool", "taken")
        nodes = cluster.spec.nodes
        excluded = any(hole.contains(one.first) and hole.contains(one.last) for hole in nodes.excluded)
        taken = next((addresses for addresses in nodes.addresses if addresses.overlaps(one)), None)
        if taken is not None and not excluded:
            message, cure = f"{one} overlaps the nodes' addresses {taken}", "name it in nodes.excluded, or take others"
            yield SettingProblem(at, message, cure, "nodes")


def _taken(cluster: ResolvedCluster) -> Iterator[tuple[str, Address]]:
    yield "the API server's address", cluster.spec.control_plane.endpoint
    for name, facts in sorted(cluster.site.networks.items()):
        yield f"the gateway of network {name},", facts.gateway
    for name, router in sorted(cluster.site.bgp.peers.items()) if cluster.site.bgp else ():
        yield f"router {name},", router.address


def _intents(cluster: ResolvedCluster, settings: MetallbSettings) -> Found:
    inbound = cluster.spec.components.get("network-operator", {}).get("inbound")
    if inbound and settings.pools:
        message = "the network-operator generates pools from its inbounds, and others are written here"
        cure = "leave pools out, or components.network-operator.inbound"
        yield SettingProblem(("pools",), message, cure, "intents")

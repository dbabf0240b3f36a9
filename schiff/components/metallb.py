"""MetalLB: addresses for Services of type LoadBalancer (domain reference 13).

Rules, in the order of the code:

1. Routers come from the site's facts; a setting of the same name adds to one or says otherwise. A peer has one address
   or interface, one ASN or a dynamic one, and a password by secret alone.
2. A pool nobody announces is useless: without advertisements of its own, each pool gets one of the cluster's mode.
   An advertisement without pools announces all of them, so it names at least one.
3. Pools overlap neither each other, nor nodes, nor the API server's address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, Literal

from schiff.components.metallb_settings import (
    BgpAdvertisementSpec,
    L2AdvertisementSpec,
    MetallbSettings,
    PeerSpec,
)
from schiff.components.protocol import Files, OrdinaryComponent, SettingProblem, versioned_folder
from schiff.manifests.kustomize import deletion
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "metallb-system"

Mode = Literal["bgp", "l2"]


class Metallb(OrdinaryComponent):
    """Pools, and how the world hears of them."""

    name = "metallb"
    settings = MetallbSettings
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = (
        "quay.io/frrouting/frr",
        "quay.io/metallb/controller",
        "quay.io/metallb/frr-k8s",
        "quay.io/metallb/speaker",
    )

    def variant(self, cluster: ResolvedCluster, settings: MetallbSettings) -> str:
        """Return the mode: with BGP the backend is frr-k8s."""
        return mode(cluster, settings)

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return upstream's manifests for each mode, without the namespace, which the tenant owns."""
        parts = {"patches": [deletion("v1", "Namespace", NAMESPACE)]}
        return versioned_folder(vendored, {"bgp": parts, "l2": parts})

    def objects(self, cluster: ResolvedCluster, settings: MetallbSettings) -> Sequence[Manifest]:
        """Return pools, advertisements, and with BGP the routers."""
        routers = _routers(cluster, settings) if mode(cluster, settings) == "bgp" else ()
        return (*_pools(settings), *routers, *_advertisements(cluster, settings))

    def problems(self, cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[SettingProblem]:
        """Give what does not fit together, or not to the site."""
        if mode(cluster, settings) == "bgp":
            yield from _peer_problems(cluster, settings)
        elif settings.bgp_advertisements:
            yield SettingProblem(("bgpAdvertisements",), "is for mode bgp", "write l2Advertisements")
        yield from _reference_problems(cluster, settings)
        yield from _overlaps(cluster, settings)


def mode(cluster: ResolvedCluster, settings: MetallbSettings) -> Mode:
    """Return how addresses are announced: by BGP where the site has routers, unless settings say otherwise."""
    return settings.mode or ("bgp" if cluster.site.bgp or settings.peers else "l2")


def _metallb(kind: str, name: str, spec: Mapping[str, Any], version: str = "v1beta1") -> Manifest:
    return Manifest(f"metallb.io/{version}", kind, name, NAMESPACE, body={"spec": spec})


def _pools(settings: MetallbSettings) -> Iterator[Manifest]:
    for name, pool in sorted(settings.pools.items()):
        spec: dict[str, Any] = {
            "addresses": [str(addresses) for addresses in pool.addresses],
            "autoAssign": pool.auto_assign,
            "avoidBuggyIPs": pool.avoid_buggy_ips,
        }
        if pool.namespaces:
            spec["serviceAllocation"] = {"priority": pool.priority, "namespaces": list(pool.namespaces)}
        yield _metallb("IPAddressPool", name, spec)


# --- routers


def _peers(cluster: ResolvedCluster, settings: MetallbSettings) -> dict[str, PeerSpec]:
    """Return the settings' peers over the site's, by name."""
    facts = cluster.site.bgp
    peers = dict(settings.peers)
    for name, router in facts.peers.items() if facts else ():
        said = settings.peers.get(name, PeerSpec())
        added: dict[str, Any] = {}
        if said.address is None and said.interface is None:
            added["address"] = router.address
        if said.asn is None and said.dynamic_asn is None:
            added["asn"] = router.asn
        peers[name] = said.model_copy(update=added)
    return peers


def _my_asn(peer: PeerSpec, cluster: ResolvedCluster) -> int | None:
    return peer.my_asn or (cluster.site.bgp.asn if cluster.site.bgp else None)


def _routers(cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[Manifest]:
    for name, profile in sorted(settings.bfd.items()):
        timers = {
            "receiveInterval": profile.receive_interval,
            "transmitInterval": profile.transmit_interval,
            "detectMultiplier": profile.detect_multiplier,
        }
        yield _metallb("BFDProfile", name, timers)
    for name, peer in sorted(_peers(cluster, settings).items()):
        yield _metallb("BGPPeer", name, _peer(peer, cluster), "v1beta2")


def _peer(peer: PeerSpec, cluster: ResolvedCluster) -> dict[str, Any]:
    spec: dict[str, Any] = {"myASN": _my_asn(peer, cluster)}
    if peer.dynamic_asn is not None:
        spec["dynamicASN"] = peer.dynamic_asn
    else:
        spec["peerASN"] = peer.asn
    if peer.interface is not None:
        spec["interface"] = peer.interface
    else:
        spec["peerAddress"] = str(peer.address)
    if _far(peer, cluster):
        spec["ebgpMultiHop"] = True
    spec["holdTime"] = peer.hold_time
    if peer.bfd_profile is not None:
        spec["bfdProfile"] = peer.bfd_profile
    if peer.password_secret is not None:
        spec["passwordSecret"] = {"name": peer.password_secret, "namespace": NAMESPACE}
    return spec


def _far(peer: PeerSpec, cluster: ResolvedCluster) -> bool:
    """Return whether an external router stands outside the nodes' network, so that a hop lies between."""
    internal = peer.dynamic_asn == "internal" or (peer.asn is not None and peer.asn == _my_asn(peer, cluster))
    network = cluster.site.networks.get(cluster.spec.nodes.network)
    return not internal and peer.address is not None and network is not None and not network.cidr.contains(peer.address)


def _peer_problems(cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[SettingProblem]:
    peers = _peers(cluster, settings)
    if not peers:
        message = f"site {cluster.identity.site} has no BGP routers, and no peer is set"
        yield SettingProblem(("mode",), message, "write facts.bgp of the site, or mode: l2")
    for name, peer in sorted(peers.items()):
        if peer.address is None and peer.interface is None:
            yield SettingProblem(("peers", name), "has neither address nor interface", "add one of the two")
        if peer.asn is None and peer.dynamic_asn is None:
            yield SettingProblem(("peers", name), "has neither asn nor dynamicAsn", "add one of the two")
        if _my_asn(peer, cluster) is None:
            yield SettingProblem(("peers", name), "has no myAsn, and the site has none", "add it")
        if peer.bfd_profile is not None and peer.bfd_profile not in settings.bfd:
            known = ", ".join(sorted(settings.bfd)) or "none"
            message = f"no BFD profile is called {peer.bfd_profile!r}"
            yield SettingProblem(("peers", name, "bfdProfile"), message, f"known: {known}")


# --- advertisements


def _advertisements(cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[Manifest]:
    bgp: Mapping[str, BgpAdvertisementSpec] = settings.bgp_advertisements
    l2: Mapping[str, L2AdvertisementSpec] = settings.l2_advertisements
    if not bgp and not l2:
        if mode(cluster, settings) == "bgp":
            bgp = {name: BgpAdvertisementSpec(pools=(name,)) for name in settings.pools}
        else:
            l2 = {name: L2AdvertisementSpec(pools=(name,)) for name in settings.pools}
    for name, advertisement in sorted(bgp.items()):
        yield _metallb("BGPAdvertisement", name, _bgp_advertisement(advertisement, settings))
    for name, announcement in sorted(l2.items()):
        spec: dict[str, Any] = {"ipAddressPools": list(announcement.pools)}
        if announcement.interfaces:
            spec["interfaces"] = list(announcement.interfaces)
        yield _metallb("L2Advertisement", name, spec)


def _bgp_advertisement(advertisement: BgpAdvertisementSpec, settings: MetallbSettings) -> dict[str, Any]:
    pools = [settings.pools[name] for name in advertisement.pools if name in settings.pools]
    versions = {addresses.first.value.version for pool in pools for addresses in pool.addresses}
    spec: dict[str, Any] = {"ipAddressPools": list(advertisement.pools)}
    if 4 in versions:
        spec["aggregationLength"] = advertisement.aggregation_length
    if 6 in versions:
        spec["aggregationLengthV6"] = advertisement.aggregation_length_v6
    for key, value in (("communities", advertisement.communities), ("peers", advertisement.peers)):
        if value:
            spec[key] = list(value)
    if advertisement.local_pref is not None:
        spec["localPref"] = advertisement.local_pref
    return spec


def _reference_problems(cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[SettingProblem]:
    peers = _peers(cluster, settings)
    named = [("bgpAdvertisements", name, each.pools) for name, each in sorted(settings.bgp_advertisements.items())]
    named += [("l2Advertisements", name, each.pools) for name, each in sorted(settings.l2_advertisements.items())]
    for field, name, pools in named:
        for pool in sorted(set(pools) - set(settings.pools)):
            known = ", ".join(sorted(settings.pools)) or "none"
            yield SettingProblem((field, name, "pools"), f"no pool is called {pool!r}", f"known: {known}")
    for name, announced in sorted(settings.bgp_advertisements.items()):
        for peer in sorted(set(announced.peers) - set(peers)):
            known = ", ".join(sorted(peers)) or "none"
            message = f"no peer is called {peer!r}"
            yield SettingProblem(("bgpAdvertisements", name, "peers"), message, f"known: {known}")


# --- pools among themselves and beside machines


def _overlaps(cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[SettingProblem]:
    ranges = [(name, one) for name, pool in sorted(settings.pools.items()) for one in pool.addresses]
    for (name, one), (other_name, other) in combinations(ranges, 2):
        if one.overlaps(other):
            message = f"{other} overlaps {one} of pool {name}"
            yield SettingProblem(("pools", other_name, "addresses"), message, "give each address to one pool")
    nodes, endpoint = cluster.spec.nodes, cluster.spec.control_plane.endpoint
    for name, one in ranges:
        if one.contains(endpoint):
            message = f"{one} contains the API server's address {endpoint}"
            yield SettingProblem(("pools", name, "addresses"), message, "leave it out of the pool")
        excluded = any(hole.contains(one.first) and hole.contains(one.last) for hole in nodes.excluded)
        taken = next((addresses for addresses in nodes.addresses if addresses.overlaps(one)), None)
        if taken is not None and not excluded:
            message = f"{one} overlaps the nodes' addresses {taken}"
            yield SettingProblem(("pools", name, "addresses"), message, "name it in nodes.excluded, or take others")


COMPONENT = Metallb()

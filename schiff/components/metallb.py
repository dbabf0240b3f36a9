"""MetalLB: addresses for Services of type LoadBalancer (domain reference 13).

Routers come from the site's facts; a setting of the same name adds to one or
says otherwise. A pool nobody announces is useless: without advertisements of
its own, each pool gets one of the cluster's mode. What does not fit together
is said in `schiff.components.metallb_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.metallb_peers import mode, my_asn, peers_of
from schiff.components.metallb_rules import RULES, problems
from schiff.components.metallb_settings import (
    BgpAdvertisementSpec,
    L2AdvertisementSpec,
    MetallbSettings,
    PeerSpec,
)
from schiff.components.protocol import (
    Files,
    Identifier,
    Never,
    OrdinaryComponent,
    SettingProblem,
    versioned_folder,
)
from schiff.manifests.kustomize import deletion
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "metallb-system"


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
    rules = RULES
    never = (
        Never("BGPPeer", ("spec", "enableGracefulRestart"), "write a second peer under another name, then remove this"),
    )
    example = """\
mode: bgp
pools:
  management: {addresses: [10.0.4.0/28], namespaces: [ingress-system]}
  production: {addresses: [10.0.5.0/24], autoAssign: false}
peers:
  leaf-1: {address: 10.0.0.251, asn: 65010, myAsn: 65101, bfdProfile: fabric, passwordSecret: leaf-1-bgp}
bfd:
  fabric: {receiveInterval: 300, transmitInterval: 300, detectMultiplier: 3}
communities: {blackhole: 65010:666, internal: 65010:100}
bgpAdvertisements:
  management: {pools: [management], communities: [internal]}
  production: {pools: [production], aggregationLength: 32, communities: [internal], localPref: 200}
"""

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

    def identifiers(self, cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[Identifier]:
        """Give the addresses of its Services, which are the site's."""
        for _, pool in sorted(settings.pools.items()):
            for addresses in pool.addresses:
                yield Identifier("network", "service addresses", cluster.identity.site, str(addresses))

    def problems(self, cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[SettingProblem]:
        """Give what does not fit together, or not to the site."""
        return problems(cluster, settings)


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


def _routers(cluster: ResolvedCluster, settings: MetallbSettings) -> Iterator[Manifest]:
    for name, profile in sorted(settings.bfd.items()):
        timers = {
            "receiveInterval": profile.receive_interval,
            "transmitInterval": profile.transmit_interval,
            "detectMultiplier": profile.detect_multiplier,
        }
        yield _metallb("BFDProfile", name, timers)
    if settings.communities:
        named = [{"name": name, "value": value} for name, value in sorted(settings.communities.items())]
        yield _metallb("Community", "communities", {"communities": named})
    for name, peer in sorted(peers_of(cluster, settings).items()):
        yield _metallb("BGPPeer", name, _peer(peer, cluster), "v1beta2")


def _peer(peer: PeerSpec, cluster: ResolvedCluster) -> dict[str, Any]:
    spec: dict[str, Any] = {"myASN": my_asn(peer, cluster)}
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
    if peer.graceful_restart:
        spec["enableGracefulRestart"] = True
    if peer.bfd_profile is not None:
        spec["bfdProfile"] = peer.bfd_profile
    if peer.password_secret is not None:
        spec["passwordSecret"] = {"name": peer.password_secret, "namespace": NAMESPACE}
    return spec


def _far(peer: PeerSpec, cluster: ResolvedCluster) -> bool:
    """Return whether an external router stands outside the nodes' network, so that a hop lies between."""
    internal = peer.dynamic_asn == "internal" or (peer.asn is not None and peer.asn == my_asn(peer, cluster))
    network = cluster.site.networks.get(cluster.spec.nodes.network)
    return not internal and peer.address is not None and network is not None and not network.cidr.contains(peer.address)


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
    if advertisement.services:
        spec["serviceSelectors"] = [{"matchLabels": dict(sorted(advertisement.services.items()))}]
        versions = set()
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


COMPONENT = Metallb()

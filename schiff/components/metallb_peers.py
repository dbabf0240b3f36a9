"""Whom MetalLB announces addresses to: the site's routers, unless settings say otherwise."""

from __future__ import annotations

from typing import Any, Literal

from schiff.components.metallb_settings import MetallbSettings, PeerSpec
from schiff.model.resolved import ResolvedCluster

Mode = Literal["bgp", "l2"]


def mode(cluster: ResolvedCluster, settings: MetallbSettings) -> Mode:
    """Return how addresses are announced: by BGP where the site has routers, unless settings say otherwise."""
    return settings.mode or ("bgp" if cluster.site.bgp or settings.peers else "l2")


def peers_of(cluster: ResolvedCluster, settings: MetallbSettings) -> dict[str, PeerSpec]:
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


def my_asn(peer: PeerSpec, cluster: ResolvedCluster) -> int | None:
    """Return the ASN that the cluster has towards a peer."""
    return peer.my_asn or (cluster.site.bgp.asn if cluster.site.bgp else None)

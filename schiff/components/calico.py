"""Calico, by the tigera operator (domain reference 12).

The Installation comes with the operator, because nothing else can run before
it. Objects of ``projectcalico.org/v3`` wait for Calico's own API server, so the
tenant applies them; ``crd.projectcalico.org`` is never written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from schiff.components.protocol import OrdinaryComponent, SettingProblem
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec

_OPERATOR_API = "operator.tigera.io/v1"
_CALICO_API = "projectcalico.org/v3"
_NEEDS_BGP = frozenset({"None", "IPIP", "IPIPCrossSubnet"})
_LARGEST_ASN = 2**31 - 1


class CalicoSettings(Spec):
    """How pods reach each other; the pods' network itself is the cluster's, and neither it nor `blockSize` may change.

    With `bgp` every node peers with the site's routers. Then MetalLB must not,
    for a router takes one session from a node.
    """

    encapsulation: Literal["None", "IPIP", "IPIPCrossSubnet", "VXLAN", "VXLANCrossSubnet"] = "VXLANCrossSubnet"
    mtu: Annotated[int, Field(ge=1280, le=9000)] | None = None
    block_size: Annotated[int, Field(ge=20, le=32)] = 26
    nat_outgoing: bool = True
    control_plane_replicas: Annotated[int, Field(ge=1)] = 2
    bgp: bool = False


class Calico(OrdinaryComponent):
    """The network of the pods."""

    name = "calico"
    settings = CalicoSettings
    bootstrap = True
    images = ("tigera/operator",)

    def bootstrap_objects(self, cluster: ResolvedCluster, settings: CalicoSettings) -> Sequence[Manifest]:
        """Return what the operator installs: Calico itself, and the API server that people's objects go through."""
        spec = {
            "registry": f"{cluster.spec.registry}/",
            "controlPlaneReplicas": settings.control_plane_replicas,
            "calicoNetwork": _network(cluster, settings),
        }
        return (
            Manifest(_OPERATOR_API, "Installation", "default", body={"spec": spec}),
            Manifest(_OPERATOR_API, "APIServer", "default", body={"spec": {}}),
        )

    def objects(self, cluster: ResolvedCluster, settings: CalicoSettings) -> Sequence[Manifest]:
        """Return the peerings with the site's routers, where asked for."""
        facts = cluster.site.bgp
        if not settings.bgp or facts is None:
            return ()
        own = Manifest(_CALICO_API, "BGPConfiguration", "default", body={"spec": {"asNumber": facts.asn}})
        peers = (
            Manifest(
                _CALICO_API, "BGPPeer", name,
                body={"spec": {"peerIP": str(peer.address), "asNumber": peer.asn, "nodeSelector": "all()"}},
            )
            for name, peer in sorted(facts.peers.items())
        )  # fmt: skip
        return (own, *peers)

    def problems(self, cluster: ResolvedCluster, settings: CalicoSettings) -> Iterator[SettingProblem]:
        """Give a block that does not fit into the pods' network, and BGP without routers."""
        pods = cluster.spec.cluster_network.pods
        if pods.value.version == 4 and settings.block_size < pods.prefix:
            message = f"a block of /{settings.block_size} is larger than the pods' network {pods}"
            yield SettingProblem(("blockSize",), message, "take a longer prefix, e.g. 26")
        facts = cluster.site.bgp
        if settings.bgp and facts is None:
            cure = "write facts.bgp of the site, or leave bgp out"
            yield SettingProblem(("bgp",), f"site {cluster.identity.site} has no BGP routers", cure)
        elif (
            settings.bgp and facts is not None and max(facts.asn, *(p.asn for p in facts.peers.values())) > _LARGEST_ASN
        ):
            yield SettingProblem(("bgp",), f"Calico knows no ASN above {_LARGEST_ASN}", "peer by MetalLB instead")


def _network(cluster: ResolvedCluster, settings: CalicoSettings) -> dict[str, Any]:
    bgp = settings.bgp or settings.encapsulation in _NEEDS_BGP
    network: dict[str, Any] = {"bgp": "Enabled" if bgp else "Disabled"}
    if settings.mtu is not None:
        network["mtu"] = settings.mtu
    network["ipPools"] = [
        {
            "name": "default-ipv4" if cluster.spec.cluster_network.pods.value.version == 4 else "default-ipv6",
            "cidr": str(cluster.spec.cluster_network.pods),
            "encapsulation": settings.encapsulation,
            "natOutgoing": "Enabled" if settings.nat_outgoing else "Disabled",
            "blockSize": settings.block_size,
            "nodeSelector": "all()",
        }
    ]
    return network


COMPONENT = Calico()

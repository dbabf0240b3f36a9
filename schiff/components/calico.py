"""Calico, by the tigera operator or by plain manifests (domain reference 12).

The Installation comes with the operator, because nothing else can run before
it. Objects of ``projectcalico.org/v3`` wait for Calico's own API server, so the
tenant applies them; ``crd.projectcalico.org`` is never written. Plain manifests
have no such server, and the platform's layout of a ``cni`` folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.calico_plain import POOL_KEYS, plain_objects
from schiff.components.calico_settings import LARGEST_ASN, CalicoSettings
from schiff.components.protocol import BASE, Files, Never, OrdinaryComponent, SettingProblem, versioned_folder
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

__all__ = ["COMPONENT", "Calico", "CalicoSettings", "pods_mtu"]

PLAIN: Final = "manifests"
PLAIN_BGP: Final = "manifests-bgp"
PLAIN_SINCE: Final = ComponentVersion.parse("v3.32.1-s2")

_OPERATOR_API = "operator.tigera.io/v1"
_CALICO_API = "projectcalico.org/v3"
_CRDS = "crds"
_AGENT = "/spec/template/spec/containers/0"
_NEW_CLUSTER = "order a new cluster: pods have addresses of it"


class Calico(OrdinaryComponent):
    """The network of the pods."""

    name = "calico"
    settings = CalicoSettings
    bootstrap = True
    images = ("quay.io/calico/cni", "quay.io/calico/kube-controllers", "quay.io/calico/node", "tigera/operator")
    rules: Mapping[str, str] = {
        "block-size": "A block of addresses fits into the pods' network.",
        "mtu": "The pods' MTU and what the encapsulation adds fit into the nodes' MTU.",
        "family": "Pods of IPv6 are carried as they are or by VXLAN, and by the operator's Calico.",
        "routers": "With bgp the site has routers, and ASNs that Calico can write.",
        "plain-bgp": "Peers are objects of Calico's API server, which plain manifests do not have.",
        "plain-version": "The version that the release pins has plain manifests.",
    }
    never = (
        Never("Installation", ("spec", "calicoNetwork", "ipPools", 0, "cidr"), _NEW_CLUSTER),
        Never("Installation", ("spec", "calicoNetwork", "ipPools", 0, "blockSize"), _NEW_CLUSTER),
        *(Never("ConfigMap", ("data", key), _NEW_CLUSTER) for key in POOL_KEYS),
    )
    example = """\
installation: operator
encapsulation: VXLANCrossSubnet
mtu: 1450                  # without it: the nodes' MTU minus what the encapsulation adds
blockSize: 26
natOutgoing: true
controlPlaneReplicas: 2
bgp: false
"""

    def variant(self, cluster: ResolvedCluster, settings: CalicoSettings) -> str:  # noqa: ARG002
        """Return the way it is installed; plain manifests look after the BGP daemon only where it runs."""
        if settings.installation == "operator":
            return BASE
        return PLAIN_BGP if settings.speaks_bgp else PLAIN

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:
        """Return the operator and the definitions; beside plain manifests both refer to the same definitions."""
        if version < PLAIN_SINCE:
            return versioned_folder(vendored, {BASE: {}})
        parts: dict[str, Mapping[str, Any]] = {_CRDS: {}}
        for variant in (BASE, PLAIN):
            own = sorted(path.removeprefix(f"{variant}/") for path in vendored if path.startswith(f"{variant}/"))
            parts[variant] = {"resources": [f"../{_CRDS}", *own]}
        parts[PLAIN_BGP] = {"resources": [f"../{PLAIN}"], "patches": [_daemon_probes()]}
        return versioned_folder(vendored, parts)

    def bootstrap_objects(self, cluster: ResolvedCluster, settings: CalicoSettings) -> Sequence[Manifest]:
        """Return what the operator installs: Calico, and the API server that people's objects go through.

        Plain manifests get their configuration instead.
        """
        if settings.installation == "manifests":
            return plain_objects(cluster, settings, pods_mtu(cluster, settings))
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
        """Give what does not fit to the pods' network, to the nodes', to the site's routers or to the version."""
        yield from _pool_problems(cluster, settings)
        yield from _mtu_problems(cluster, settings)
        yield from _router_problems(cluster, settings)
        if settings.installation == "manifests":
            yield from _plain_problems(cluster, settings)


def pods_mtu(cluster: ResolvedCluster, settings: CalicoSettings) -> int:
    """Return the largest packet of a pod: what is set, else all that the nodes' network carries."""
    return settings.mtu or settings.largest_mtu(cluster.spec.nodes.mtu, _family(cluster))


def _family(cluster: ResolvedCluster) -> int:
    return cluster.spec.cluster_network.pods.value.version


def _network(cluster: ResolvedCluster, settings: CalicoSettings) -> dict[str, Any]:
    return {
        "bgp": "Enabled" if settings.speaks_bgp else "Disabled",
        "mtu": pods_mtu(cluster, settings),
        "ipPools": [
            {
                "name": f"default-ipv{_family(cluster)}",
                "cidr": str(cluster.spec.cluster_network.pods),
                "encapsulation": settings.encapsulation,
                "natOutgoing": "Enabled" if settings.nat_outgoing else "Disabled",
                "blockSize": settings.block_size,
                "nodeSelector": "all()",
            }
        ],
    }


def _daemon_probes() -> dict[str, Any]:
    """Return the patch by which a node is ready once its BGP daemon is; it fails when another container comes first."""
    operations = [{"op": "test", "path": f"{_AGENT}/name", "value": "calico-node"}]
    for probe, flag in (("livenessProbe", "-bird-live"), ("readinessProbe", "-bird-ready")):
        operations.append({"op": "add", "path": f"{_AGENT}/{probe}/exec/command/-", "value": flag})
    return patch("DaemonSet", "calico-node", operations)


# --- what does not fit


def _pool_problems(cluster: ResolvedCluster, settings: CalicoSettings) -> Iterator[SettingProblem]:
    pods = cluster.spec.cluster_network.pods
    if _family(cluster) == 4 and settings.block_size < pods.prefix:
        message = f"a block of /{settings.block_size} is larger than the pods' network {pods}"
        yield SettingProblem(("blockSize",), message, "take a longer prefix, e.g. 26", "block-size")
    if _family(cluster) != 4 and settings.encapsulation.startswith("IPIP"):
        message = f"the pods' network {pods} cannot be carried by {settings.encapsulation}"
        yield SettingProblem(("encapsulation",), message, "take VXLAN, VXLANCrossSubnet or None", "family")


def _mtu_problems(cluster: ResolvedCluster, settings: CalicoSettings) -> Iterator[SettingProblem]:
    nodes = cluster.spec.nodes.mtu
    largest = settings.largest_mtu(nodes, _family(cluster))
    if settings.mtu is not None and settings.mtu > largest:
        message = (
            f"{settings.mtu} and {nodes - largest} bytes of {settings.encapsulation} exceed the nodes' MTU {nodes}"
        )
        yield SettingProblem(("mtu",), message, f"take at most {largest}, or leave it out", "mtu")


def _router_problems(cluster: ResolvedCluster, settings: CalicoSettings) -> Iterator[SettingProblem]:
    facts = cluster.site.bgp
    if settings.bgp and facts is None:
        cure = "write facts.bgp of the site, or leave bgp out"
        yield SettingProblem(("bgp",), f"site {cluster.identity.site} has no BGP routers", cure, "routers")
    elif settings.bgp and facts and max(facts.asn, *(each.asn for each in facts.peers.values())) > LARGEST_ASN:
        message = f"Calico knows no ASN above {LARGEST_ASN}"
        yield SettingProblem(("bgp",), message, "peer by MetalLB instead", "routers")


def _plain_problems(cluster: ResolvedCluster, settings: CalicoSettings) -> Iterator[SettingProblem]:
    pinned = cluster.layers.release.components.get(Calico.name)
    if pinned is not None and pinned.version < PLAIN_SINCE:
        message = f"{Calico.name} {pinned.version} has no plain manifests"
        yield SettingProblem(("installation",), message, f"pin {PLAIN_SINCE} or newer", "plain-version")
    if _family(cluster) != 4:
        message = "plain manifests carry pods of IPv4 alone"
        yield SettingProblem(("installation",), message, "take installation: operator", "family")
    if settings.bgp:
        message = "plain manifests have no API server of Calico's that would take the peers"
        yield SettingProblem(("bgp",), message, "take installation: operator, or leave bgp out", "plain-bgp")


COMPONENT = Calico()

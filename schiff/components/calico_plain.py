"""Calico by plain manifests: what of them belongs to one cluster (domain reference 12 and 4.2).

Accounts, rights, definitions and workloads are the same everywhere and lie in
the versioned folder below ``manifests/cni``; the DaemonSet reads two
ConfigMaps, which lie below the cluster's own ``cni/configmaps``. Calico makes
its pool out of them at the first start and never again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from schiff.components.calico_settings import CalicoSettings
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.digests import canonical

POOL_KEYS: Final = ("CALICO_IPV4POOL_CIDR", "CALICO_IPV4POOL_BLOCK_SIZE")
"""What Calico reads once; a change would be ignored, and no longer be what runs."""

_PLUGIN: Final = {
    "type": "calico",
    "log_level": "info",
    "log_file_path": "/var/log/calico/cni/cni.log",
    "datastore_type": "kubernetes",
    "nodename": "__KUBERNETES_NODE_NAME__",
    "ipam": {"type": "calico-ipam"},
    "policy": {"type": "k8s"},
    "kubernetes": {"kubeconfig": "__KUBECONFIG_FILEPATH__"},
}
_PORTS: Final = {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}}


def plain_objects(cluster: ResolvedCluster, settings: CalicoSettings, mtu: int) -> Sequence[Manifest]:
    """Return the plugin's configuration, and the environment of the agent."""
    plugin = {**_PLUGIN, "mtu": mtu}
    network = {"name": "k8s-pod-network", "cniVersion": "1.0.0", "plugins": [plugin, _PORTS]}
    config = {
        "backend": "bird" if settings.speaks_bgp else "vxlan",
        "cni_network_config": canonical(network).decode(),
        "mtu": str(mtu),
    }
    return (
        _config_map(cluster, "calico-config", config),
        _config_map(cluster, "calico-node", _pool(cluster, settings)),
    )


def _pool(cluster: ResolvedCluster, settings: CalicoSettings) -> dict[str, str]:
    cidr, block = POOL_KEYS
    return {
        cidr: str(cluster.spec.cluster_network.pods),
        block: str(settings.block_size),
        "CALICO_IPV4POOL_IPIP": settings.mode("IPIP"),
        "CALICO_IPV4POOL_VXLAN": settings.mode("VXLAN"),
        "CALICO_IPV4POOL_NAT_OUTGOING": str(settings.nat_outgoing).lower(),
    }


def _config_map(cluster: ResolvedCluster, name: str, data: dict[str, Any]) -> Manifest:
    return Manifest("v1", "ConfigMap", name, "kube-system", labels=cluster.identity.labels, body={"data": data})

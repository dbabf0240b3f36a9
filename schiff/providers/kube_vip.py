"""The API address by kube-vip: a static pod on every control plane machine.

On the machine that runs `kubeadm init`, admin.conf has no rights yet since
Kubernetes 1.29, so a script gives the pod super-admin.conf there before
kubeadm starts. Service addresses are never its business: they belong to the
load balancer in the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.manifests.cluster_api import API_SERVER_PORT
from schiff.manifests.node_setup import Endpoint, MachineFile
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import BgpFacts
from schiff.values.networks import Address

_POD_PATH = "/etc/kubernetes/manifests/kube-vip.yaml"
_ADMIN = "/etc/kubernetes/admin.conf"
_PREPARE = """\
#!/bin/bash
set -e
# first control plane node only: kubeadm init leaves its config here
if [[ -f /run/kubeadm/kubeadm.yaml ]]; then
  sed -i 's#path: /etc/kubernetes/admin.conf#path: /etc/kubernetes/super-admin.conf#' \\
    /etc/kubernetes/manifests/kube-vip.yaml
fi
"""
_RUN_SCRIPTS = """for s in $(find /etc/pre-kubeadm-commands -name '*.sh' | sort); do "$s"; done"""


def by_arp(cluster: ResolvedCluster) -> Endpoint:
    """Return the address announced on the machines' own segment."""
    return _endpoint(cluster, {"vip_arp": "true"})


def by_bgp(cluster: ResolvedCluster, bgp: BgpFacts, interface: str) -> Endpoint:
    """Return the address announced to the site's routers, for one that lies outside the machines' segment."""
    peers = ",".join(f"{_bracketed(peer.address)}:{peer.asn}::false" for _, peer in sorted(bgp.peers.items()))
    announced = {
        "vip_arp": "false",
        "vip_interface": "lo",
        "bgp_enable": "true",
        "bgp_as": str(bgp.asn),
        "bgp_routerinterface": interface,
        "bgp_peers": peers,
    }
    return _endpoint(cluster, announced)


def _bracketed(address: Address) -> str:
    """Return an address as kube-vip splits peers at colons: one of IPv6 needs brackets."""
    return f"[{address}]" if address.value.version == 6 else str(address)


def _endpoint(cluster: ResolvedCluster, announced: Mapping[str, str]) -> Endpoint:
    pod = to_yaml([_pod(cluster, announced)])
    script = MachineFile("/etc/pre-kubeadm-commands/50-kube-vip-prepare.sh", _PREPARE, "0700")
    return Endpoint(files=(MachineFile(_POD_PATH, pod), script), commands=(_RUN_SCRIPTS,))


def _pod(cluster: ResolvedCluster, announced: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "kube-vip", "namespace": "kube-system"},
        "spec": {
            "hostNetwork": True,
            "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["kubernetes"]}],
            "containers": [
                {
                    "name": "kube-vip",
                    "image": f"{cluster.spec.registry}/kube-vip/kube-vip:{cluster.layers.release.kubernetes.kube_vip}",
                    "args": ["manager"],
                    "env": _environment(cluster, announced),
                    "securityContext": {"capabilities": {"add": ["NET_ADMIN", "NET_RAW"]}},
                    "volumeMounts": [{"mountPath": _ADMIN, "name": "kubeconfig"}],
                }
            ],
            "volumes": [{"name": "kubeconfig", "hostPath": {"path": _ADMIN}}],
        },
    }


def _environment(cluster: ResolvedCluster, announced: Mapping[str, str]) -> list[dict[str, Any]]:
    endpoint = cluster.spec.control_plane.endpoint
    values = {
        "address": str(endpoint),
        "port": str(API_SERVER_PORT),
        "vip_subnet": str(endpoint.value.max_prefixlen),
        **announced,
        "cp_enable": "true",
        "cp_namespace": "kube-system",
        "svc_enable": "false",
        "vip_leaderelection": "true",
        "vip_leasename": "plndr-cp-lock",
    }
    node = {"name": "vip_nodename", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    return [*({"name": name, "value": value} for name, value in values.items()), node]

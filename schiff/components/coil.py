"""coil: pods leave by addresses that the outside knows (domain reference 12).

Calico gives pods their addresses, so coil runs for egress alone: no AddressPool
has a reader here. What holds for one holds for the pools of this module, which
are Calico's: subnets are added, never edited or removed. Nodes do not take
addresses of such a pool by themselves; only pods of an Egress name it.

A pod opts in by the annotation ``egress.coil.cybozu.com/schiff-egress: <name>``.
With the network-operator, outbounds make their own Egress and pools; then
settings here may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.calico_settings import CalicoSettings
from schiff.components.coil_rules import RULES, problems
from schiff.components.coil_settings import CoilSettings, EgressPoolSpec, EgressSpec
from schiff.components.protocol import (
    BASE,
    Files,
    Identifier,
    Never,
    OrdinaryComponent,
    SettingProblem,
    versioned_folder,
)
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.digests import canonical
from schiff.values.networks import Network
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "schiff-egress"

_CALICO_API: Final = "projectcalico.org/v3"
_IPV6: Final = "ipv6"
_TABLE: Final = "/spec/template/spec/containers/0/args/4"
_MAIN_TABLE, _LOCAL_TABLE = "--pod-table-id=0", "--pod-table-id=255"
_TUNNEL_PORT, _METRICS_PORT = 5555, 8080
_ADD_ONE = "add a subnet at the end of the pool's list, and leave those that are there"


class Coil(OrdinaryComponent):
    """The agent on every node, the controller, and the ways out."""

    name = "coil"
    settings = CoilSettings
    optional = True
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = ("ghcr.io/cybozu-go/coil",)
    rules: Mapping[str, str] = RULES
    never = (
        Never("IPPool", ("spec", "cidr"), _ADD_ONE),
        Never("IPPool", ("spec", "blockSize"), _ADD_ONE),
        Never("GlobalNetworkSet", ("spec", "nets"), _ADD_ONE, may_grow=True),
    )
    example = """\
egresses:
  corporate:
    destinations: [172.20.0.0/16, 172.21.0.0/16]
    replicas: 2
    clients: [shop, billing]     # without it: pods of any namespace
    sessionSeconds: 10800
"""

    def variant(self, cluster: ResolvedCluster, settings: CoilSettings) -> str:  # noqa: ARG002
        """Return the family of the pods: the kernel keeps their routes in another table."""
        return BASE if cluster.spec.cluster_network.pods.value.version == 4 else _IPV6

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return coil without address management."""
        operations = [
            {"op": "test", "path": _TABLE, "value": _MAIN_TABLE},
            {"op": "replace", "path": _TABLE, "value": _LOCAL_TABLE},
        ]
        six = {"resources": [f"../{BASE}"], "patches": [patch("DaemonSet", "coild", operations)]}
        return versioned_folder(vendored, {BASE: {}, _IPV6: six})

    def objects(self, cluster: ResolvedCluster, settings: CoilSettings) -> Sequence[Manifest]:
        """Return pools, ways out, and who may take them."""
        pools = [item for name, pool in sorted(settings.pools.items()) for item in _pools(name, pool, cluster)]
        ways = [item for name, one in sorted(settings.egresses.items()) for item in _way(name, one, cluster, settings)]
        return (*pools, *ways)

    def identifiers(self, cluster: ResolvedCluster, settings: CoilSettings) -> Iterator[Identifier]:  # noqa: ARG002
        """Give the addresses that the outside knows: routers lead to one cluster only."""
        for pool in settings.pools.values():
            for subnet in pool.subnets:
                yield Identifier("network", "egress addresses", "", str(subnet))

    def problems(self, cluster: ResolvedCluster, settings: CoilSettings) -> Iterator[SettingProblem]:
        """Give what does not fit to the pods, to the site's networks, or to each other."""
        yield from problems(cluster, settings)


def _pool_name(pool: str, index: int) -> str:
    """Return the name of a subnet's pool: its place in the list, which it keeps."""
    return f"{pool}-{index}"


def _pools(name: str, pool: EgressPoolSpec, cluster: ResolvedCluster) -> Iterator[Manifest]:
    """Give the set of a pool's subnets, which policies may name and which shows that none goes; then each subnet.

    Other nodes reach its pods as they reach all pods, or clients of other nodes would not.
    """
    said = cluster.spec.components.get("calico", {}).get("encapsulation")
    carried = CalicoSettings(encapsulation=said) if said else CalicoSettings()
    nets = [str(subnet) for subnet in pool.subnets]
    labels = cluster.identity.labels
    yield Manifest(_CALICO_API, "GlobalNetworkSet", f"egress-{name}", labels=labels, body={"spec": {"nets": nets}})
    for index, subnet in enumerate(pool.subnets):
        spec = {
            "cidr": str(subnet),
            "blockSize": pool.block_prefix(subnet),
            "ipipMode": carried.mode("IPIP"),
            "vxlanMode": carried.mode("VXLAN"),
            "natOutgoing": False,
            "nodeSelector": "!all()",
            "allowedUses": ["Workload"],
        }
        yield Manifest(_CALICO_API, "IPPool", _pool_name(name, index), labels=labels, body={"spec": spec})


def _way(name: str, one: EgressSpec, cluster: ResolvedCluster, settings: CoilSettings) -> Iterator[Manifest]:
    labels = cluster.identity.labels
    spec = {
        "destinations": [str(network) for network in one.destinations],
        "replicas": one.replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "template": _template(name, one, settings),
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": one.session_seconds}},
        "podDisruptionBudget": {"maxUnavailable": 1},
    }
    yield Manifest("coil.cybozu.com/v2", "Egress", name, NAMESPACE, labels=labels, body={"spec": spec})
    if one.clients:
        body = {"spec": _clients(name, one)}
        yield Manifest("networking.k8s.io/v1", "NetworkPolicy", name, NAMESPACE, labels=labels, body=body)


def _template(name: str, one: EgressSpec, settings: CoilSettings) -> dict[str, Any]:
    """Return the pods of an Egress: apart from each other, each with an address of the pool."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": _pods_of(name)}}
    spread = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}
    resources = {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"memory": "400Mi"}}
    template: dict[str, Any] = {
        "spec": {
            "affinity": {"podAntiAffinity": spread},
            "containers": [{"name": "egress", "resources": resources}],
            "priorityClassName": "system-cluster-critical",
        }
    }
    pool = settings.pools.get(one.pool) if one.pool else None
    if one.pool and pool is not None:
        key = f"cni.projectcalico.org/ipv{_family(pool.subnets)}pools"
        names = [_pool_name(one.pool, index) for index in range(len(pool.subnets))]
        template = {"metadata": {"annotations": {key: canonical(names).decode()}}, **template}
    return template


def _clients(name: str, one: EgressSpec) -> dict[str, Any]:
    """Return who may send through: pods of these namespaces, by the tunnel; anybody may ask how it does."""
    allowed = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": [*one.clients]}]}
    return {
        "podSelector": {"matchLabels": _pods_of(name)},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"namespaceSelector": allowed}], "ports": [{"protocol": "UDP", "port": _TUNNEL_PORT}]},
            {"ports": [{"protocol": "TCP", "port": _METRICS_PORT}]},
        ],
    }


def _pods_of(name: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "coil",
        "app.kubernetes.io/component": "egress",
        "app.kubernetes.io/instance": name,
    }


def _family(subnets: Sequence[Network]) -> int:
    return subnets[0].value.version


COMPONENT = Coil()

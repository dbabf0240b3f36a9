"""Cluster API core: the cluster, its machine deployments and its health checks (domain reference 5).

Empty structs are invalid in many places of v1beta2, so a field is left out rather than written empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.manifests.cluster_objects import NEVER_PRUNED, cluster_object, reference
from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import CLUSTER_LABEL, ResolvedCluster
from schiff.values.digests import name_hash

API = "cluster.x-k8s.io/v1beta2"
API_SERVER_PORT = 6443
POOL_LABEL = "node.cluster.x-k8s.io/pool"
ZONE_LABEL = "node.cluster.x-k8s.io/zone"

_NAME_BUDGET = 51  # Cluster API appends 12 characters before a machine's name becomes a host name (63)
_SYNCED_PREFIX = "node-role.kubernetes.io/"
_SYNCED_DOMAINS = ("node-restriction.kubernetes.io", "node.cluster.x-k8s.io")


def namespace(cluster: ResolvedCluster) -> Manifest:
    """Return the namespace that holds everything of one cluster; its site label admits it to the site's credentials."""
    identity = cluster.identity
    return Manifest(
        api_version="v1",
        kind="Namespace",
        name=identity.namespace,
        labels={**identity.labels, identity.label("owner"): "platform"},
        annotations=NEVER_PRUNED,
    )


def release_annotation(cluster: ResolvedCluster) -> dict[str, str]:
    """Return which release the cluster runs; on few objects, or every promotion would edit every file."""
    return {cluster.identity.label("release"): cluster.assignment.release}


def cluster_manifest(cluster: ResolvedCluster, control_plane: Manifest, infrastructure: Manifest) -> Manifest:
    """Return the Cluster; its endpoint is set on the infrastructure cluster alone and copied up from there."""
    identity, network = cluster.identity, cluster.spec.cluster_network
    extra = {key if "/" in key else identity.label(key): value for key, value in cluster.spec.labels.items()}
    return Manifest(
        api_version=API,
        kind="Cluster",
        name=identity.name,
        namespace=identity.namespace,
        labels={**extra, **identity.labels},
        annotations={**NEVER_PRUNED, **release_annotation(cluster)},
        body={
            "spec": {
                "clusterNetwork": {
                    "apiServerPort": API_SERVER_PORT,
                    "pods": {"cidrBlocks": [str(network.pods)]},
                    "services": {"cidrBlocks": [str(network.services)]},
                    "serviceDomain": network.service_domain,
                },
                "controlPlaneRef": reference(control_plane),
                "infrastructureRef": reference(infrastructure),
            }
        },
    )


def machine_deployment(
    cluster: ResolvedCluster,
    group: MachineGroup,
    bootstrap: Manifest,
    machines: Manifest,
    *,
    replicas: int,
    zone: str | None = None,
) -> Manifest:
    """Return the MachineDeployment of a pool, or of the part of it that stands in one zone."""
    labels = machine_labels(cluster, group.role, zone)
    return cluster_object(
        cluster,
        API,
        "MachineDeployment",
        _deployment_name(cluster.identity.name, group.role, zone),
        {
            "clusterName": cluster.identity.name,
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "rollout": {
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": group.max_surge, "maxUnavailable": group.max_unavailable},
                }
            },
            "remediation": {"maxInFlight": 1},
            "template": _machine_template(cluster, group, bootstrap, machines, labels=labels, zone=zone),
        },
        annotations=release_annotation(cluster),
    )


def _machine_template(
    cluster: ResolvedCluster,
    group: MachineGroup,
    bootstrap: Manifest,
    machines: Manifest,
    *,
    labels: Mapping[str, str],
    zone: str | None,
) -> dict[str, Any]:
    pool = cluster.spec.pools[group.role]
    return {
        "metadata": {"labels": {**synced_labels(pool.labels), **labels}},
        "spec": {
            "clusterName": cluster.identity.name,
            "version": str(cluster.assignment.kubernetes),
            **({"failureDomain": zone} if zone else {}),
            "bootstrap": {"configRef": reference(bootstrap)},
            "infrastructureRef": reference(machines),
            "deletion": {"nodeDrainTimeoutSeconds": pool.node_drain_seconds},
        },
    }


def machine_labels(cluster: ResolvedCluster, pool: str, zone: str | None = None) -> dict[str, str]:
    """Return the labels by which a pool's machines are selected, and no other pool's or zone's."""
    labels = {CLUSTER_LABEL: cluster.identity.name, POOL_LABEL: pool}
    return {**labels, ZONE_LABEL: zone} if zone else labels


def synced_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return those labels that Cluster API itself carries from a machine to its node, in place."""
    return {key: value for key, value in labels.items() if is_synced(key)}


def is_synced(key: str) -> bool:
    """Return whether Cluster API carries a label to nodes; a kubelet may not set most of these itself."""
    domain = key.partition("/")[0]
    return key.startswith(_SYNCED_PREFIX) or any(domain == d or domain.endswith(f".{d}") for d in _SYNCED_DOMAINS)


def _deployment_name(cluster: str, pool: str, zone: str | None) -> str:
    """Return a name that leaves room for what Cluster API appends; a zone's long name gives way to its digest."""
    name = f"{cluster}-{pool}-{zone}" if zone else f"{cluster}-{pool}"
    return name if len(name) <= _NAME_BUDGET or not zone else f"{cluster}-{pool}-{name_hash(zone)}"


def worker_health_check(
    cluster: ResolvedCluster, group: MachineGroup, node_startup: int, remediation: Manifest | None
) -> Manifest:
    """Return a pool's health check, which stops repairing when too much of the pool is broken."""
    limit = repair_limit(cluster.spec.health.worker_limit, group.size)
    selector = {POOL_LABEL: group.role}
    name = f"{cluster.identity.name}-{group.role}"
    return _health_check(cluster, name, selector, node_startup=node_startup, limit=limit, remediation=remediation)


def control_plane_health_check(cluster: ResolvedCluster, node_startup: int, remediation: Manifest | None) -> Manifest:
    """Return the control plane's health check without a limit: KCP itself never breaks the majority."""
    selector = {"cluster.x-k8s.io/control-plane": ""}
    name = f"{cluster.identity.name}-control-plane"
    return _health_check(cluster, name, selector, node_startup=node_startup, limit="100%", remediation=remediation)


def repair_limit(limit: str, size: int) -> int | str:
    """Return the limit as Cluster API reads it; a percentage that rounds down to no machine means one."""
    if not limit.endswith("%"):
        return int(limit)
    return limit if size * int(limit[:-1]) >= 100 else 1


def _health_check(
    cluster: ResolvedCluster,
    name: str,
    selector: Mapping[str, str],
    *,
    node_startup: int,
    limit: int | str,
    remediation: Manifest | None,
) -> Manifest:
    timeout = cluster.spec.health.unhealthy_seconds
    broken = [{"type": "Ready", "status": status, "timeoutSeconds": timeout} for status in ("Unknown", "False")]
    repair: dict[str, Any] = {"triggerIf": {"unhealthyLessThanOrEqualTo": limit}}
    if remediation is not None:  # the one reference that keeps its version
        repair["templateRef"] = {
            "apiVersion": remediation.api_version,
            "kind": remediation.kind,
            "name": remediation.name,
        }
    return cluster_object(
        cluster,
        API,
        "MachineHealthCheck",
        name,
        {
            "clusterName": cluster.identity.name,
            "selector": {"matchLabels": selector},
            "checks": {"nodeStartupTimeoutSeconds": node_startup, "unhealthyNodeConditions": broken},
            "remediation": repair,
        },
    )

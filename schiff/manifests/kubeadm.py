"""What kubeadm does on machines: the control plane, and the template that a pool's machines join by.

A changed `kubeadmConfigSpec` replaces control plane machines in place, so it
has no name of its own; a worker's template is named after its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.manifests.audit import POLICY_FILE, VOLUMES, audit_args
from schiff.manifests.cluster_api import is_synced, release_annotation
from schiff.manifests.cluster_objects import NEVER_PRUNED, cluster_object, named_list, reference
from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.manifest import Manifest
from schiff.manifests.node_setup import Endpoint, MachineFile, NodeSetup
from schiff.model.resolved import CLUSTER_LABEL, ResolvedCluster
from schiff.model.tenant_cluster import OidcSpec, TaintSpec
from schiff.values.digests import name_hash

CONTROL_PLANE_API = "controlplane.cluster.x-k8s.io/v1beta2"
BOOTSTRAP_API = "bootstrap.cluster.x-k8s.io/v1beta2"

_REMEDIATION = {"maxRetry": 5, "retryPeriodSeconds": 120, "minHealthyPeriodSeconds": 7200}
_VOLUME_DETACH_SECONDS = 300


def control_plane(
    cluster: ResolvedCluster, group: MachineGroup, machines: Manifest, node: NodeSetup, endpoint: Endpoint
) -> Manifest:
    """Return the KubeadmControlPlane; its certificates are renewed by replacing machines in time.

    A file that was lost must not take the API server and etcd with it.
    """
    spec = cluster.spec.control_plane
    deletion = {
        "nodeDrainTimeoutSeconds": spec.node_drain_seconds,
        "nodeVolumeDetachTimeoutSeconds": _VOLUME_DETACH_SECONDS,
    }
    return cluster_object(
        cluster,
        CONTROL_PLANE_API,
        "KubeadmControlPlane",
        cluster.identity.name,
        {
            "replicas": spec.replicas,
            "version": str(cluster.assignment.kubernetes),
            "rollout": {
                "before": {"certificatesExpiryDays": spec.certificates_expiry_days},
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": group.max_surge}},
            },
            "remediation": _REMEDIATION,
            "machineTemplate": {
                "metadata": {"labels": {CLUSTER_LABEL: cluster.identity.name}},
                "spec": {"infrastructureRef": reference(machines), "deletion": deletion},
            },
            "kubeadmConfigSpec": _control_plane_config(cluster, node, endpoint),
        },
        annotations={**release_annotation(cluster), **NEVER_PRUNED},
    )


def kubeadm_config_template(cluster: ResolvedCluster, group: MachineGroup, node: NodeSetup) -> Manifest:
    """Return the template that a pool's machines join by, named after its content; Flux keeps old generations."""
    config = _worker_config(cluster, group, node)
    return cluster_object(
        cluster,
        BOOTSTRAP_API,
        "KubeadmConfigTemplate",
        f"{cluster.identity.name}-{group.role}-{name_hash(config)}",
        {"template": {"spec": config}},
        annotations=NEVER_PRUNED,
    )


def _control_plane_config(cluster: ResolvedCluster, node: NodeSetup, endpoint: Endpoint) -> dict[str, Any]:
    registration = _registration(node, node.node_labels)
    return {
        "clusterConfiguration": _cluster_configuration(cluster, node),
        "initConfiguration": {"nodeRegistration": registration},
        "joinConfiguration": {"nodeRegistration": registration},
        **_on_machine(
            cluster,
            files=(*node.files, *endpoint.files, POLICY_FILE),
            commands=(*node.commands, *endpoint.commands),
        ),
    }


def _worker_config(cluster: ResolvedCluster, group: MachineGroup, node: NodeSetup) -> dict[str, Any]:
    pool = cluster.spec.pools[group.role]
    labels = {
        **node.node_labels,
        f"node.{cluster.identity.label_domain}/pool": group.role,
        **{key: value for key, value in pool.labels.items() if not is_synced(key)},
    }
    registration = _registration(node, labels)
    if pool.taints:
        registration["taints"] = [_taint(taint) for taint in pool.taints]
    return {
        "joinConfiguration": {"nodeRegistration": registration},
        **_on_machine(cluster, files=node.files, commands=node.commands),
    }


def _cluster_configuration(cluster: ResolvedCluster, node: NodeSetup) -> dict[str, Any]:
    flags = {**oidc_args(cluster.spec.access.oidc), **audit_args(cluster.spec.audit)}
    configuration: dict[str, Any] = {
        "apiServer": {
            "certSANs": [f"api.{cluster.identity.fqdn}"],
            "extraArgs": named_list(flags),
            "extraVolumes": list(VOLUMES),
        }
    }
    if node.controller_manager_args:
        configuration["controllerManager"] = {"extraArgs": named_list(node.controller_manager_args)}
    return configuration


def oidc_args(oidc: OidcSpec | None) -> dict[str, str]:
    """Return the API server's flags for people who log in; none where nobody vouches for them."""
    if oidc is None:
        return {}
    return {
        "oidc-issuer-url": oidc.issuer_url,
        "oidc-client-id": oidc.client_id,
        "oidc-username-claim": oidc.username_claim,
        "oidc-groups-claim": oidc.groups_claim,
    }


def _registration(node: NodeSetup, labels: Mapping[str, str]) -> dict[str, Any]:
    args = dict(node.kubelet_args)
    if labels:
        args["node-labels"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    registration: dict[str, Any] = {"name": node.node_name}
    if args:
        registration["kubeletExtraArgs"] = named_list(args)
    return registration


def _taint(taint: TaintSpec) -> dict[str, str]:
    value = {"value": taint.value} if taint.value else {}
    return {"key": taint.key, **value, "effect": taint.effect}


def _on_machine(cluster: ResolvedCluster, files: tuple[MachineFile, ...], commands: tuple[str, ...]) -> dict[str, Any]:
    """Return the parts of a kubeadm configuration that cloud-init does, each left out where it would be empty."""
    keys = cluster.spec.access.ssh_keys
    servers = cluster.site.networks[cluster.spec.nodes.network].ntp
    account = {"name": "schiff", "sudo": "ALL=(ALL) NOPASSWD:ALL", "sshAuthorizedKeys": list(keys)}
    parts: dict[str, Any] = {
        "files": [file.as_dict() for file in files],
        "preKubeadmCommands": list(commands),
        "ntp": {"enabled": True, "servers": list(servers)} if servers else {},
        "users": [account] if keys else [],
    }
    return {key: value for key, value in parts.items() if value}

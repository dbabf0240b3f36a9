"""The objects of Cluster API's metal3 provider and of the baremetal operator (domain reference 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.manifests.cluster_api import API_SERVER_PORT
from schiff.manifests.cluster_objects import NEVER_PRUNED, cluster_object
from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.machine_images import metal3_image
from schiff.manifests.manifest import Manifest
from schiff.manifests.node_network import address_metadata, describe, network_data
from schiff.model.resolved import Identity, ResolvedCluster
from schiff.model.site import HostFacts
from schiff.values.digests import name_hash

API = "infrastructure.cluster.x-k8s.io/v1beta2"
DATA_API = "infrastructure.cluster.x-k8s.io/v1beta1"
"""The older version for one kind: v1beta2 takes no scalar for a bond's parameters (trap at v1.13.2)."""
HOST_API = "metal3.io/v1alpha1"

_FAILURE_DOMAIN_LABEL = "infrastructure.cluster.x-k8s.io/failure-domain"
_REBOOTS = {"type": "Reboot", "retryLimit": 2, "timeoutSeconds": 600}


def metal3_cluster(cluster: ResolvedCluster) -> Manifest:
    """Return the infrastructure cluster; racks in which it has servers are its failure domains."""
    spec: dict[str, Any] = {
        "controlPlaneEndpoint": {"host": str(cluster.spec.control_plane.endpoint), "port": API_SERVER_PORT},
        "cloudProviderEnabled": False,
    }
    if racks := _racks(cluster):
        spec["failureDomains"] = racks
    return cluster_object(cluster, API, "Metal3Cluster", cluster.identity.name, spec, annotations=NEVER_PRUNED)


def _racks(cluster: ResolvedCluster) -> list[dict[str, Any]]:
    hosts = cluster.site.hosts
    controllers = {hosts[name].rack for name in cluster.spec.control_plane.hosts}
    workers = {hosts[name].rack for pool in cluster.spec.pools.values() for name in pool.hosts}
    used = controllers | workers
    return [{"name": rack, "controlPlane": rack in controllers} for rack in cluster.site.racks if rack in used]


def metal3_data_template(cluster: ResolvedCluster, group: MachineGroup) -> Manifest:
    """Return what each machine is told about itself; it can never be changed, so it is named after its content."""
    network = describe(cluster)
    spec: dict[str, Any] = {"clusterName": cluster.identity.name, "metaData": _metadata(cluster)}
    if cluster.spec.nodes.configuration == "networkData":
        spec["networkData"] = network_data(network)
    else:
        spec["metaData"].update(address_metadata(network))
    return cluster_object(
        cluster,
        DATA_API,
        "Metal3DataTemplate",
        f"{cluster.identity.name}-{group.role}-data-{name_hash(spec)}",
        spec,
        annotations=NEVER_PRUNED,
    )


def _metadata(cluster: ResolvedCluster) -> dict[str, Any]:
    names = ("name", "local-hostname", "local_hostname")
    return {
        "objectNames": [{"key": key, "object": "machine"} for key in names],
        "strings": [{"key": "site", "value": cluster.identity.site}],
    }


def metal3_machine_template(cluster: ResolvedCluster, group: MachineGroup, data: Manifest) -> Manifest:
    """Return the template of a group's machines; a rollout without a spare server reuses the one it empties."""
    machine = {
        "automatedCleaningMode": "metadata",
        "dataTemplate": {"name": data.name},
        "hostSelector": {"matchLabels": _allocation(cluster.identity, group)},
        "image": metal3_image(cluster),
    }
    return cluster_object(
        cluster,
        API,
        "Metal3MachineTemplate",
        f"{cluster.identity.name}-{group.role}-{name_hash(machine)}",
        {"nodeReuse": group.max_surge == 0, "template": {"spec": machine}},
        annotations=NEVER_PRUNED,
    )


def reboot_remediation(cluster: ResolvedCluster) -> Manifest:
    """Return the repair of a server that stopped answering: reboot it twice before its machine is given up."""
    name = f"{cluster.identity.name}-reboot"
    spec = {"template": {"spec": {"strategy": _REBOOTS}}}
    return cluster_object(cluster, API, "Metal3RemediationTemplate", name, spec, annotations=NEVER_PRUNED)


def _allocation(identity: Identity, group: MachineGroup) -> dict[str, str]:
    """Return the labels by which a group finds its servers, and takes none of another group."""
    return {identity.label("hardware-class"): str(group.machine_class.hardware), identity.label("pool"): group.role}


def allocated_host(cluster: ResolvedCluster, group: MachineGroup, name: str) -> Manifest:
    """Return a server that an order lists: in the cluster's namespace, because machines look nowhere else.

    It does not carry Cluster API's own label: that is set and taken back by the
    provider when a machine moves in and out.
    """
    identity, facts = cluster.identity, cluster.site.hosts[name]
    ours = {key: value for key, value in identity.labels.items() if key.startswith(f"{identity.label_domain}/")}
    labels = {**ours, **_allocation(identity, group)}
    return _host(identity.site, name, facts, namespace=identity.namespace, labels=labels, annotations=NEVER_PRUNED)


def free_host(site: str, location: str, label_domain: str, name: str, facts: HostFacts) -> Manifest:
    """Return a server that belongs to nobody yet; Flux removes it here when an order takes it."""
    labels = {
        f"{label_domain}/site": site,
        f"{label_domain}/location": location,
        f"{label_domain}/hardware-class": facts.hardware,
    }
    return _host(site, name, facts, namespace=site, labels=labels, annotations={})


def _host(
    site: str,
    name: str,
    facts: HostFacts,
    *,
    namespace: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> Manifest:
    """Return the server; what metal3 writes (consumer, image, user data) never stands in Git."""
    host = f"{site}-{name}"
    return Manifest(
        api_version=HOST_API,
        kind="BareMetalHost",
        name=host,
        namespace=namespace,
        labels={**labels, _FAILURE_DOMAIN_LABEL: facts.rack},
        annotations=annotations,
        body={
            "spec": {
                "online": True,
                "bootMode": "UEFI",
                "bootMACAddress": facts.boot_mac_address,
                "automatedCleaningMode": "metadata",
                "bmc": {
                    "address": facts.bmc,
                    "credentialsName": f"{host}-bmc",
                    "disableCertificateVerification": False,
                },
                "rootDeviceHints": {"deviceName": facts.root_device},
            }
        },
    )

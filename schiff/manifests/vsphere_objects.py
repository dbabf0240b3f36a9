"""The objects of Cluster API's vSphere provider (domain reference 6)."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace
from typing import Any

from schiff.manifests.cluster_api import API_SERVER_PORT
from schiff.manifests.cluster_objects import NEVER_PRUNED, cluster_object
from schiff.manifests.ipam import IN_CLUSTER_API, node_network, pool_name
from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.machine_images import vsphere_template
from schiff.manifests.manifest import Manifest
from schiff.model.fleet import Site
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import FailureDomainFacts, VCenterFacts
from schiff.values.digests import name_hash

API = "infrastructure.cluster.x-k8s.io/v1beta2"
REGION_CATEGORY = "k8s-region"
ZONE_CATEGORY = "k8s-zone"

_DEFAULT_MTU = 1500
_ROUTE_METRIC = 100


def vsphere_cluster(cluster: ResolvedCluster, vcenter: VCenterFacts) -> Manifest:
    """Return the infrastructure cluster; failure domains of its own site that carry its network are open to it."""
    identity = cluster.identity
    endpoint = {"host": str(cluster.spec.control_plane.endpoint), "port": API_SERVER_PORT}
    spec: dict[str, Any] = {"server": vcenter.server}
    if vcenter.thumbprint:
        spec["thumbprint"] = vcenter.thumbprint
    spec["controlPlaneEndpoint"] = endpoint
    spec["identityRef"] = {"kind": "VSphereClusterIdentity", "name": identity.site}
    if _domains(cluster):
        network = _network_label(identity.label_domain, cluster.spec.nodes.network)
        spec["failureDomainSelector"] = {"matchLabels": {identity.label("site"): identity.site, **network}}
    return cluster_object(cluster, API, "VSphereCluster", identity.name, spec, annotations=NEVER_PRUNED)


def vsphere_machine_template(cluster: ResolvedCluster, group: MachineGroup, vcenter: VCenterFacts) -> Manifest:
    """Return the template of a group's machines, named after its content: it can never be changed."""
    machine = _machine(cluster, group, vcenter)
    return cluster_object(
        cluster,
        API,
        "VSphereMachineTemplate",
        f"{cluster.identity.name}-{group.role}-{name_hash(machine)}",
        {"template": {"spec": machine}},
        annotations=NEVER_PRUNED,
    )


def _domains(cluster: ResolvedCluster) -> list[FailureDomainFacts]:
    """Return the site's failure domains in which the cluster's machines find their network, by name."""
    domains = sorted(cluster.site.failure_domains.items())
    return [facts for _, facts in domains if cluster.spec.nodes.network in facts.networks]


def _network_label(label_domain: str, network: str) -> dict[str, str]:
    return {f"network.{label_domain}/{network}": "true"}


def _placement(cluster: ResolvedCluster, group: MachineGroup, vcenter: VCenterFacts) -> tuple[str, str]:
    """Return datastore and resource pool of a template; a failure domain brings its own to its machines.

    Workers without one stand in the first compute cluster that carries their
    network: ``*/Resources/x`` would find a pool in each, and CAPV refuses two.
    """
    domains = _domains(cluster)
    if group.is_control_plane or group.zones or not domains:
        return vcenter.datastore, vcenter.resource_pool
    return domains[0].datastore, _pool_in(domains[0], vcenter)


def machine_folder(cluster: ResolvedCluster) -> str:
    """Return the folder of a cluster's virtual machines in vCenter."""
    return f"schiff/{cluster.identity.management_cluster}/{cluster.identity.name}"


def _machine(cluster: ResolvedCluster, group: MachineGroup, vcenter: VCenterFacts) -> dict[str, Any]:
    size = group.machine_class
    datastore, resource_pool = _placement(cluster, group, vcenter)
    machine = {
        "server": vcenter.server,
        "datacenter": vcenter.datacenter,
        "datastore": datastore,
        "folder": machine_folder(cluster),
        "resourcePool": resource_pool,
        "storagePolicyName": vcenter.storage_policy,
        "template": vsphere_template(cluster),
        "cloneMode": "fullClone",
        "powerOffMode": "trySoft",
        "numCPUs": size.cpus,
        "memoryMiB": size.memory_mib,
        "diskGiB": size.disk_gib,
        "network": {"devices": [_device(cluster)]},
    }
    return {key: value for key, value in machine.items() if value is not None}


def _device(cluster: ResolvedCluster) -> dict[str, Any]:
    nodes, network = cluster.spec.nodes, node_network(cluster)
    kind = "InfobloxIPPool" if nodes.ipam == "infoblox" else "InClusterIPPool"
    pool = {"apiGroup": IN_CLUSTER_API.partition("/")[0], "kind": kind, "name": pool_name(cluster)}
    device: dict[str, Any] = {"networkName": nodes.network, "dhcp4": False, "dhcp6": False}
    if nodes.mtu != _DEFAULT_MTU:
        device["mtu"] = nodes.mtu
    if network.dns:
        device["nameservers"] = list(map(str, network.dns))
    if network.routes:
        device["routes"] = [
            {"to": str(route.to), "via": str(route.via), "metric": _ROUTE_METRIC} for route in network.routes
        ]
    return {**device, "addressesFromPools": [pool]}


def cluster_identity(site: Site, label_domain: str) -> Manifest:
    """Return the site's vCenter account, lent to namespaces of the site alone; the secret lies beside CAPV."""
    spec = {
        "secretName": f"{site.name}-credentials",
        "allowedNamespaces": {"selector": {"matchLabels": {f"{label_domain}/site": site.name}}},
    }
    return _site_object(site, label_domain, "VSphereClusterIdentity", site.name, spec)


def failure_domain(site: Site, label_domain: str, name: str, vcenter: VCenterFacts) -> Manifest:
    """Return a failure domain without networks: CAPV would lay them over the networks of every machine in it."""
    facts = site.facts.failure_domains[name]
    spec = {
        "region": {"name": site.name, "type": "Datacenter", "tagCategory": REGION_CATEGORY},
        "zone": {"name": name, "type": "ComputeCluster", "tagCategory": ZONE_CATEGORY},
        "topology": {
            "datacenter": vcenter.datacenter,
            "computeCluster": facts.compute_cluster,
            "datastore": facts.datastore,
        },
    }
    return _site_object(site, label_domain, "VSphereFailureDomain", name, spec)


def deployment_zone(site: Site, label_domain: str, name: str, vcenter: VCenterFacts) -> Manifest:
    """Return the zone by which machines are placed, found by the networks it carries.

    It names no folder, because each tenant has its own.
    """
    facts = site.facts.failure_domains[name]
    spec = {
        "server": vcenter.server,
        "failureDomain": name,
        "controlPlane": True,
        "placementConstraint": {"resourcePool": _pool_in(facts, vcenter)},
    }
    zone = _site_object(site, label_domain, "VSphereDeploymentZone", name, spec)
    networks = (_network_label(label_domain, network) for network in facts.networks)
    return replace(zone, labels=dict(ChainMap(dict(zone.labels), *networks)))


def _pool_in(domain: FailureDomainFacts, vcenter: VCenterFacts) -> str:
    """Return the resource pool of one compute cluster: a leading ``*`` would find one in each."""
    pool = vcenter.resource_pool
    return f"{domain.compute_cluster}/{pool.removeprefix('*/')}" if pool.startswith("*/") else pool


def _site_object(site: Site, label_domain: str, kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    return Manifest(
        api_version=API,
        kind=kind,
        name=name,
        labels={f"{label_domain}/site": site.name, f"{label_domain}/location": site.facts.location},
        annotations=NEVER_PRUNED,
        body={"spec": spec},
    )

"""Virtual machines of a vCenter, by Cluster API's vSphere provider (CAPV)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schiff.errors import InvalidValue
from schiff.manifests import vsphere_objects
from schiff.manifests.infoblox import infoblox_instance, infoblox_pool, reserved_addresses
from schiff.manifests.ipam import in_cluster_pool
from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.manifest import Manifest
from schiff.manifests.node_setup import Endpoint, NodeSetup
from schiff.manifests.operator_objects import provider
from schiff.model.fleet import Site
from schiff.model.release import ManagementPlane
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import InfobloxFacts, SiteFacts, VCenterFacts
from schiff.providers import kube_vip
from schiff.providers.protocol import Objection
from schiff.values.identifiers import Identifier

_EXTERNAL = {"cloud-provider": "external"}


@dataclass(frozen=True, slots=True)
class VSphere:
    """Nodes wait for the cloud controller manager in the cluster, which gives them their provider id."""

    node_startup_seconds: int = 600
    machine_resource: str = "vspheremachines"

    def objections(self, cluster: ResolvedCluster, groups: Sequence[MachineGroup]) -> Iterator[Objection]:
        """Yield what a vCenter cannot do."""
        if cluster.site.vcenter is None:
            yield Objection(("site",), f"{cluster.identity.site} has no vcenter", "write facts.vcenter of the site")
        if cluster.spec.nodes.configuration != "networkData":
            yield Objection(
                ("nodes", "configuration"), "netplan is for servers", "leave it out: CAPV configures networks"
            )
        if cluster.spec.nodes.ipam == "infoblox":
            yield from _infoblox_objections(cluster)
        if cluster.spec.control_plane.vip != "kube-vip":
            yield Objection(("controlPlane", "vip"), "keepalived is for servers", "use kube-vip")
        for group in groups:
            yield from _group_objections(cluster, group)

    def infrastructure_cluster(self, cluster: ResolvedCluster) -> Manifest:
        """Return the VSphereCluster."""
        return vsphere_objects.vsphere_cluster(cluster, _vcenter(cluster.site))

    def pools(self, cluster: ResolvedCluster, groups: Sequence[MachineGroup]) -> Sequence[Manifest]:  # noqa: ARG002
        """Return the pool of addresses."""
        if cluster.spec.nodes.ipam == "infoblox":
            return (infoblox_pool(cluster, _infoblox(cluster.site)),)
        return (in_cluster_pool(cluster),)

    def machine_templates(self, cluster: ResolvedCluster, group: MachineGroup) -> Sequence[Manifest]:
        """Return the VSphereMachineTemplate."""
        return (vsphere_objects.vsphere_machine_template(cluster, group, _vcenter(cluster.site)),)

    def zone_rooms(self, cluster: ResolvedCluster, group: MachineGroup) -> tuple[int | None, ...]:  # noqa: ARG002
        """Return no bound: a compute cluster takes what its capacity allows."""
        return (None,) * len(group.zones)

    def node(self, cluster: ResolvedCluster) -> NodeSetup:  # noqa: ARG002
        """Return a node named after its virtual machine, whose kubelet waits for the cloud controller manager."""
        return NodeSetup(
            node_name="{{ local_hostname }}",
            kubelet_args=_EXTERNAL,
            controller_manager_args=_EXTERNAL,
            commands=('hostnamectl set-hostname "{{ ds.meta_data.hostname }}"',),
        )

    def endpoint(self, cluster: ResolvedCluster) -> Endpoint:
        """Return the API address by kube-vip on the machines' port group; vSphere has no load balancer for it."""
        return kube_vip.by_arp(cluster)

    def remediation(self, cluster: ResolvedCluster) -> Manifest | None:  # noqa: ARG002
        """Return nothing: a broken virtual machine is replaced."""
        return None

    def identifiers(self, cluster: ResolvedCluster) -> Iterator[Identifier]:
        """Give the folder of its virtual machines; their network may be shared."""
        vcenter = _vcenter(cluster.site)
        scope = f"{vcenter.server}/{vcenter.datacenter}"
        yield Identifier("vcenter", "folder", scope, vsphere_objects.machine_folder(cluster))
        yield Identifier("vcenter", "network", scope, cluster.spec.nodes.network, shared=True)
        if cluster.spec.nodes.ipam == "infoblox":
            yield from _infoblox_identifiers(cluster)

    def site_objects(self, site: Site, label_domain: str, free_hosts: Sequence[str]) -> Sequence[Manifest]:  # noqa: ARG002
        """Return the site's account, its failure domains with their zones, and how Infoblox is reached."""
        vcenter = _vcenter(site.facts)
        domains = sorted(site.facts.failure_domains)
        infoblox, location = site.facts.infoblox, site.facts.location
        declared = infoblox is not None and infoblox.host is not None
        return (
            *((infoblox_instance(site.name, location, label_domain, infoblox),) if infoblox and declared else ()),
            vsphere_objects.cluster_identity(site, label_domain),
            *(vsphere_objects.failure_domain(site, label_domain, name, vcenter) for name in domains),
            *(vsphere_objects.deployment_zone(site, label_domain, name, vcenter) for name in domains),
        )

    def management_plane(self, plane: ManagementPlane) -> Sequence[Manifest]:
        """Return CAPV, whose variables lie in a secret, and the in-cluster IPAM."""
        return (
            *provider("InfrastructureProvider", "vsphere", "capv-system", plane.capv, "capv-variables"),
            *provider("IPAMProvider", "in-cluster", "capi-ipam-in-cluster-system", plane.ipam_in_cluster),
        )


def _vcenter(facts: SiteFacts) -> VCenterFacts:
    if facts.vcenter is None:
        raise InvalidValue("a vSphere site needs facts.vcenter")
    return facts.vcenter


def _infoblox(facts: SiteFacts) -> InfobloxFacts:
    if facts.infoblox is None:
        raise InvalidValue("addresses out of Infoblox need facts.infoblox")
    return facts.infoblox


def _infoblox_objections(cluster: ResolvedCluster) -> Iterator[Objection]:
    path = ("nodes", "ipam")
    if cluster.site.infoblox is None:
        message = f"{cluster.identity.site} has no infoblox"
        yield Objection(path, message, "write facts.infoblox of the site, or leave ipam out")
    if cluster.layers.release.management_plane.ipam_infoblox is None:
        message = "the release has no version of Infoblox' provider"
        yield Objection(path, message, "pin managementPlane.ipamInfoblox, or leave ipam out")


def _infoblox_identifiers(cluster: ResolvedCluster) -> Iterator[Identifier]:
    """Give the zone of its machines' records, and what people reserve so that no machine gets it."""
    facts = _infoblox(cluster.site)
    scope = f"{facts.instance}/{facts.network_view}"
    if facts.dns_zone is not None:
        yield Identifier("infoblox", "zone", scope, facts.dns_zone, shared=True)
    for part in reserved_addresses(cluster):
        yield Identifier("infoblox", "reserved", scope, str(part), shared=True)


def _group_objections(cluster: ResolvedCluster, group: MachineGroup) -> Iterator[Objection]:
    path = group.path
    if group.machine_class.hardware is not None:
        yield Objection((*path, "class"), "a hardware class has no size", "name a class with cpus, memoryMiB, diskGiB")
    if group.hosts:
        yield Objection((*path, "hosts"), "virtual machines stand on no listed servers", "leave hosts out")
    network = cluster.spec.nodes.network
    for zone in group.zones:
        domain = cluster.site.failure_domains.get(zone)
        if domain is None:
            known = ", ".join(sorted(cluster.site.failure_domains)) or "none"
            yield Objection((*path, "zones"), f"the site has no failure domain {zone!r}", f"known: {known}")
        elif network not in domain.networks:
            carries = ", ".join(domain.networks)
            yield Objection((*path, "zones"), f"{zone} does not carry network {network}", f"it carries {carries}")


PROVIDER = VSphere()

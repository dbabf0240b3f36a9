"""Servers of a site, by Cluster API's metal3 provider (CAPM3) and the baremetal operator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schiff.manifests import metal3_objects
from schiff.manifests.cluster_objects import NEVER_PRUNED
from schiff.manifests.ipam import metal3_pool, node_network
from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.manifest import Manifest
from schiff.manifests.node_network import NETPLAN_COMMANDS, describe, netplan_files
from schiff.manifests.node_setup import Endpoint, NodeSetup
from schiff.manifests.operator_objects import provider
from schiff.model.fleet import Site
from schiff.model.release import ManagementPlane
from schiff.model.resolved import ResolvedCluster
from schiff.providers import keepalived, kube_vip
from schiff.providers.protocol import Objection
from schiff.values.identifiers import Identifier

_INTERFACE_BUDGET = 15
_START_SERVICES = "systemctl enable --now containerd kubelet"


@dataclass(frozen=True, slots=True)
class Metal3:
    """A server is inspected, cleaned and written before it starts, so a node takes up to an hour to appear."""

    node_startup_seconds: int = 3600
    machine_resource: str = "metal3machines"

    def objections(self, cluster: ResolvedCluster, groups: Sequence[MachineGroup]) -> Iterator[Objection]:
        """Yield what servers cannot do."""
        yield from _network_objections(cluster)
        if cluster.spec.nodes.ipam != "in-cluster":
            cure = "leave it out: servers take addresses from metal3's own pools"
            yield Objection(("nodes", "ipam"), f"{cluster.spec.nodes.ipam} is for virtual machines", cure)
        image = cluster.layers.release.kubernetes.images.metal3.url
        if "://" not in image and cluster.spec.image_server is None:
            yield Objection(("imageServer",), f"image {image!r} names no server", "write imageServer, an https URL")
        for group in groups:
            yield from _group_objections(cluster, group)

    def infrastructure_cluster(self, cluster: ResolvedCluster) -> Manifest:
        """Return the Metal3Cluster."""
        return metal3_objects.metal3_cluster(cluster)

    def pools(self, cluster: ResolvedCluster, groups: Sequence[MachineGroup]) -> Sequence[Manifest]:
        """Return the pool of addresses, and the servers that the order lists."""
        hosts = (
            metal3_objects.allocated_host(cluster, group, name) for group in groups for name in sorted(group.hosts)
        )
        return (metal3_pool(cluster), *hosts)

    def machine_templates(self, cluster: ResolvedCluster, group: MachineGroup) -> Sequence[Manifest]:
        """Return the Metal3DataTemplate, and the Metal3MachineTemplate that names it."""
        data = metal3_objects.metal3_data_template(cluster, group)
        return (data, metal3_objects.metal3_machine_template(cluster, group, data))

    def zone_rooms(self, cluster: ResolvedCluster, group: MachineGroup) -> tuple[int | None, ...]:
        """Return how many of the group's servers stand in each rack."""
        racks = [cluster.site.hosts[name].rack for name in group.hosts]
        return tuple(racks.count(zone) for zone in group.zones)

    def node(self, cluster: ResolvedCluster) -> NodeSetup:
        """Return a node named after its machine, with the label by which metal3 finds it."""
        own_files = cluster.spec.nodes.configuration == "netplan"
        name = "{{ ds.meta_data.name }}"
        return NodeSetup(
            node_name=name,
            node_labels={"metal3.io/uuid": "{{ ds.meta_data.uuid }}"},
            files=netplan_files(describe(cluster)) if own_files else (),
            commands=(
                *(NETPLAN_COMMANDS if own_files else ()),
                f'hostnamectl set-hostname "{name}"',
                _START_SERVICES,
            ),
        )

    def endpoint(self, cluster: ResolvedCluster) -> Endpoint:
        """Return the API address by keepalived or kube-vip; one outside the machines' network needs BGP."""
        device = describe(cluster).device
        if cluster.spec.control_plane.vip == "keepalived":
            return keepalived.by_vrrp(cluster, device)
        bgp = cluster.site.bgp
        if bgp is None or _is_on_segment(cluster):
            return kube_vip.by_arp(cluster)
        return kube_vip.by_bgp(cluster, bgp, device)

    def remediation(self, cluster: ResolvedCluster) -> Manifest | None:
        """Return the repair by reboot: a server is not thrown away like a virtual machine."""
        return metal3_objects.reboot_remediation(cluster)

    def identifiers(self, cluster: ResolvedCluster) -> Iterator[Identifier]:
        """Give its servers, as the BareMetalHosts are called, and the router id by which it holds its address."""
        site, plane = cluster.identity.site, cluster.spec.control_plane
        for host in sorted({*plane.hosts, *(host for pool in cluster.spec.pools.values() for host in pool.hosts)}):
            yield Identifier("metal3", "host", "", f"{site}-{host}")
        if plane.vip == "keepalived":
            scope = f"{site}/{cluster.spec.nodes.network}"
            yield Identifier("vrrp", "router id", scope, str(plane.virtual_router_id))

    def site_objects(self, site: Site, label_domain: str, free_hosts: Sequence[str]) -> Sequence[Manifest]:
        """Return the servers that belong to nobody yet, in a namespace of the site."""
        facts = site.facts
        labels = {f"{label_domain}/site": site.name, f"{label_domain}/owner": "platform"}
        return (
            Manifest(api_version="v1", kind="Namespace", name=site.name, labels=labels, annotations=NEVER_PRUNED),
            *(
                metal3_objects.free_host(site.name, facts.location, label_domain, name, facts.hosts[name])
                for name in sorted(free_hosts)
            ),
        )

    def management_plane(self, plane: ManagementPlane) -> Sequence[Manifest]:
        """Return CAPM3 and its IPAM."""
        return (
            *provider("InfrastructureProvider", "metal3", "capm3-system", plane.capm3),
            *provider("IPAMProvider", "metal3", "metal3-ipam-system", plane.ipam_metal3),
        )


def _is_on_segment(cluster: ResolvedCluster) -> bool:
    return node_network(cluster).cidr.contains(cluster.spec.control_plane.endpoint)


def _network_objections(cluster: ResolvedCluster) -> Iterator[Objection]:
    if not cluster.spec.nodes.interfaces:
        yield Objection(("nodes", "interfaces"), "servers need at least one interface", "write e.g. [eno1, eno2]")
    elif len(device := describe(cluster).device) > _INTERFACE_BUDGET:
        message = f"{device} has {len(device)} characters, at most {_INTERFACE_BUDGET} fit"
        yield Objection(("nodes", "interfaces"), message, "use a shorter interface name, or two for a bond")
    plane = cluster.spec.control_plane
    if not _is_on_segment(cluster) and (plane.vip == "keepalived" or cluster.site.bgp is None):
        message = f"{plane.endpoint} lies outside network {cluster.spec.nodes.network}"
        yield Objection(("controlPlane", "endpoint"), message, "take an address inside, or kube-vip and facts.bgp")


def _group_objections(cluster: ResolvedCluster, group: MachineGroup) -> Iterator[Objection]:
    path = group.path
    hardware, hosts = group.machine_class.hardware, cluster.site.hosts
    if hardware is None:
        yield Objection((*path, "class"), "a size is no server", "name a class with hardware")
    if len(group.hosts) < group.size:
        message = f"{group.size} machines are asked for, but {len(group.hosts)} servers are listed"
        yield Objection((*path, "hosts"), message, "list one server for each machine")
    for name in group.hosts:
        if name not in hosts:
            yield Objection((*path, "hosts"), f"the site has no server {name!r}", "take one of facts.hosts")
        elif hardware is not None and hosts[name].hardware != hardware:
            message = f"{name} is {hosts[name].hardware}, the class asks for {hardware}"
            yield Objection((*path, "hosts"), message, f"take servers of hardware {hardware}")
        elif group.zones and hosts[name].rack not in group.zones:
            message = f"{name} stands in {hosts[name].rack}, outside of the pool's zones"
            yield Objection((*path, "hosts"), message, f"take servers of {', '.join(group.zones)}")


PROVIDER = Metal3()

"""How a server is connected, described once and written in either of two ways.

One interface is used as it is; several form a bond. A network with a VLAN is
tagged on top. The address comes from the cluster's pool, for each machine its
own: as networkData, which Ironic hands to cloud-init, or as a netplan file,
which cloud-init fills from the machine's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schiff.manifests.ipam import METAL3_API, node_network, pool_name
from schiff.manifests.node_setup import MachineFile
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import RouteFacts

_BOND = "bond0"
_BOND_MODE = "802.3ad"
_HASH_POLICY = "layer3+4"
_MIIMON = 100
_ADDRESS_KEY = "node_address"


@dataclass(frozen=True, slots=True)
class NodeNetwork:
    """The one description: interfaces, MTU, VLAN, and where address, gateway, other routes and name servers come from.

    Time servers are no part of it: kubeadm's configuration tells them to both.
    """

    interfaces: tuple[str, ...]
    mtu: int
    vlan: int | None
    version: int
    prefix: int
    gateway: str
    dns: tuple[str, ...]
    pool: str
    routes: tuple[RouteFacts, ...] = ()

    @property
    def link(self) -> str:
        """The untagged interface: the bond, or the only one."""
        return _BOND if len(self.interfaces) > 1 else self.interfaces[0]

    @property
    def device(self) -> str:
        """The interface that carries the node's address; cloud-init names a VLAN so."""
        return f"{self.link}.{self.vlan}" if self.vlan else self.link


def describe(cluster: ResolvedCluster) -> NodeNetwork:
    """Return how the servers of a cluster are connected."""
    network, nodes = node_network(cluster), cluster.spec.nodes
    return NodeNetwork(
        interfaces=nodes.interfaces,
        mtu=nodes.mtu,
        vlan=network.vlan,
        version=network.cidr.value.version,
        prefix=network.cidr.prefix,
        gateway=str(network.gateway),
        dns=tuple(map(str, network.dns)),
        pool=pool_name(cluster),
        routes=network.routes,
    )


def pool_reference(network: NodeNetwork) -> dict[str, str]:
    """Return the reference to the pool that addresses come from."""
    return {"apiGroup": METAL3_API.partition("/")[0], "kind": "IPPool", "name": network.pool}


def network_data(network: NodeNetwork) -> dict[str, Any]:
    """Return the network as Metal3DataTemplate holds it."""
    data: dict[str, Any] = {
        "links": _links(network),
        "networks": {f"ipv{network.version}": [_addressed(network)]},
    }
    if network.dns:
        data["services"] = {"dns": list(network.dns)}
    return data


def _links(network: NodeNetwork) -> dict[str, Any]:
    mac = {"fromHostInterface": network.interfaces[0]}
    links: dict[str, Any] = {
        "ethernets": [
            {"type": "phy", "id": name, "macAddress": {"fromHostInterface": name}, "mtu": network.mtu}
            for name in network.interfaces
        ]
    }
    if network.link == _BOND:
        bond = {
            "id": _BOND,
            "bondMode": _BOND_MODE,
            "bondXmitHashPolicy": _HASH_POLICY,
            "mtu": network.mtu,
            "macAddress": mac,
            "bondLinks": list(network.interfaces),
            "parameters": {"bond_miimon": _MIIMON},
        }
        links["bonds"] = [bond]
    if network.vlan:
        tagged = {"id": network.device, "vlanID": network.vlan, "vlanLink": network.link}
        links["vlans"] = [{**tagged, "mtu": network.mtu, "macAddress": mac}]
    return links


def _addressed(network: NodeNetwork) -> dict[str, Any]:
    everywhere = "0.0.0.0" if network.version == 4 else "::"  # noqa: S104 - the default route, nothing is bound
    address: dict[str, Any] = {"id": "nodes", "link": network.device, "fromPoolRef": pool_reference(network)}
    if network.version == 6:  # the one family whose older field is required
        address["ipAddressFromIPPool"] = network.pool
    address["routes"] = [
        {"network": everywhere, "prefix": 0, "gateway": {"fromIPPool": network.pool}},
        *(
            {
                "network": str(route.to.value.network_address),
                "prefix": route.to.prefix,
                "gateway": {"string": str(route.via)},
            }
            for route in network.routes
        ),
    ]
    return address


def address_metadata(network: NodeNetwork) -> dict[str, Any]:
    """Return the metadata that a netplan file is filled from."""
    return {"ipAddressesFromIPPool": [{"key": _ADDRESS_KEY, **pool_reference(network)}]}


def netplan_files(network: NodeNetwork) -> tuple[MachineFile, ...]:
    """Return the network as netplan reads it, and the end of cloud-init's own say about the network."""
    return (
        MachineFile("/etc/netplan/60-schiff.yaml", netplan(network), "0600"),
        MachineFile("/etc/cloud/cloud.cfg.d/99-network.cfg", to_yaml([{"network": {"config": "disabled"}}])),
    )


NETPLAN_COMMANDS = ("rm -f /etc/netplan/50-cloud-init.yaml", "netplan apply")
"""What makes a netplan file the machine's network."""


def netplan(network: NodeNetwork) -> str:
    """Return the netplan file; cloud-init puts the machine's own address in."""
    addressed: dict[str, Any] = {
        "addresses": [f"{{{{ ds.meta_data.{_ADDRESS_KEY} }}}}/{network.prefix}"],
        "routes": [
            {"to": "default", "via": network.gateway},
            *({"to": str(route.to), "via": str(route.via)} for route in network.routes),
        ],
    }
    if network.dns:
        addressed["nameservers"] = {"addresses": list(network.dns)}
    plain = {"mtu": network.mtu}
    links: dict[str, Any] = {name: {"dhcp4": False, "dhcp6": False, **plain} for name in network.interfaces}
    file: dict[str, Any] = {"version": 2, "renderer": "networkd", "ethernets": links}
    if network.link == _BOND:
        file["bonds"] = {_BOND: {"interfaces": list(network.interfaces), **plain, "parameters": _bond_parameters()}}
    if network.vlan:
        file["vlans"] = {network.device: {"id": network.vlan, "link": network.link, **plain}}
    kind = "vlans" if network.vlan else "bonds" if network.link == _BOND else "ethernets"
    file[kind][network.device].update(addressed)
    return to_yaml([{"network": file}])


def _bond_parameters() -> dict[str, Any]:
    return {"mode": _BOND_MODE, "transmit-hash-policy": _HASH_POLICY, "mii-monitor-interval": _MIIMON}

from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.compiler.compiled_cluster import compile_cluster
from schiff.errors import InvalidInput
from schiff.manifests.node_network import NodeNetwork, describe, netplan, network_data
from schiff.sources.plugins import load_parts
from tests.makers import METAL3_ORDER, a_resolved_cluster, changed

SITE = "sites/baremetal-site-1/site.yaml"


def network(interfaces: list[str], vlan: int | None) -> NodeNetwork:
    documents = changed(METAL3_ORDER, "nodes.interfaces", interfaces)
    documents[SITE]["facts"]["networks"]["nodes"].pop("vlan", None)
    if vlan is not None:
        documents = changed(SITE, "facts.networks.nodes.vlan", vlan, documents)
    return describe(a_resolved_cluster("metal3", documents=documents))


def read(text: str) -> Any:
    return yaml.safe_load(text)["network"]


@pytest.mark.parametrize(
    ("interfaces", "vlan", "device", "kind"),
    [
        (["eno1", "eno2"], 202, "bond0.202", "vlans"),
        (["eno1", "eno2"], None, "bond0", "bonds"),
        (["eno1"], 202, "eno1.202", "vlans"),
        (["eno1"], None, "eno1", "ethernets"),
    ],
)
def test_both_ways_put_the_address_on_the_same_interface(
    interfaces: list[str], vlan: int | None, device: str, kind: str
) -> None:
    node = network(interfaces, vlan)
    [address] = network_data(node)["networks"]["ipv4"]
    assert address["link"] == node.device == device
    assert read(netplan(node))[kind][device]["addresses"] == ["{{ ds.meta_data.node_address }}/24"]


def test_both_ways_describe_the_same_bond() -> None:
    node = network(["eno1", "eno2"], 202)
    [bond] = network_data(node)["links"]["bonds"]
    other = read(netplan(node))["bonds"]["bond0"]
    assert bond["bondLinks"] == other["interfaces"] == ["eno1", "eno2"]
    assert bond["mtu"] == other["mtu"] == 9000
    assert bond["bondMode"] == other["parameters"]["mode"] == "802.3ad"
    assert bond["bondXmitHashPolicy"] == other["parameters"]["transmit-hash-policy"]
    assert bond["parameters"]["bond_miimon"] == other["parameters"]["mii-monitor-interval"]


def test_both_ways_know_the_name_servers_and_the_way_out() -> None:
    node = network(["eno1"], None)
    data, plan = network_data(node), read(netplan(node))["ethernets"]["eno1"]
    assert data["services"]["dns"] == plan["nameservers"]["addresses"] == ["10.2.0.2"]
    assert data["networks"]["ipv4"][0]["routes"][0]["gateway"] == {"fromIPPool": "customer-a-2-nodes"}
    assert plan["routes"] == [{"to": "default", "via": "10.2.0.1"}]


def test_the_other_family_has_its_own_list_and_its_older_field() -> None:
    node = NodeNetwork(("eno1",), 1500, None, 6, 64, "fd00::1", (), "pool")
    [address] = network_data(node)["networks"]["ipv6"]
    assert address["ipAddressFromIPPool"] == "pool"
    assert address["routes"][0]["network"] == "::"


ROUTES = [{"to": "10.64.0.0/12", "via": "10.2.0.254"}, {"to": "192.0.2.0/24", "via": "10.2.0.253"}]


def meaning_of_network_data(node: NodeNetwork) -> dict[str, Any]:
    """Return what Ironic's form says, in words of neither form."""
    data = network_data(node)
    links = data["links"]
    addressed = [(family, each) for family, many in data["networks"].items() for each in many]
    [(family, address)] = addressed
    assert address["fromPoolRef"] == {"apiGroup": "ipam.metal3.io", "kind": "IPPool", "name": node.pool}
    from_pool = {"fromIPPool": node.pool}
    return {
        "mtu": {link["id"]: link["mtu"] for kind in links.values() for link in kind},
        "bonds": {
            bond["id"]: (
                tuple(bond["bondLinks"]), bond["bondMode"], bond["bondXmitHashPolicy"],
                bond["parameters"]["bond_miimon"],
            )
            for bond in links.get("bonds", [])
        },
        "vlans": {vlan["id"]: (vlan["vlanLink"], vlan["vlanID"]) for vlan in links.get("vlans", [])},
        "addressed": (address["link"], family),
        "routes": {
            (route["network"], route["prefix"]): node.gateway
            if route["gateway"] == from_pool
            else route["gateway"]["string"]
            for route in address["routes"]
        },
        "dns": data.get("services", {}).get("dns", []),
    }  # fmt: skip


def meaning_of_netplan(node: NodeNetwork) -> dict[str, Any]:
    """Return what the file says, in the same words."""
    plan = read(netplan(node))
    kinds = ("ethernets", "bonds", "vlans")
    links = {name: link for kind in kinds for name, link in plan.get(kind, {}).items()}
    [(name, link)] = [(name, link) for name, link in links.items() if "addresses" in link]
    assert link["addresses"] == [f"{{{{ ds.meta_data.node_address }}}}/{node.prefix}"]
    everywhere = ("0.0.0.0" if node.version == 4 else "::", 0)  # noqa: S104 - the default route, nothing is bound
    assert all(ethernet["dhcp4"] is ethernet["dhcp6"] is False for ethernet in plan["ethernets"].values())
    return {
        "mtu": {name: link["mtu"] for name, link in links.items()},
        "bonds": {
            name: (
                tuple(bond["interfaces"]), bond["parameters"]["mode"], bond["parameters"]["transmit-hash-policy"],
                bond["parameters"]["mii-monitor-interval"],
            )
            for name, bond in plan.get("bonds", {}).items()
        },
        "vlans": {name: (vlan["link"], vlan["id"]) for name, vlan in plan.get("vlans", {}).items()},
        "addressed": (name, f"ipv{node.version}"),
        "routes": {
            everywhere
            if route["to"] == "default"
            else (route["to"].partition("/")[0], int(route["to"].partition("/")[2])): route["via"]
            for route in link["routes"]
        },
        "dns": link.get("nameservers", {}).get("addresses", []),
    }  # fmt: skip


@pytest.mark.parametrize("interfaces", [["eno1"], ["eno1", "eno2"], ["eno1", "eno2", "eno3"]])
@pytest.mark.parametrize("vlan", [None, 202])
@pytest.mark.parametrize("dns", [[], ["10.2.0.2", "10.2.0.3"]])
@pytest.mark.parametrize("routes", [[], ROUTES])
def test_one_description_means_the_same_in_both_ways(
    interfaces: list[str], vlan: int | None, dns: list[str], routes: list[dict[str, str]]
) -> None:
    documents = changed(METAL3_ORDER, "nodes.interfaces", interfaces)
    facts = documents[SITE]["facts"]["networks"]["nodes"]
    facts |= {"dns": dns, "routes": routes}
    facts.pop("vlan")
    if vlan is not None:
        facts["vlan"] = vlan
    node = describe(a_resolved_cluster("metal3", documents=documents))
    assert meaning_of_network_data(node) == meaning_of_netplan(node)
    assert len(meaning_of_netplan(node)["routes"]) == 1 + len(routes)


def test_the_other_family_means_the_same_in_both_ways() -> None:
    node = NodeNetwork(("eno1", "eno2"), 9000, 7, 6, 64, "fd00::1", ("fd00::2",), "pool")
    assert meaning_of_network_data(node) == meaning_of_netplan(node)


def test_a_route_leads_by_a_router_of_the_network() -> None:
    documents = changed(SITE, "facts.networks.nodes.routes", [{"to": "10.64.0.0/12", "via": "10.3.0.254"}])
    with pytest.raises(InvalidInput, match=r"router 10\.3\.0\.254 is outside 10\.2\.0\.0/24"):
        a_resolved_cluster("metal3", documents=documents)


def test_both_ways_are_told_the_time_by_the_same_servers() -> None:
    said = []
    for configuration in ("networkData", "netplan"):
        documents = changed(SITE, "facts.networks.nodes.ntp", ["10.2.0.3"])
        cluster = a_resolved_cluster(
            "metal3", documents=changed(METAL3_ORDER, "nodes.configuration", configuration, documents)
        )
        compiled = compile_cluster(cluster, load_parts())
        said.append(compiled.control_plane.body["spec"]["kubeadmConfigSpec"]["ntp"])
    assert said == [{"enabled": True, "servers": ["10.2.0.3"]}] * 2

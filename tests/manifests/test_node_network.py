from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.manifests.node_network import NodeNetwork, describe, netplan, network_data
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

from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.components.network_operator import COMPONENT
from schiff.components.network_operator_settings import NetworkOperatorSettings, reduced
from schiff.components.network_sync import COMPONENT as SYNC
from schiff.manifests.manifest import Manifest
from schiff.values.versions import ComponentVersion
from tests.components.example_clusters import offering_all
from tests.makers import METAL3_ORDER, a_resolved_cluster, a_resolved_management_cluster, changed

V = ComponentVersion.parse("v0.5.3")
ONE = {"one": {"ipv4": "10.250.4.0/24", "vlan": 501, "vni": 4000501}}
ROUTE = {"vrf": "intranet", "vni": 100100, "routeTarget": "64512:100100", "seq": 10}


def settings(**values: Any) -> NetworkOperatorSettings:
    return NetworkOperatorSettings.model_validate(values, by_name=False, by_alias=True)


def intents(**values: Any) -> dict[str, Manifest]:
    objects = COMPONENT.management_objects(a_resolved_cluster("metal3"), settings(**values))
    return {item.kind: item for item in objects}


def spec(item: Manifest) -> dict[str, Any]:
    return dict(item.body["spec"])


def direct(**values: Any) -> dict[str, dict[str, Any]]:
    objects = COMPONENT.objects(a_resolved_cluster("metal3"), settings(api="direct", **values))
    return {item.kind: spec(item) for item in objects}


def test_only_tenants_that_name_it_run_it_and_every_management_cluster_brings_intents() -> None:
    named = changed(METAL3_ORDER, "components.network-operator", {}, offering_all())
    assert COMPONENT.applies_to(a_resolved_cluster("metal3", documents=named))
    assert not COMPONENT.applies_to(a_resolved_cluster("metal3"))
    assert not COMPONENT.applies_to(a_resolved_management_cluster())
    assert SYNC.applies_to(a_resolved_management_cluster())
    assert not SYNC.applies_to(a_resolved_cluster("metal3"))


def test_intents_lie_in_the_clusters_namespace_on_the_management_cluster_and_nowhere_else() -> None:
    chosen = settings(networks=ONE, inbound={"shop": {"network": "one", "count": 8}})
    cluster = a_resolved_cluster("metal3")
    assert {item.namespace for item in COMPONENT.management_objects(cluster, chosen)} == {cluster.identity.namespace}
    assert COMPONENT.objects(cluster, chosen) == ()


def test_older_objects_lie_in_the_tenant_and_nowhere_else() -> None:
    chosen = settings(api="direct", routes={"intranet": ROUTE})
    cluster = a_resolved_cluster("metal3")
    assert [item.namespace for item in COMPONENT.objects(cluster, chosen)] == [None]
    assert COMPONENT.management_objects(cluster, chosen) == ()


def test_a_destination_is_found_by_labels_of_its_own() -> None:
    destinations = {"far": {"labels": {"zone": "far"}, "prefixes": "0.0.0.0/0", "nextHop": ["10.9.0.1", "fd00::1"]}}
    item = intents(networks=ONE, destinations=destinations)["Destination"]
    assert item.labels["zone"] == "far"
    assert spec(item) == {"prefixes": ["0.0.0.0/0"], "nextHop": {"ipv4": "10.9.0.1", "ipv6": "fd00::1"}}


def test_a_vrf_is_called_as_its_entry_unless_the_fabric_calls_it_otherwise() -> None:
    numbers = {"vni": 100100, "routeTarget": "64512:100100"}
    assert spec(intents(vrfs={"intranet": numbers})["VRF"])["vrf"] == "intranet"
    assert spec(intents(vrfs={"intranet": {**numbers, "vrf": "m2m_net"}})["VRF"])["vrf"] == "m2m_net"


def test_pinned_addresses_are_networks_by_family() -> None:
    inbound = {"shop": {"network": "one", "addresses": ["10.250.4.8", "10.250.4.16/29", "fd00::8"]}}
    written = spec(intents(networks=ONE, inbound=inbound)["Inbound"])
    assert written["addresses"] == {"ipv4": ["10.250.4.8/32", "10.250.4.16/29"], "ipv6": ["fd00::8/128"]}
    assert "count" not in written


def test_a_peering_names_its_password_by_its_secret() -> None:
    peering = {"mode": "loopbackPeer", "inbound": "shop", "workloadAs": 65301, "passwordSecret": "shop-bgp"}
    written = spec(intents(peerings={"p": peering})["BGPPeering"])
    assert written["authSecretRef"] == {"name": "shop-bgp"}
    assert written["ref"] == {"inboundRefs": ["shop"]}


def test_a_route_lists_its_lines_in_order() -> None:
    route = {**ROUTE, "import": [{"cidr": "10.0.0.0/8"}], "export": [{"cidr": "10.1.5.0/24", "le": 32, "seq": 5}]}
    written = direct(routes={"intranet": route})["VRFRouteConfiguration"]
    assert written["import"] == [{"cidr": "10.0.0.0/8", "action": "permit"}]
    assert written["export"] == [{"cidr": "10.1.5.0/24", "action": "permit", "le": 32, "seq": 5}]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("intranet", "intranet"),
        ("fifteen_letters", "fifteen_letters"),
        ("m2m_intranet_backbone", "m2mintrntbckbne"),
        ("aaa_bbb_ccc_ddd_eee", "aaabbbcccdddeee"),
    ],
)
def test_a_long_name_of_a_vrf_loses_vowels_inside_words_then_separators(name: str, short: str) -> None:
    assert reduced(name) == short


@pytest.mark.parametrize(
    ("values", "variant"),
    [
        ({"api": "direct"}, "direct"),
        ({"networks": {"storage": {"vlan": 510}}}, "intent-l2"),
        ({"networks": ONE}, "intent"),
        ({"vrfs": {"intranet": {"vni": 1, "routeTarget": "1:1"}}}, "intent"),
    ],
)
def test_nodes_get_the_agent_of_a_router_only_where_something_is_routed(values: dict[str, Any], variant: str) -> None:
    assert COMPONENT.variant(a_resolved_cluster("metal3"), settings(**values)) == variant


def test_only_an_operator_of_intents_is_told_to_read_them() -> None:
    files = COMPONENT.folder(V, {"operator/operator.yaml": b"", "router/a.yaml": b"", "platform/b.yaml": b""})
    said = {name: str(files[f"{name}/kustomization.yaml"]) for name in ("direct", "intent", "intent-l2")}
    assert {name: "--enable-intent-reconciler" in text for name, text in said.items()} == {
        "direct": False, "intent": True, "intent-l2": True,
    }  # fmt: skip
    assert yaml.safe_load(said["intent-l2"])["resources"] == ["../operator", "../platform"]


def test_a_segment_is_one_clusters_and_a_vrf_may_be_anybodys() -> None:
    chosen = settings(vrfs={"intranet": {"vni": 100100, "routeTarget": "64512:100100"}}, networks=ONE)
    found = list(COMPONENT.identifiers(a_resolved_cluster("metal3"), chosen))
    assert [(one.kind, one.value, one.shared) for one in found] == [
        ("vrf vni", "100100", True),
        ("route target", "64512:100100", True),
        ("vni", "4000501", False),
        ("vlan", "501", False),
    ]
    assert {one.scope for one in found} == {"baremetal-site-1"}

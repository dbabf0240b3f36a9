from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schiff.components.metallb import COMPONENT
from schiff.components.metallb_settings import MetallbSettings
from schiff.model.resolved import ResolvedCluster
from tests.makers import METAL3_ORDER, a_resolved_cluster, changed

POOL = {"services": {"addresses": ["10.2.0.192/28"]}}


def settings(**values: Any) -> MetallbSettings:
    return MetallbSettings.model_validate(values)


def specs(kind: str, chosen: MetallbSettings, cluster: ResolvedCluster | None = None) -> dict[str, dict[str, Any]]:
    objects = COMPONENT.objects(cluster or a_resolved_cluster("metal3"), chosen)
    return {item.name: dict(item.body["spec"]) for item in objects if item.kind == kind}


def messages(chosen: MetallbSettings, cluster: ResolvedCluster | None = None) -> list[str]:
    return [problem.message for problem in COMPONENT.problems(cluster or a_resolved_cluster("metal3"), chosen)]


def test_the_mode_follows_the_sites_facts_unless_it_is_set() -> None:
    metal, virtual = a_resolved_cluster("metal3"), a_resolved_cluster("vsphere")
    assert COMPONENT.variant(metal, settings()) == "bgp"
    assert COMPONENT.variant(virtual, settings()) == "l2"
    assert COMPONENT.variant(metal, settings(mode="l2")) == "l2"


def test_the_sites_routers_are_peers_without_a_word() -> None:
    assert specs("BGPPeer", settings(pools=POOL)) == {
        "leaf-1": {"myASN": 65202, "peerASN": 65020, "peerAddress": "10.2.0.251", "holdTime": "90s"}
    }


def test_a_setting_adds_to_the_router_of_its_name() -> None:
    peers = specs(
        "BGPPeer", settings(bfd={"fabric": {}}, peers={"leaf-1": {"bfdProfile": "fabric", "passwordSecret": "bgp"}})
    )
    assert peers["leaf-1"]["peerAddress"] == "10.2.0.251"
    assert peers["leaf-1"]["bfdProfile"] == "fabric"
    assert peers["leaf-1"]["passwordSecret"] == {"name": "bgp", "namespace": "metallb-system"}


def test_a_peer_with_a_learnt_asn_has_no_other() -> None:
    peer = specs("BGPPeer", settings(peers={"leaf-1": {"dynamicAsn": "external"}}))["leaf-1"]
    assert peer["dynamicASN"] == "external"
    assert "peerASN" not in peer


@pytest.mark.parametrize(
    "peer",
    [{"asn": 65001, "dynamicAsn": "external"}, {"address": "10.2.0.1", "interface": "bond0"}, {"password": "x"}],
)
def test_a_peer_has_one_asn_one_way_and_no_password_in_clear(peer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(peers={"leaf-1": peer})


def test_a_router_in_another_network_is_some_hops_away() -> None:
    near = settings(peers={"spine": {"address": "10.2.0.250", "asn": 65020}})
    far = settings(peers={"spine": {"address": "10.9.0.1", "asn": 65020}})
    internal = settings(peers={"spine": {"address": "10.9.0.1", "asn": 65202}})
    assert "ebgpMultiHop" not in specs("BGPPeer", near)["spine"]
    assert specs("BGPPeer", far)["spine"]["ebgpMultiHop"] is True
    assert "ebgpMultiHop" not in specs("BGPPeer", internal)["spine"]


def test_each_pool_is_announced_in_the_clusters_mode() -> None:
    assert specs("BGPAdvertisement", settings(pools=POOL)) == {
        "services": {"ipAddressPools": ["services"], "aggregationLength": 32}
    }
    assert specs("L2Advertisement", settings(mode="l2", pools=POOL)) == {"services": {"ipAddressPools": ["services"]}}


def test_without_pools_nothing_is_announced() -> None:
    for mode in ("bgp", "l2"):
        kinds = {item.kind for item in COMPONENT.objects(a_resolved_cluster("metal3"), settings(mode=mode))}
        assert kinds <= {"BGPPeer"}


def test_an_advertisement_without_pools_would_announce_all_so_it_is_refused() -> None:
    with pytest.raises(ValidationError):
        settings(bgpAdvertisements={"all": {"pools": []}})


def test_an_advertisement_of_ones_own_replaces_the_automatic_ones() -> None:
    own = {"only": {"pools": ["services"], "communities": ["65010:100"], "peers": ["leaf-1"], "localPref": 100}}
    assert specs("BGPAdvertisement", settings(pools=POOL, bgpAdvertisements=own)) == {
        "only": {
            "ipAddressPools": ["services"],
            "aggregationLength": 32,
            "communities": ["65010:100"],
            "peers": ["leaf-1"],
            "localPref": 100,
        }
    }


def test_a_pool_of_the_other_family_is_aggregated_by_its_own_length() -> None:
    pools = {"six": {"addresses": ["fd00:1::/124"]}}
    assert specs("BGPAdvertisement", settings(pools=pools))["six"] == {
        "ipAddressPools": ["six"],
        "aggregationLengthV6": 128,
    }


def test_a_pool_for_some_namespaces_says_so() -> None:
    pools = {"management": {"addresses": "10.2.0.192/28", "autoAssign": False, "namespaces": ["ingress"]}}
    assert specs("IPAddressPool", settings(pools=pools))["management"] == {
        "addresses": ["10.2.0.192/28"],
        "autoAssign": False,
        "avoidBuggyIPs": True,
        "serviceAllocation": {"priority": 50, "namespaces": ["ingress"]},
    }


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        ("10.2.0.10", "contains the API server's address"),
        ("10.2.0.50-10.2.0.70", "overlaps the nodes' addresses"),
    ],
)
def test_a_pool_that_takes_what_belongs_to_machines_is_refused(addresses: str, message: str) -> None:
    assert message in " ".join(messages(settings(pools={"services": {"addresses": addresses}})))


def test_a_pool_inside_the_nodes_addresses_is_fine_where_they_leave_it_out() -> None:
    cluster = a_resolved_cluster("metal3", documents=changed(METAL3_ORDER, "nodes.excluded", "10.2.0.48-10.2.0.60"))
    pools = {"services": {"addresses": "10.2.0.50-10.2.0.60"}}
    assert not messages(settings(pools=pools), cluster)


def test_two_pools_may_not_share_an_address() -> None:
    pools = {"one": {"addresses": "10.2.0.192/28"}, "two": {"addresses": "10.2.0.200"}}
    assert messages(settings(pools=pools)) == ["10.2.0.200 overlaps 10.2.0.192/28 of pool one"]


def test_names_that_lead_nowhere_are_refused_with_those_that_are_known() -> None:
    chosen = settings(
        pools=POOL,
        peers={"leaf-1": {"bfdProfile": "fast"}},
        bgpAdvertisements={"a": {"pools": ["none"], "peers": ["leaf-9"]}},
    )
    found = list(COMPONENT.problems(a_resolved_cluster("metal3"), chosen))
    assert [(problem.message, problem.cure) for problem in found] == [
        ("no BFD profile is called 'fast'", "known: none"),
        ("no pool is called 'none'", "known: services"),
        ("no peer is called 'leaf-9'", "known: leaf-1"),
    ]


def test_bgp_without_routers_is_refused() -> None:
    virtual = a_resolved_cluster("vsphere")
    assert messages(settings(mode="bgp"), virtual) == ["site vsphere-site-1 has no BGP routers, and no peer is set"]
    incomplete = settings(peers={"leaf-1": {}})
    assert messages(incomplete, virtual) == [
        "has neither address nor interface",
        "has neither asn nor dynamicAsn",
        "has no myAsn, and the site has none",
    ]


def test_the_segments_mode_refuses_what_only_routers_understand() -> None:
    chosen = settings(mode="l2", pools=POOL, bgpAdvertisements={"a": {"pools": ["services"]}})
    assert messages(chosen) == ["is for mode bgp"]


def test_communities_may_have_names() -> None:
    own = {"a": {"pools": ["services"], "communities": ["blackhole", "large:65010:1:100"]}}
    chosen = settings(pools=POOL, communities={"blackhole": "65010:666"}, bgpAdvertisements=own)
    assert specs("Community", chosen) == {"communities": {"communities": [{"name": "blackhole", "value": "65010:666"}]}}
    assert specs("BGPAdvertisement", chosen)["a"]["communities"] == ["blackhole", "large:65010:1:100"]


def test_services_that_are_selected_are_not_aggregated() -> None:
    chosen = settings(pools=POOL, bgpAdvertisements={"a": {"pools": ["services"], "services": {"tier": "gold"}}})
    assert specs("BGPAdvertisement", chosen)["a"] == {
        "ipAddressPools": ["services"],
        "serviceSelectors": [{"matchLabels": {"tier": "gold"}}],
    }


def test_graceful_restart_is_chosen_with_the_peer_and_never_changes() -> None:
    chosen = settings(peers={"leaf-1": {"gracefulRestart": True}})
    assert specs("BGPPeer", chosen)["leaf-1"]["enableGracefulRestart"] is True
    assert [never.path for never in COMPONENT.never if never.kind == "BGPPeer"] == [("spec", "enableGracefulRestart")]


def test_the_sites_other_clusters_have_none_of_a_pools_addresses() -> None:
    found = list(COMPONENT.identifiers(a_resolved_cluster("metal3"), settings(pools=POOL)))
    assert [(one.scope, one.value, one.shared) for one in found] == [("baremetal-site-1", "10.2.0.192/28", False)]

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schiff.components.calico import COMPONENT, CalicoSettings
from schiff.model.resolved import ResolvedCluster
from schiff.model.site import BgpFacts
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed


def settings(**values: Any) -> CalicoSettings:
    return CalicoSettings.model_validate(values)


def network(cluster: ResolvedCluster, chosen: CalicoSettings) -> dict[str, Any]:
    installation = COMPONENT.bootstrap_objects(cluster, chosen)[0]
    spec: dict[str, Any] = installation.body["spec"]["calicoNetwork"]
    return spec


def test_pods_get_the_network_the_cluster_was_made_with() -> None:
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "clusterNetwork.pods", "10.128.0.0/14"))
    (pool,) = network(cluster, settings())["ipPools"]
    assert pool["cidr"] == "10.128.0.0/14"


def test_images_come_from_the_registry_of_the_cluster() -> None:
    installation = COMPONENT.bootstrap_objects(a_resolved_cluster(), settings())[0]
    assert installation.body["spec"]["registry"] == "registry.schiff.example/"


@pytest.mark.parametrize(
    ("encapsulation", "bgp"),
    [("None", "Enabled"), ("IPIP", "Enabled"), ("VXLAN", "Disabled"), ("VXLANCrossSubnet", "Disabled")],
)
def test_only_encapsulations_that_need_bgp_turn_it_on(encapsulation: str, bgp: str) -> None:
    assert network(a_resolved_cluster(), settings(encapsulation=encapsulation))["bgp"] == bgp


def test_routers_wait_for_calicos_own_api_server() -> None:
    cluster = a_resolved_cluster("metal3")
    assert {item.api_version for item in COMPONENT.bootstrap_objects(cluster, settings(bgp=True))} == {
        "operator.tigera.io/v1"
    }
    own, leaf = COMPONENT.objects(cluster, settings(bgp=True))
    assert (own.kind, own.name, own.body["spec"]) == ("BGPConfiguration", "default", {"asNumber": 65202})
    assert leaf.body["spec"] == {"peerIP": "10.2.0.251", "asNumber": 65020, "nodeSelector": "all()"}


def test_without_being_asked_calico_leaves_the_routers_to_metallb() -> None:
    assert not COMPONENT.objects(a_resolved_cluster("metal3"), settings())


def test_bgp_at_a_site_without_routers_is_refused() -> None:
    (problem,) = COMPONENT.problems(a_resolved_cluster("vsphere"), settings(bgp=True))
    assert problem.path == ("bgp",)
    assert "vsphere-site-1 has no BGP routers" in problem.message


def test_an_asn_that_calico_cannot_write_is_refused() -> None:
    cluster = a_resolved_cluster("metal3")
    facts = BgpFacts.model_validate({"asn": 4200000000, "peers": {"leaf-1": {"address": "10.2.0.251", "asn": 65020}}})
    far = replace(cluster, site=cluster.site.model_copy(update={"bgp": facts}))
    (problem,) = COMPONENT.problems(far, settings(bgp=True))
    assert "no ASN above" in problem.message


def test_a_block_larger_than_the_pods_network_is_refused() -> None:
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "clusterNetwork.pods", "10.128.0.0/24"))
    assert not list(COMPONENT.problems(cluster, settings(blockSize=26)))
    (problem,) = COMPONENT.problems(cluster, settings(blockSize=22))
    assert problem.path == ("blockSize",)

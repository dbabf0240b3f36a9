from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from schiff.manifests.machine_group import control_plane_group, pool_groups
from schiff.model.resolved import ResolvedCluster
from schiff.providers.vsphere import PROVIDER
from tests.makers import VSPHERE_ORDER, a_fleet, a_resolved_cluster, changed

SITE = "sites/vsphere-site-1/site.yaml"


def ordered(field: str, value: Any) -> ResolvedCluster:
    return a_resolved_cluster(documents=changed(VSPHERE_ORDER, field, value))


def objections(cluster: ResolvedCluster) -> list[tuple[str, str]]:
    groups = (control_plane_group(cluster), *pool_groups(cluster))
    return [(".".join(map(str, each.path)), each.message) for each in PROVIDER.objections(cluster, groups)]


def machine(cluster: ResolvedCluster) -> Any:
    [template] = PROVIDER.machine_templates(cluster, control_plane_group(cluster))
    return template.body["spec"]["template"]["spec"]


def test_a_right_cluster_meets_no_objection() -> None:
    assert objections(a_resolved_cluster()) == []


@pytest.mark.parametrize(
    ("field", "value", "path", "message"),
    [
        ("nodes.configuration", "netplan", "nodes.configuration", "netplan is for servers"),
        ("controlPlane.hosts", ["r1-u01"], "controlPlane.hosts", "virtual machines stand on no listed servers"),
        ("pools.md-0.zones", ["az-9"], "pools.md-0.zones", "the site has no failure domain 'az-9'"),
        ("machineClasses.large", {"hardware": "worker"}, "pools.md-0.class", "a hardware class has no size"),
    ],
)
def test_what_a_vcenter_cannot_do_is_said(field: str, value: Any, path: str, message: str) -> None:
    order = changed(VSPHERE_ORDER, field, value)
    if field == "machineClasses.large":
        order = changed("providers/vsphere.yaml", field, value)
    assert objections(a_resolved_cluster(documents=order)) == [(path, message)]


def test_keepalived_is_refused() -> None:
    documents = changed(VSPHERE_ORDER, "controlPlane.vip", "keepalived")
    documents = changed(VSPHERE_ORDER, "controlPlane.virtualRouterId", 7, documents)
    assert objections(a_resolved_cluster(documents=documents)) == [("controlPlane.vip", "keepalived is for servers")]


def test_a_zone_must_carry_the_clusters_network() -> None:
    documents = changed(VSPHERE_ORDER, "pools.md-0.zones", ["az-1"])
    documents = changed(SITE, "facts.failureDomains.az-1.networks", ["pg-platform"], documents)
    found = objections(a_resolved_cluster(documents=documents))
    assert found == [("pools.md-0.zones", "az-1 does not carry network pg-customer-a-1")]


def test_a_site_without_vcenter_is_refused() -> None:
    cluster = a_resolved_cluster()
    bare = replace(cluster, site=cluster.site.model_copy(update={"vcenter": None}))
    assert objections(bare) == [("site", "vsphere-site-1 has no vcenter")]


def test_only_failure_domains_of_the_own_site_that_carry_its_network_are_open_to_a_cluster() -> None:
    documents = changed(SITE, "facts.failureDomains.az-1.networks", ["pg-platform"])
    spec = PROVIDER.infrastructure_cluster(a_resolved_cluster(documents=documents)).body["spec"]
    wanted = spec["failureDomainSelector"]["matchLabels"]
    assert wanted["schiff.example/site"] == "vsphere-site-1"
    site = a_fleet(documents).sites["vsphere-site-1"]
    zones = [each for each in PROVIDER.site_objects(site, "schiff.example", ()) if each.kind == "VSphereDeploymentZone"]
    assert [zone.name for zone in zones if wanted.items() <= zone.labels.items()] == ["az-2"]


@pytest.mark.parametrize("domains", [{}, {"az-1": {"computeCluster": "a", "datastore": "b", "networks": []}}])
def test_where_no_failure_domain_carries_the_network_none_is_selected(domains: dict[str, Any]) -> None:
    documents = changed(SITE, "facts.failureDomains", domains)
    spec = PROVIDER.infrastructure_cluster(a_resolved_cluster(documents=documents)).body["spec"]
    assert "failureDomainSelector" not in spec


def test_the_certificate_of_the_vcenter_is_pinned_where_it_is_known() -> None:
    thumbprint = ":".join(["AB"] * 20)
    documents = changed(SITE, "facts.vcenter.thumbprint", thumbprint)
    assert (
        PROVIDER.infrastructure_cluster(a_resolved_cluster(documents=documents)).body["spec"]["thumbprint"]
        == thumbprint
    )


def test_machines_take_addresses_from_the_clusters_pool() -> None:
    [device] = machine(a_resolved_cluster())["network"]["devices"]
    [pool] = device["addressesFromPools"]
    assert pool == {"apiGroup": "ipam.cluster.x-k8s.io", "kind": "InClusterIPPool", "name": "customer-a-1-nodes"}
    assert (device["dhcp4"], device["dhcp6"]) == (False, False)
    assert "mtu" not in device


def worker(cluster: ResolvedCluster) -> Any:
    [template] = PROVIDER.machine_templates(cluster, pool_groups(cluster)[0])
    return template.body["spec"]["template"]["spec"]


def test_workers_without_a_zone_stand_in_one_compute_cluster_of_many() -> None:
    placed = worker(a_resolved_cluster())
    assert (placed["resourcePool"], placed["datastore"]) == ("cluster-az-1/Resources/schiff", "datastore-az-1")
    elsewhere = changed(SITE, "facts.failureDomains.az-1.networks", ["pg-platform"])
    placed = worker(a_resolved_cluster(documents=elsewhere))
    assert (placed["resourcePool"], placed["datastore"]) == ("cluster-az-2/Resources/schiff", "datastore-az-2")


def test_machines_of_a_zone_leave_their_place_to_it() -> None:
    zoned = ordered("pools.md-0.zones", ["az-2"])
    assert {template["resourcePool"] for template in (worker(zoned), machine(zoned))} == {"*/Resources/schiff"}


def test_another_mtu_is_told_to_the_machine() -> None:
    [device] = machine(ordered("nodes.mtu", 9000))["network"]["devices"]
    assert device["mtu"] == 9000


def test_the_account_is_lent_to_namespaces_of_its_site_alone_and_named_only() -> None:
    site = a_fleet().sites["vsphere-site-1"]
    [identity, *_] = PROVIDER.site_objects(site, "schiff.example", ())
    assert identity.body["spec"] == {
        "secretName": "vsphere-site-1-credentials",
        "allowedNamespaces": {"selector": {"matchLabels": {"schiff.example/site": "vsphere-site-1"}}},
    }


def test_a_zone_uses_the_resource_pool_of_its_own_compute_cluster() -> None:
    site = a_fleet().sites["vsphere-site-1"]
    zones = [each for each in PROVIDER.site_objects(site, "schiff.example", ()) if each.kind == "VSphereDeploymentZone"]
    pools = [zone.body["spec"]["placementConstraint"]["resourcePool"] for zone in zones]
    assert pools == ["cluster-az-1/Resources/schiff", "cluster-az-2/Resources/schiff"]


def test_kubelets_wait_for_the_cloud_controller_manager() -> None:
    node = PROVIDER.node(a_resolved_cluster())
    assert node.kubelet_args == node.controller_manager_args == {"cloud-provider": "external"}


def test_kube_vip_announces_the_api_by_arp_and_leaves_services_alone() -> None:
    pod, script = PROVIDER.endpoint(a_resolved_cluster()).files
    [container] = yaml.safe_load(pod.content)["spec"]["containers"]
    values = {each["name"]: each.get("value") for each in container["env"]}
    assert values["address"] == "10.1.0.10"
    assert (values["vip_arp"], values["cp_enable"], values["svc_enable"]) == ("true", "true", "false")
    assert container["image"] == "registry.schiff.example/kube-vip/kube-vip:v1.0.1"
    assert script.permissions == "0700"


def test_the_first_machine_gets_rights_before_kubeadm_gives_them() -> None:
    pod, script = PROVIDER.endpoint(a_resolved_cluster()).files
    [volume] = yaml.safe_load(pod.content)["spec"]["volumes"]
    assert f"path: {volume['hostPath']['path']}" in script.content
    assert "super-admin.conf" in script.content
    assert pod.path in script.content


INFOBLOX = {"instance": "production", "host": "infoblox.schiff.example", "dnsZone": "nodes.schiff.example"}


def with_infoblox(**more: Any) -> ResolvedCluster:
    documents = changed(SITE, "facts.infoblox", {**INFOBLOX, **more})
    documents = changed("head.yaml", "managementPlane.ipamInfoblox", "v0.2.1", documents)
    return a_resolved_cluster(documents=changed(VSPHERE_ORDER, "nodes.ipam", "infoblox", documents))


def test_addresses_out_of_infoblox_are_claimed_from_its_pool_and_no_other() -> None:
    cluster = with_infoblox()
    assert objections(cluster) == []
    assert [pool.kind for pool in PROVIDER.pools(cluster, ())] == ["InfobloxIPPool"]
    [device] = machine(cluster)["network"]["devices"]
    assert device["addressesFromPools"] == [
        {"apiGroup": "ipam.cluster.x-k8s.io", "kind": "InfobloxIPPool", "name": "customer-a-1-nodes"}
    ]


def test_infoblox_needs_facts_of_the_site_and_a_version_of_its_provider() -> None:
    assert objections(ordered("nodes.ipam", "infoblox")) == [
        ("nodes.ipam", "vsphere-site-1 has no infoblox"),
        ("nodes.ipam", "the release has no version of Infoblox' provider"),
    ]


def test_a_site_declares_the_instance_that_it_gives_a_host_for() -> None:
    for facts, kinds in ((INFOBLOX, ["InfobloxInstance"]), ({"instance": "production"}, [])):
        site = a_fleet(changed(SITE, "facts.infoblox", facts)).sites["vsphere-site-1"]
        found = PROVIDER.site_objects(site, "schiff.example", ())
        assert [item.kind for item in found if item.kind.startswith("Infoblox")] == kinds


def test_what_people_reserve_in_infoblox_is_listed_with_the_names_outside() -> None:
    found = [one for one in PROVIDER.identifiers(with_infoblox()) if one.system == "infoblox"]
    assert [(one.kind, one.scope, one.value) for one in found] == [
        ("zone", "production/default", "nodes.schiff.example"),
        ("reserved", "production/default", "10.1.0.0-10.1.0.19"),
        ("reserved", "production/default", "10.1.0.121-10.1.0.255"),
    ]
    assert all(one.shared for one in found)


def test_routes_of_the_network_are_the_machines_too() -> None:
    assert "routes" not in machine(a_resolved_cluster())["network"]["devices"][0]
    path = "facts.networks.pg-customer-a-1.routes"
    documents = changed(SITE, path, [{"to": "10.64.0.0/12", "via": "10.1.0.254"}])
    [device] = machine(a_resolved_cluster(documents=documents))["network"]["devices"]
    assert device["routes"] == [{"to": "10.64.0.0/12", "via": "10.1.0.254", "metric": 100}]

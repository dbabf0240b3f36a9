from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.manifests.machine_group import control_plane_group, pool_groups
from schiff.model.resolved import ResolvedCluster
from schiff.providers.metal3 import PROVIDER
from tests.makers import METAL3_ORDER, Documents, a_resolved_cluster, changed

SITE = "sites/baremetal-site-1/site.yaml"


def of(documents: Documents | None = None) -> ResolvedCluster:
    return a_resolved_cluster("metal3", documents=documents)


def ordered(**fields: Any) -> ResolvedCluster:
    documents = None
    for field, value in fields.items():
        documents = changed(METAL3_ORDER, field.replace("__", "."), value, documents)
    return of(documents)


def objections(cluster: ResolvedCluster) -> list[tuple[str, str]]:
    groups = (control_plane_group(cluster), *pool_groups(cluster))
    return [(".".join(map(str, each.path)), each.message) for each in PROVIDER.objections(cluster, groups)]


def environment(cluster: ResolvedCluster) -> dict[str, str | None]:
    [container] = yaml.safe_load(PROVIDER.endpoint(cluster).files[0].content)["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def test_a_right_cluster_meets_no_objection() -> None:
    assert objections(of()) == []


@pytest.mark.parametrize(
    ("field", "value", "path", "message"),
    [
        ("nodes.interfaces", [], "nodes.interfaces", "servers need at least one interface"),
        (
            "nodes.interfaces",
            ["enp129s0f0np0"],
            "nodes.interfaces",
            "enp129s0f0np0.202 has 17 characters, at most 15 fit",
        ),
        ("controlPlane.endpoint", "10.9.0.1", "controlPlane.endpoint", "10.9.0.1 lies outside network nodes"),
        (
            "controlPlane.hosts",
            ["r1-u01"],
            "controlPlane.hosts",
            "3 machines are asked for, but 1 servers are listed",
        ),
        (
            "controlPlane.hosts",
            ["r1-u01", "r2-u01", "r3-u07"],
            "controlPlane.hosts",
            "r3-u07 is worker, the class asks for controller",
        ),
        (
            "controlPlane.hosts",
            ["r1-u01", "r2-u01", "r9-u01"],
            "controlPlane.hosts",
            "the site has no server 'r9-u01'",
        ),
    ],
)
def test_what_servers_cannot_do_is_said(field: str, value: Any, path: str, message: str) -> None:
    assert objections(of(changed(METAL3_ORDER, field, value))) == [(path, message)]


def test_servers_outside_of_a_pools_zones_are_refused() -> None:
    pool = {"class": "worker", "hosts": ["r1-u07", "r2-u07"], "zones": ["rack-1"]}
    found = objections(of(changed(METAL3_ORDER, "pools.md-0", pool)))
    assert found == [("pools.md-0.hosts", "r2-u07 stands in rack-2, outside of the pool's zones")]


def test_an_image_needs_a_server() -> None:
    documents = changed("head.yaml", "kubernetes.images.metal3.url", "kube-v1.35.4.qcow2")
    del documents["providers/metal3.yaml"]["imageServer"]
    assert objections(of(documents)) == [("imageServer", "image 'kube-v1.35.4.qcow2' names no server")]


def test_a_size_is_no_server() -> None:
    documents = changed("providers/metal3.yaml", "machineClasses.worker", {"cpus": 2, "memoryMiB": 4096, "diskGiB": 40})
    assert objections(of(documents)) == [("pools.md-0.class", "a size is no server")]


def test_racks_in_which_a_cluster_has_servers_are_its_failure_domains() -> None:
    cluster = ordered(controlPlane__hosts=["r1-u01", "r1-u02", "r3-u01"])
    assert PROVIDER.infrastructure_cluster(cluster).body["spec"]["failureDomains"] == [
        {"name": "rack-1", "controlPlane": True},
        {"name": "rack-2", "controlPlane": False},
        {"name": "rack-3", "controlPlane": True},
    ]


def test_a_group_finds_exactly_the_servers_that_its_order_lists() -> None:
    cluster = of()
    groups = (control_plane_group(cluster), *pool_groups(cluster))
    hosts = [each for each in PROVIDER.pools(cluster, groups) if each.kind == "BareMetalHost"]
    for group in groups:
        template = PROVIDER.machine_templates(cluster, group)[-1]
        wanted = template.body["spec"]["template"]["spec"]["hostSelector"]["matchLabels"].items()
        found = {host.name for host in hosts if wanted <= host.labels.items()}
        assert found == {f"baremetal-site-1-{name}" for name in group.hosts}


def test_ordered_servers_lie_where_machines_look_and_name_their_credentials() -> None:
    cluster = of()
    hosts = PROVIDER.pools(cluster, (control_plane_group(cluster),))[1:]
    host = hosts[0]
    assert (host.namespace, host.name) == ("baremetal-site-1-customer-a-2", "baremetal-site-1-r1-u01")
    assert host.body["spec"]["bmc"]["credentialsName"] == "baremetal-site-1-r1-u01-bmc"
    assert host.annotations == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    assert host.labels["infrastructure.cluster.x-k8s.io/failure-domain"] == "rack-1"
    assert "cluster.x-k8s.io/cluster-name" not in host.labels
    assert not {"image", "userData", "consumerRef"} & host.body["spec"].keys()


def test_a_rollout_without_a_spare_server_reuses_the_one_it_empties() -> None:
    spare = ordered(controlPlane__hosts=["r1-u01", "r2-u01", "r3-u01", "r1-u02"], controlPlane__maxSurge=1)
    reuse = [
        PROVIDER.machine_templates(cluster, control_plane_group(cluster))[-1].body["spec"]["nodeReuse"]
        for cluster in (of(), spare)
    ]
    assert reuse == [True, False]


def test_a_zone_takes_as_many_machines_as_it_has_servers() -> None:
    cluster = ordered(
        pools={"md-0": {"class": "worker", "hosts": ["r1-u07", "r1-u08", "r2-u07"], "zones": ["rack-1", "rack-2"]}}
    )
    assert PROVIDER.zone_rooms(cluster, pool_groups(cluster)[0]) == (2, 1)


def test_keepalived_holds_the_address_on_the_interface_that_has_it() -> None:
    endpoint = PROVIDER.endpoint(of())
    [file] = endpoint.files
    assert "interface bond0.202\n" in file.content
    assert "virtual_router_id 21\n" in file.content
    assert "    10.2.0.10\n" in file.content
    assert endpoint.commands == ("systemctl enable --now keepalived",)


def test_kube_vip_announces_by_arp_on_the_segment_and_by_bgp_beyond_it() -> None:
    inside = ordered(controlPlane__vip="kube-vip")
    outside = ordered(controlPlane__vip="kube-vip", controlPlane__endpoint="10.9.0.1")
    assert environment(inside)["vip_arp"] == "true"
    announced = environment(outside)
    assert (announced["vip_arp"], announced["bgp_enable"], announced["vip_interface"]) == ("false", "true", "lo")
    assert (announced["bgp_as"], announced["bgp_peers"]) == ("65202", "10.2.0.251:65020::false")


def test_nodes_carry_the_label_by_which_metal3_finds_them() -> None:
    assert PROVIDER.node(of()).node_labels == {"metal3.io/uuid": "{{ ds.meta_data.uuid }}"}


@pytest.mark.parametrize(("configuration", "has_data"), [("networkData", True), ("netplan", False)])
def test_the_network_is_told_in_one_way_only(configuration: str, *, has_data: bool) -> None:
    cluster = ordered(nodes__configuration=configuration)
    data, _ = PROVIDER.machine_templates(cluster, control_plane_group(cluster))
    assert ("networkData" in data.body["spec"]) is has_data
    assert ("ipAddressesFromIPPool" in data.body["spec"]["metaData"]) is not has_data
    assert ("netplan apply" in PROVIDER.node(cluster).commands) is not has_data


def test_a_node_gets_the_time_that_a_server_needs() -> None:
    assert PROVIDER.node_startup_seconds == 3600


def test_servers_take_addresses_from_metal3s_own_pools() -> None:
    assert objections(ordered(nodes__ipam="infoblox")) == [("nodes.ipam", "infoblox is for virtual machines")]

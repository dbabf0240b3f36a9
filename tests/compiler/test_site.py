from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from schiff.compiler.file_tree import FileTree
from schiff.compiler.site import free_hosts, site_objects
from tests.compiler.compiling import PARTS, as_text, listed, of_kind
from tests.makers import (
    MANAGEMENT_CLUSTER,
    METAL3_ORDER,
    Documents,
    a_fleet,
    a_resolved_management_cluster,
    changed,
    fleet_documents,
)


def compiled(site: str, documents: Documents | None = None) -> FileTree:
    fleet = a_fleet(documents)
    return site_objects(fleet.sites[site], a_resolved_management_cluster(documents), fleet, PARTS)


@pytest.mark.parametrize("site", ["vsphere-site-1", "baremetal-site-1"])
def test_whole_folder_of_a_site(site: str, assert_golden: Callable[[str, str], None]) -> None:
    assert_golden(f"definitions/_site-{site}.yaml", as_text(compiled(site)))


def test_failure_domains_name_no_networks_because_they_would_replace_every_tenants_own() -> None:
    domains = of_kind(compiled("vsphere-site-1"), "VSphereFailureDomain")
    assert domains
    assert all("networks" not in domain["spec"]["topology"] for domain in domains)


def test_a_server_is_free_until_an_order_lists_it() -> None:
    fleet = a_fleet()
    free = free_hosts(fleet.sites["baremetal-site-1"], fleet)
    assert "r2-u08" in free
    assert not {"r1-u01", "r2-u01", "r3-u01", "r1-u07", "r2-u07"} & set(free)
    taken = changed(METAL3_ORDER, "pools.md-0.hosts", ["r1-u07", "r2-u07", "r2-u08"])
    assert "baremetal-site-1-r2-u08" not in _servers(compiled("baremetal-site-1", taken))
    assert "baremetal-site-1-r2-u08" in _servers(compiled("baremetal-site-1"))


def test_servers_that_a_management_cluster_stands_on_are_not_free() -> None:
    documents = changed(MANAGEMENT_CLUSTER, "site", "baremetal-site-1")
    documents = changed(MANAGEMENT_CLUSTER, "cluster.controlPlane.hosts", ["r1-u02"], documents)
    fleet = a_fleet(documents)
    assert "r1-u02" not in free_hosts(fleet.sites["baremetal-site-1"], fleet)


def two_management_clusters() -> Documents:
    management = fleet_documents()[MANAGEMENT_CLUSTER]
    other = {**management, "environments": ["prd"], "cluster": {**management["cluster"]}}
    other["cluster"]["controlPlane"] = {"endpoint": "10.1.9.11"}
    return {**fleet_documents(), "management-clusters/schiff-mgmt-y.yaml": other}


def test_free_servers_lie_on_one_management_cluster_alone() -> None:
    documents = two_management_clusters()
    fleet = a_fleet(documents)
    first = a_resolved_management_cluster(documents)
    second = replace(first, management=fleet.management_clusters["schiff-mgmt-y"])
    site = fleet.sites["baremetal-site-1"]
    assert _servers(site_objects(site, first, fleet, PARTS))
    assert not _servers(site_objects(site, second, fleet, PARTS))


def test_a_document_for_a_tenant_lies_where_that_tenant_is_kept() -> None:
    documents = two_management_clusters()
    fleet = a_fleet(documents)
    first = a_resolved_management_cluster(documents)
    second = replace(first, management=fleet.management_clusters["schiff-mgmt-y"])
    bmc = {"bmc.yaml": b"metadata: {name: bmc, namespace: baremetal-site-1-customer-a-2}\n"}
    site = replace(fleet.sites["baremetal-site-1"], secrets=bmc)
    assert "secrets/bmc.yaml" in site_objects(site, first, fleet, PARTS)
    assert "secrets/bmc.yaml" not in site_objects(site, second, fleet, PARTS)


def test_encrypted_documents_of_a_site_pass_byte_for_byte() -> None:
    fleet = a_fleet()
    site = replace(fleet.sites["vsphere-site-1"], secrets={"credentials.yaml": b"sops: {}\n"})
    tree = site_objects(site, a_resolved_management_cluster(), fleet, PARTS)
    assert tree["secrets/credentials.yaml"] == b"sops: {}\n"
    assert "secrets/credentials.yaml" in listed(tree)


def _servers(tree: FileTree) -> set[str]:
    return {each["metadata"]["name"] for each in of_kind(tree, "BareMetalHost")}

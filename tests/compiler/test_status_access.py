"""Who may read how a cluster is: as little as reading needs, on both sides, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from schiff.compiler.components import locations
from schiff.compiler.flux_lists import flux_folder_tree
from schiff.compiler.status_access import STATUS_TOKEN, status_secret
from schiff.compiler.tenant_cluster import definitions
from schiff.model.tenant_cluster import Removal
from tests.compiler.compiling import PARTS, objects, of_kind
from tests.makers import MANAGEMENT_CLUSTER, a_fleet, a_resolved_cluster, a_resolved_management_cluster, changed

FLUX = {
    ("helm.toolkit.fluxcd.io", "helmreleases"),
    ("kustomize.toolkit.fluxcd.io", "kustomizations"),
    ("source.toolkit.fluxcd.io", "helmcharts"),
    *(("source.toolkit.fluxcd.io", f"{kind}repositories") for kind in ("git", "helm", "oci")),
}
CLUSTER_API = {
    *(("cluster.x-k8s.io", kind) for kind in ("clusters", "machinedeployments", "machinesets", "machines")),
    ("controlplane.cluster.x-k8s.io", "kubeadmcontrolplanes"),
}


def granted(items: list[dict[str, Any]], kind: str) -> set[tuple[str, str]]:
    """Return group and resource of everything that the one role of a kind grants."""
    [role] = [item for item in items if item["kind"] == kind]
    return {(group, one) for rule in role["rules"] for group in rule["apiGroups"] for one in rule["resources"]}


def in_tenant() -> list[dict[str, Any]]:
    return objects(locations(a_resolved_cluster(), PARTS))


def on_management_cluster(documents: Any = None) -> list[dict[str, Any]]:
    fleet = a_fleet(documents)
    tree = flux_folder_tree(a_resolved_management_cluster(documents), "tst", (), fleet, PARTS, owned=True)
    return objects(tree, "access.yaml")


def test_in_a_tenant_flux_nodes_and_the_delivered_release_can_be_read() -> None:
    assert granted(in_tenant(), "ClusterRole") == FLUX | {("", "nodes")}
    [role] = [item for item in in_tenant() if item["kind"] == "Role"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["schiff-release"], "verbs": ["get"]}
    ]


def test_on_a_management_cluster_cluster_api_can_be_read_too() -> None:
    machines = {("infrastructure.cluster.x-k8s.io", f"{kind}machines") for kind in ("metal3", "vsphere")}
    assert granted(on_management_cluster(), "ClusterRole") == FLUX | CLUSTER_API | machines | {("", "nodes")}


def test_only_infrastructures_that_a_management_cluster_serves_can_be_read_there() -> None:
    one_site = changed(MANAGEMENT_CLUSTER, "sites", ["vsphere-site-1"])
    del one_site["sites/baremetal-site-1/customer-a/customer-a-2.yaml"]
    kinds = granted(on_management_cluster(one_site), "ClusterRole")
    assert ("infrastructure.cluster.x-k8s.io", "vspheremachines") in kinds
    assert ("infrastructure.cluster.x-k8s.io", "metal3machines") not in kinds


def test_nothing_can_be_changed_anywhere() -> None:
    tenant = objects(definitions(a_resolved_cluster(), PARTS))
    every = [*in_tenant(), *on_management_cluster(), *tenant]
    verbs = [verb for item in every for rule in item.get("rules", ()) for verb in rule["verbs"]]
    assert len(verbs) > 20
    assert set(verbs) == {"get", "list"}


def test_of_all_secrets_on_the_management_cluster_one_for_each_tenant_can_be_read() -> None:
    tree = definitions(a_resolved_cluster(), PARTS)
    [role], [binding] = of_kind(tree, "Role"), of_kind(tree, "RoleBinding")
    assert role["metadata"]["namespace"] == "vsphere-site-1-customer-a-1"
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["customer-a-1-status"], "verbs": ["get"]}
    ]
    assert status_secret("customer-a-1") == "customer-a-1-status"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "schiff-status", "namespace": "schiff-system"}]
    assert not {pair for pair in granted(on_management_cluster(), "ClusterRole") if pair[1] == "secrets"}


def test_a_tenant_fills_the_token_by_itself() -> None:
    [token] = [item for item in in_tenant() if item["kind"] == "Secret"]
    assert token["metadata"]["name"] == STATUS_TOKEN
    assert not {"data", "stringData"} & token.keys()


def test_a_management_cluster_has_its_account_from_its_list_alone() -> None:
    own = locations(a_resolved_management_cluster(), PARTS)
    assert not [path for path in own if "schiff-status" in path]
    assert [item["kind"] for item in on_management_cluster()] == [
        "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    ]  # fmt: skip


def test_an_environment_that_owns_nothing_says_nothing_about_access() -> None:
    tree = flux_folder_tree(a_resolved_management_cluster(), "ref", (), a_fleet(), PARTS, owned=False)
    assert "access.yaml" not in tree


@pytest.mark.parametrize(("removal", "there"), [("a", True), ("b", True), ("c", True), ("d", False), ("e", False)])
def test_a_leaving_cluster_can_be_read_until_everything_of_it_goes(removal: Removal, there: bool) -> None:
    tree = definitions(a_resolved_cluster(removal=removal), PARTS)
    assert ("Role.yml" in tree) is there

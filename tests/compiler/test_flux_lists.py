from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from schiff.compiler.file_tree import FileTree
from schiff.compiler.flux_lists import flux_folder_tree
from schiff.model.resolved import ResolvedCluster
from tests.compiler.compiling import PARTS, as_text
from tests.makers import a_fleet, a_resolved_cluster, a_resolved_management_cluster


def tree_of(*tenants: ResolvedCluster, owned: bool = False) -> FileTree:
    return flux_folder_tree(a_resolved_management_cluster(), "tst", tenants, a_fleet(), PARTS, owned=owned)


def objects(tree: FileTree, path: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item["spec"] for item in yaml.safe_load_all(tree[path])}


def listed(tree: FileTree) -> list[str]:
    resources: list[str] = yaml.safe_load(tree["kustomization.yaml"])["resources"]
    return resources


def test_the_list_of_an_owning_environment(assert_golden: Callable[[str, str], None]) -> None:
    tree = tree_of(a_resolved_cluster("vsphere"), a_resolved_cluster("metal3"), owned=True)
    assert_golden("components/flux-list.yaml", as_text(tree, without="#"))


def test_each_tenant_has_one_file_whose_lost_list_removes_nothing() -> None:
    tree = tree_of(a_resolved_cluster("vsphere"))
    assert listed(tree) == ["vsphere-site-1-customer-a-1.yaml"]
    spec = objects(tree, "vsphere-site-1-customer-a-1.yaml")["vsphere-site-1-customer-a-1"]
    assert spec["path"] == "./schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1"
    assert (spec["prune"], spec["deletionPolicy"]) == (True, "Orphan")


def test_an_environment_without_tenants_still_lists_that_it_has_none() -> None:
    assert listed(tree_of()) == []


def test_only_the_owner_lists_what_environments_share() -> None:
    assert listed(tree_of()) == []
    shared = objects(tree_of(owned=True), "shared.yaml")
    assert list(shared) == ["self-definitions", "flux.tst", "flux.ref", "site.baremetal-site-1", "site.vsphere-site-1"]
    assert list(objects(tree_of(owned=True), "sources.yaml")) == ["cluster-definitions", "cluster-components"]


def test_a_management_cluster_is_never_pruned_by_its_own_flux() -> None:
    shared = objects(tree_of(owned=True), "shared.yaml")
    assert shared["self-definitions"]["prune"] is False
    assert {spec["deletionPolicy"] for spec in shared.values()} == {"Orphan"}


def test_sites_wait_for_the_namespaces_that_self_definitions_makes() -> None:
    shared = objects(tree_of(owned=True), "shared.yaml")
    waiting = {name: spec.get("dependsOn") for name, spec in shared.items()}
    after = [{"name": "self-definitions"}]
    assert {name for name, depends in waiting.items() if depends} == {"site.baremetal-site-1", "site.vsphere-site-1"}
    assert waiting["site.vsphere-site-1"] == waiting["site.baremetal-site-1"] == after


@pytest.mark.parametrize(("removal", "stays"), [("a", True), ("b", True), ("c", True), ("d", True), ("e", False)])
def test_a_leaving_cluster_is_listed_until_its_folder_is_gone(removal: Any, stays: bool) -> None:
    tree = tree_of(a_resolved_cluster(removal=removal))
    assert ("vsphere-site-1-customer-a-1.yaml" in tree) is stays


def test_adding_a_cluster_changes_its_own_file_and_the_list_alone() -> None:
    one, both = (
        tree_of(a_resolved_cluster("vsphere")),
        tree_of(a_resolved_cluster("vsphere"), a_resolved_cluster("metal3")),
    )
    new = "baremetal-site-1-customer-a-2.yaml"
    assert {path for path in both if both[path] != one.get(path)} == {new, "kustomization.yaml"}


def test_the_order_of_the_tenants_changes_no_byte() -> None:
    virtual, metal = a_resolved_cluster("vsphere"), a_resolved_cluster("metal3")
    assert tree_of(virtual, metal) == tree_of(metal, virtual)


def test_sources_name_credentials_that_the_management_cluster_holds() -> None:
    document = b"metadata: {name: git-https, namespace: schiff-system}\n"
    management = replace(a_resolved_management_cluster(), secrets={"git.yaml": document})
    tree = flux_folder_tree(management, "tst", (), a_fleet(), PARTS, owned=True)
    assert {spec["secretRef"]["name"] for spec in objects(tree, "sources.yaml").values()} == {"git-https"}

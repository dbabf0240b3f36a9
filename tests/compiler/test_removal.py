from __future__ import annotations

import pytest

from schiff.compiler.file_tree import FileTree, difference
from schiff.compiler.tenant_cluster import definitions
from schiff.model.tenant_cluster import Removal
from tests.compiler.compiling import PARTS, listed, objects
from tests.makers import a_resolved_cluster

PRUNE = "kustomize.toolkit.fluxcd.io/prune"


def in_state(removal: Removal | None) -> FileTree:
    return definitions(a_resolved_cluster(removal=removal), PARTS)


def released(tree: FileTree) -> set[str]:
    """Return the kinds that Flux may prune."""
    manifests = [each for each in objects(tree) if "metadata" in each]
    return {each["kind"] for each in manifests if each["metadata"].get("annotations", {}).get(PRUNE) == "enabled"}


def kinds(tree: FileTree) -> set[str]:
    return {each["kind"] for each in objects(tree) if "metadata" in each}


def test_first_the_bootstrap_goes_and_the_cluster_may_be_pruned() -> None:
    tree = in_state("a")
    assert not [path for path in [*tree, *listed(tree)] if path.startswith("kustomizations/")]
    assert released(tree) == {"Cluster"}
    assert difference(in_state(None), tree).changed == ("Cluster.yml", "kustomization.yaml")


def test_then_the_cluster_alone_goes() -> None:
    before, tree = in_state("a"), in_state("b")
    assert kinds(before) - kinds(tree) == {"Cluster"}
    assert released(tree) == set()
    assert difference(before, tree).changed == ("Cluster.yml",)


def test_then_all_the_rest_may_be_pruned() -> None:
    tree = in_state("c")
    assert kinds(tree) == kinds(in_state("b"))
    assert released(tree) == kinds(tree)


def test_then_the_list_is_empty_but_there() -> None:
    tree = in_state("d")
    assert list(tree) == ["kustomization.yaml"]
    assert listed(tree) == []


def test_last_the_folder_is_gone() -> None:
    assert not in_state("e")


@pytest.mark.parametrize("removal", ["a", "b", "c"])
def test_infrastructure_and_namespace_stay_while_machines_are_removed(removal: Removal) -> None:
    assert {"Namespace", "VSphereCluster", "InClusterIPPool", "VSphereMachineTemplate"} <= kinds(in_state(removal))

from __future__ import annotations

import yaml

from schiff.compiler.components import locations
from schiff.components.cluster_api_operator import COMPONENT
from schiff.components.protocol import BASE
from schiff.sources.plugins import load_parts
from tests.compiler.compiling import listed, of_kind
from tests.components.example_clusters import offering_all
from tests.components.offered import compiled
from tests.makers import a_resolved_cluster, a_resolved_management_cluster

PARTS = load_parts()


def test_management_clusters_alone_run_it() -> None:
    assert COMPONENT.applies_to(a_resolved_management_cluster())
    assert not COMPONENT.applies_to(a_resolved_cluster("vsphere"))
    assert not COMPONENT.applies_to(a_resolved_cluster("metal3"))


def test_a_management_cluster_pulls_it_and_what_brings_intents_by_itself_from_its_own_registry() -> None:
    tree = locations(a_resolved_management_cluster(offering_all()), PARTS)
    pulled = {item["metadata"]["name"]: item["spec"] for item in of_kind(tree, "Kustomization") if "spec" in item}
    for name in ("cluster-api-operator", "network-sync"):
        assert pulled[name]["path"] == f"./components/{name}/v1.0.0/base"
        assert {image["newName"].partition("/")[0] for image in pulled[name]["images"]} == {"registry.schiff.example"}
        assert f"kustomizations/{name}_schiff-system.yaml" in listed(tree)
    made = {item["metadata"]["name"] for item in of_kind(tree, "Namespace")}
    assert {"capi-operator-system", "network-sync-system"} <= made


def test_definitions_stay_when_the_component_goes_because_all_of_their_objects_would_go_with_them() -> None:
    for name, version in (
        ("cluster-api-operator", "v0.29.0"),
        ("network-operator", "v0.5.3"),
        ("network-sync", "v0.5.3"),
    ):
        [patch] = yaml.safe_load(compiled(name, version)[f"{BASE}/kustomization.yaml"])["patches"]
        assert patch["target"] == {"kind": "CustomResourceDefinition"}
        assert "kustomize.toolkit.fluxcd.io/prune: disabled" in patch["patch"]

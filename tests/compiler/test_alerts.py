"""Who is told when Flux on a management cluster fails: what the facts name, about what each environment owns."""

from __future__ import annotations

from typing import Any

from schiff.compiler.flux_lists import flux_folder_tree
from schiff.model.resolved import ResolvedCluster
from tests.compiler.compiling import PARTS, listed, objects
from tests.makers import MANAGEMENT_CLUSTER, a_fleet, a_resolved_cluster, a_resolved_management_cluster, changed

FACTS = {"type": "generic", "address": "https://alerts.schiff.example/flux"}
OF_TENANT = {"kind": "Kustomization", "name": "*", "namespace": "vsphere-site-1-customer-a-1"}
OF_FLUX = [{"kind": kind, "name": "*", "namespace": "schiff-system"} for kind in ("GitRepository", "Kustomization")]


def emitted(
    *tenants: ResolvedCluster, environment: str = "tst", owned: bool = False, facts: dict[str, str] | None = FACTS
) -> dict[str, dict[str, Any]]:
    """Return what a list holds for alerts, by kind."""
    documents = changed(MANAGEMENT_CLUSTER, "facts.alerts", facts) if facts else None
    management = a_resolved_management_cluster(documents)
    tree = flux_folder_tree(management, environment, tenants, a_fleet(documents), PARTS, owned=owned)
    assert ("alerts.yaml" in tree) == ("alerts.yaml" in listed(tree))
    return {item["kind"]: item for item in objects(tree, "alerts.yaml")} if "alerts.yaml" in tree else {}


def sources(found: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    listed_sources: list[dict[str, str]] = found["Alert"]["spec"]["eventSources"]
    return listed_sources


def test_without_facts_nobody_is_told() -> None:
    assert emitted(a_resolved_cluster(), owned=True, facts=None) == {}


def test_each_environment_has_a_provider_and_an_alert_of_its_own() -> None:
    for environment in ("tst", "ref"):
        found = emitted(a_resolved_cluster(), environment=environment)
        assert {item["metadata"]["name"] for item in found.values()} == {f"alerts.{environment}"}
        assert {item["metadata"]["namespace"] for item in found.values()} == {"schiff-system"}
        assert found["Provider"]["spec"] == FACTS
        assert found["Alert"]["spec"]["providerRef"] == {"name": f"alerts.{environment}"}


def test_the_owner_tells_of_what_environments_share_and_nobody_else_does() -> None:
    assert sources(emitted(a_resolved_cluster(), owned=True)) == [*OF_FLUX, OF_TENANT]
    assert sources(emitted(a_resolved_cluster())) == [OF_TENANT]


def test_a_list_in_which_nothing_can_fail_has_no_alert() -> None:
    assert emitted() == {}
    assert emitted(a_resolved_cluster(removal="e")) == {}


def test_the_order_of_the_tenants_changes_no_source() -> None:
    virtual, metal = a_resolved_cluster("vsphere"), a_resolved_cluster("metal3")
    assert sources(emitted(virtual, metal)) == sources(emitted(metal, virtual))


def test_a_message_says_which_management_cluster_and_environment_it_is_about() -> None:
    metadata = emitted(a_resolved_cluster())["Alert"]["spec"]["eventMetadata"]
    assert metadata == {"environment": "tst", "managementCluster": "schiff-mgmt-x"}

from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.components.kyverno import COMPONENT
from schiff.components.kyverno_settings import KyvernoSettings
from schiff.components.kyverno_standards import BASELINE, RESTRICTED
from schiff.components.platform_namespaces import platform_namespaces
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from tests.makers import a_resolved_cluster, a_resolved_management_cluster

OWN: dict[str, Any] = {
    "resources": [{"kind": "Deployment", "resource": "deployments", "group": "apps"}],
    "require": [{"expression": "object.spec.replicas > 1", "message": "run two"}],
}
FAMILIES = ("ClusterPolicy", "ValidatingPolicy")


def settings(**values: Any) -> KyvernoSettings:
    return KyvernoSettings.model_validate(values)


def policies(cluster: ResolvedCluster | None = None, **values: Any) -> dict[str, Manifest]:
    return {item.name: item for item in COMPONENT.objects(cluster or a_resolved_cluster(), settings(**values))}


def values(cluster: ResolvedCluster | None = None, **said: Any) -> dict[str, Any]:
    (found,) = COMPONENT.inputs(cluster or a_resolved_cluster(), settings(**said))
    read: dict[str, Any] = yaml.safe_load(found.body["data"]["values.yaml"])
    return read


def selector(item: Manifest) -> dict[str, list[str]]:
    """Return the values of each key that namespaces must not have."""
    spec = item.body["spec"]
    if item.kind == "ValidatingPolicy":
        expressions = spec["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    else:
        expressions = spec["rules"][0]["match"]["any"][0]["resources"]["namespaceSelector"]["matchExpressions"]
    return {each["key"]: each["values"] for each in expressions if each["operator"] == "NotIn"}


def test_every_control_of_both_standards_is_a_policy_of_its_name() -> None:
    assert set(policies()) == {control.name for control in (*BASELINE, *RESTRICTED)}
    assert len(BASELINE) == 11
    assert len(RESTRICTED) == 6


def test_the_older_family_has_a_word_for_a_whole_standard() -> None:
    found = policies(family="ClusterPolicy")
    assert sorted(found) == ["schiff-podsecurity-baseline", "schiff-podsecurity-restricted"]
    (rule,) = found["schiff-podsecurity-baseline"].body["spec"]["rules"]
    assert rule["validate"] == {"failureAction": "Audit", "podSecurity": {"level": "baseline", "version": "latest"}}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("action", ["Audit", "Enforce"])
def test_neither_family_writes_what_upstream_dropped(family: str, action: str) -> None:
    text = to_yaml(policies(family=family, action=action, policies={"two": OWN}).values())
    for gone in ("validationFailureAction", "webhookTimeoutSeconds", "v1alpha1"):
        assert gone not in text


@pytest.mark.parametrize("family", FAMILIES)
def test_platform_namespaces_are_exempt_by_label_and_those_that_come_first_by_name(family: str) -> None:
    for item in policies(family=family, exempt=["runners"], policies={"two": OWN}).values():
        found = selector(item)
        assert found["schiff.example/owner"] == ["platform"]
        assert found["kubernetes.io/metadata.name"] == sorted(
            {*platform_namespaces(a_resolved_cluster()), "kyverno", "runners"}
        )


def test_the_webhook_is_not_asked_about_the_platforms_namespaces_either() -> None:
    expressions = values()["config"]["webhooks"]["namespaceSelector"]["matchExpressions"]
    assert {"calico-system", "kube-system", "kyverno", "schiff-system"} <= set(expressions[0]["values"])
    assert expressions[1] == {"key": "schiff.example/owner", "operator": "NotIn", "values": ["platform"]}


def test_a_management_cluster_spares_cluster_api_too() -> None:
    item = policies(a_resolved_management_cluster())["disallow-privileged-containers"]
    assert {"capi-system", "capv-system", "kube-system"} <= set(selector(item)["kubernetes.io/metadata.name"])


def test_policies_audit_until_somebody_says_enforce() -> None:
    assert {item.body["spec"]["validationActions"][0] for item in policies().values()} == {"Audit"}
    enforced = policies(action="Enforce", restricted={"enabled": True})
    assert enforced["disallow-host-path"].body["spec"]["validationActions"] == ["Deny"]
    assert enforced["require-run-as-nonroot"].body["spec"]["validationActions"] == ["Audit"]


def test_each_standard_and_each_policy_may_go_its_own_way() -> None:
    found = policies(action="Enforce", baseline={"action": "Audit"}, policies={"two": OWN})
    assert found["disallow-host-path"].body["spec"]["validationActions"] == ["Audit"]
    assert found["two"].body["spec"]["validationActions"] == ["Deny"]
    assert set(policies(baseline={"enabled": False}, restricted={"enabled": False})) == set()


def test_a_policy_of_ones_own_is_the_same_in_both_families() -> None:
    new, old = policies(policies={"two": OWN})["two"], policies(family="ClusterPolicy", policies={"two": OWN})["two"]
    expected = [{"expression": "object.spec.replicas > 1", "message": "run two"}]
    assert new.body["spec"]["validations"] == expected
    assert new.body["spec"]["matchConstraints"]["resourceRules"] == [
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}
    ]
    (rule,) = old.body["spec"]["rules"]
    assert rule["validate"]["cel"]["expressions"] == expected
    assert rule["match"]["any"][0]["resources"]["kinds"] == ["apps/v1/Deployment"]


def test_a_policy_may_hold_in_some_namespaces_alone() -> None:
    item = policies(policies={"two": {**OWN, "namespaces": ["shop", "bank"]}})["two"]
    expressions = item.body["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"]
    assert expressions[0] == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["bank", "shop"]}


def test_what_is_in_no_namespace_is_not_chosen_by_one() -> None:
    nodes = {**OWN, "resources": [{"kind": "Node", "resource": "nodes", "clusterWide": True}]}
    (rule,) = policies(family="ClusterPolicy", policies={"nodes": nodes})["nodes"].body["spec"]["rules"]
    assert "namespaceSelector" not in rule["match"]["any"][0]["resources"]


def test_while_kyverno_is_down_everything_goes_on_unless_it_is_said_otherwise() -> None:
    assert values()["features"]["forceFailurePolicyIgnore"] == {"enabled": True}
    assert policies()["disallow-host-path"].body["spec"]["failurePolicy"] == "Ignore"
    assert values(failurePolicy="Fail")["features"]["forceFailurePolicyIgnore"] == {"enabled": False}
    assert policies(failurePolicy="Fail")["disallow-host-path"].body["spec"]["failurePolicy"] == "Fail"


def test_images_come_from_the_clusters_registry() -> None:
    assert values()["global"]["image"] == {"registry": a_resolved_cluster().spec.registry}


@pytest.mark.parametrize("own", [{**OWN, "resources": []}, {**OWN, "require": []}])
def test_a_policy_that_says_nothing_is_refused(own: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        settings(policies={"two": own})


def test_a_policy_looks_at_objects_of_namespaces_or_at_others() -> None:
    both = [*OWN["resources"], {"kind": "Node", "resource": "nodes", "clusterWide": True}]
    with pytest.raises(ValueError, match="a policy for each"):
        settings(policies={"two": {**OWN, "resources": both}})

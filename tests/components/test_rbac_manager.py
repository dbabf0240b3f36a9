from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from schiff.components.rbac_manager import COMPONENT, ROLES
from schiff.components.rbac_manager_bindings import Binding, rbac_definition
from schiff.components.rbac_manager_settings import RbacManagerSettings
from schiff.model.resolved import ResolvedCluster
from tests.makers import a_resolved_cluster, a_resolved_management_cluster

FOLDER = Path("stacks/fleet/components/rbac-manager/v1.10.0")


def settings(**values: Any) -> RbacManagerSettings:
    return RbacManagerSettings.model_validate(values)


def definitions(cluster: ResolvedCluster | None = None, **values: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the bindings of each definition by name."""
    made = COMPONENT.objects(cluster or a_resolved_cluster(), settings(**values))
    return {item.name: {each["name"]: each for each in item.body["rbacBindings"]} for item in made}


def everywhere(binding: dict[str, Any]) -> list[str]:
    return [each["clusterRole"] for each in binding.get("clusterRoleBindings", ())]


def roles() -> dict[str, list[dict[str, Any]]]:
    found = yaml.safe_load_all((FOLDER / "roles.yaml").read_text(encoding="utf-8"))
    return {role["metadata"]["name"]: role["rules"] for role in found}


def test_bindings_are_a_top_level_field() -> None:
    item = rbac_definition("x", [Binding("b", ["g"], ["view"])], {})
    assert item.as_dict() == {
        "apiVersion": "rbacmanager.reactiveops.io/v1beta1",
        "kind": "RBACDefinition",
        "metadata": {"name": "x"},
        "rbacBindings": [
            {
                "name": "b",
                "subjects": [{"kind": "Group", "name": "g"}],
                "clusterRoleBindings": [{"clusterRole": "view"}],
            }
        ],
    }


def test_everything_is_for_emergencies_alone() -> None:
    found = definitions()
    with_all = {
        (name, binding)
        for name, bindings in found.items()
        for binding, said in bindings.items()
        if "cluster-admin" in everywhere(said)
    }
    assert with_all == {("schiff-administrators", "emergency")}
    assert found["schiff-administrators"]["emergency"]["subjects"] == [{"kind": "Group", "name": "schiff-emergency"}]


def test_administrators_steer_flux_and_on_management_clusters_cluster_api() -> None:
    tenant, manager = definitions(), definitions(a_resolved_management_cluster())
    looking = ["readonly-base", "readonly-plus"]
    assert everywhere(tenant["schiff-administrators"]["admin"]) == [*looking, "flux-plus"]
    assert everywhere(manager["schiff-administrators"]["admin"]) == [*looking, "flux-plus", "cluster-api-plus"]
    assert everywhere(tenant["schiff-administrators"]["machines"]) == looking


def test_a_customers_groups_are_called_after_it() -> None:
    bindings = definitions()["schiff-customer"]
    groups = {name: [each["name"] for each in said["subjects"]] for name, said in bindings.items()}
    assert groups == {
        f"customer-a-{kind}": [f"customer-a-{kind}"] for kind in ("collaborator", "poweruser", "readonly")
    }
    assert "roleBindings" not in bindings["customer-a-readonly"]


def test_no_customer_has_rights_on_a_management_cluster() -> None:
    assert set(definitions(a_resolved_management_cluster())) == {"schiff-administrators"}
    assert COMPONENT.inputs(a_resolved_management_cluster(), settings()) == ()


def test_customers_change_things_in_namespaces_that_are_not_the_platforms() -> None:
    (bound,) = definitions()["schiff-customer"]["customer-a-poweruser"]["roleBindings"]
    assert bound["clusterRole"] == "poweruser-plus"
    expressions = {each["key"]: each for each in bound["namespaceSelector"]["matchExpressions"]}
    owner, name = expressions["schiff.example/owner"], expressions["kubernetes.io/metadata.name"]
    assert (owner["operator"], owner["values"]) == ("NotIn", ["platform"])
    assert name["operator"] == "NotIn"
    assert {"kube-system", "calico-system", "schiff-system", "tigera-operator"} <= set(name["values"])


def test_bindings_of_ones_own_are_a_definition_of_their_own() -> None:
    shop = {"groups": "shop", "everywhere": "view", "inNamespaces": "edit", "namespaces": ["shop", "bank"]}
    binding = definitions(bindings={"shop": shop})["schiff-bindings"]["shop"]
    assert everywhere(binding) == ["view"]
    assert binding["roleBindings"] == [
        {"clusterRole": "edit", "namespace": "shop"},
        {"clusterRole": "edit", "namespace": "bank"},
    ]


def test_nobody_but_administrators_calls_a_namespace_the_platforms() -> None:
    policy, binding = COMPONENT.inputs(
        a_resolved_cluster(), settings(bindings={"x": {"groups": "y", "everywhere": "view"}})
    )
    (condition,) = policy.body["spec"]["matchConditions"]
    for group in ("customer-a-collaborator", "customer-a-poweruser", "customer-a-readonly", "y"):
        assert repr(group) in condition["expression"]
    assert "schiff-emergency" not in condition["expression"]
    assert binding.body["spec"] == {"policyName": policy.name, "validationActions": ["Deny"]}


def test_every_role_that_is_bound_is_in_the_folder() -> None:
    assert set(roles()) == set(ROLES)
    bound = {
        role
        for cluster in (a_resolved_cluster(), a_resolved_management_cluster())
        for bindings in definitions(cluster).values()
        for said in bindings.values()
        for role in [*everywhere(said), *(each["clusterRole"] for each in said.get("roleBindings", ()))]
    }
    assert bound - {"cluster-admin"} == set(ROLES)


def test_no_role_has_a_wildcard_and_secrets_are_in_one_alone() -> None:
    found = roles()
    for rules in found.values():
        assert not any("*" in rule[part] for rule in rules for part in ("apiGroups", "resources", "verbs"))
    with_secrets = [name for name, rules in found.items() if any("secrets" in rule["resources"] for rule in rules)]
    assert with_secrets == ["poweruser-plus"]


def test_roles_that_read_change_nothing() -> None:
    for name in ("readonly-base", "readonly-plus"):
        assert {verb for rule in roles()[name] for verb in rule["verbs"]} <= {"get", "list", "watch"}


def test_the_account_of_status_has_one_owner_and_it_is_not_this() -> None:
    text = (FOLDER / "rbac-manager.yaml").read_text(encoding="utf-8")
    written = [
        *COMPONENT.objects(a_resolved_cluster(), settings()),
        *COMPONENT.inputs(a_resolved_cluster(), settings()),
    ]
    assert "schiff-status" not in f"{text}{written}"

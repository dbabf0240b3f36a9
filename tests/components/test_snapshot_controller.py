"""The snapshot controller, and that a cluster moves to it from vsphere-csi v3.7.3 without losing a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from schiff.components import portworx, trident, vsphere_csi
from schiff.components.snapshot_controller import COMPONENT
from tests.components.offered import compiled, vendored

VERSION = "v8.6.0"
DEFINITION = "CustomResourceDefinition"


def documents(name: str, version: str) -> list[dict[str, Any]]:
    texts = [content for path, content in sorted(vendored(name, version).items()) if path.endswith(".yaml")]
    return [item for text in texts for item in yaml.load_all(text, Loader=yaml.CSafeLoader)]


def names(name: str, version: str) -> set[tuple[str, str, str]]:
    return {
        (item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])
        for item in documents(name, version)
    }


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [item for item in documents("snapshot-controller", VERSION) if item["kind"] == kind]


def container(items: list[dict[str, Any]]) -> Mapping[str, Any]:
    (deployment,) = [item for item in items if item["kind"] == "Deployment" and "snapshot" in item["metadata"]["name"]]
    found: Mapping[str, Any] = deployment["spec"]["template"]["spec"]["containers"][0]
    return found


def test_every_driver_comes_after_it() -> None:
    assert COMPONENT.name in vsphere_csi.COMPONENT.after
    assert COMPONENT.name in trident.COMPONENT.requires
    assert COMPONENT.name in portworx.COMPONENT.requires


def test_the_definitions_alone_change_their_owner() -> None:
    moving = names("vsphere-csi", "v3.7.3") & names("snapshot-controller", VERSION)
    assert {kind for kind, _, _ in moving} == {DEFINITION}
    assert len(moving) == 3
    assert not names("vsphere-csi", "v3.7.3-s2") & names("snapshot-controller", VERSION)


def test_the_definitions_are_the_same_bytes_under_either_owner() -> None:
    before = {path: text for path, text in vendored("vsphere-csi", "v3.7.3").items() if path.startswith("crds/")}
    after = {path: text for path, text in vendored("snapshot-controller", VERSION).items() if path.startswith("crds/")}
    assert before == after


def test_the_driver_is_the_same_bytes_with_and_without_the_controller() -> None:
    driver = "vsphere-csi-driver.yaml"
    assert vendored("vsphere-csi", "v3.7.3")[driver] == vendored("vsphere-csi", "v3.7.3-s2")[driver]
    assert list(vendored("vsphere-csi", "v3.7.3-s2")) == [driver]


def test_no_definition_is_ever_pruned() -> None:
    (patch,) = yaml.safe_load(str(compiled("snapshot-controller", VERSION)["base/kustomization.yaml"]))["patches"]
    assert patch["target"] == {"kind": DEFINITION}
    annotations = yaml.safe_load(patch["patch"])["metadata"]["annotations"]
    assert annotations == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


def test_the_policy_refuses_to_delete_every_definition_of_the_component_and_no_other() -> None:
    (policy,), (binding,) = of_kind("ValidatingAdmissionPolicy"), of_kind("ValidatingAdmissionPolicyBinding")
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["apiGroups"], rule["resources"], rule["operations"]) == (
        ["apiextensions.k8s.io"], ["customresourcedefinitions"], ["DELETE"],
    )  # fmt: skip
    (group,) = {item["spec"]["group"] for item in of_kind(DEFINITION)}
    (validation,) = policy["spec"]["validations"]
    assert validation["expression"] == f"oldObject.spec.group != '{group}'"
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}


def test_the_policy_is_in_force_before_the_component_is_ready() -> None:
    (deployment,) = of_kind("Deployment")
    assert deployment["spec"]["minReadySeconds"] >= 35


def test_of_the_old_and_the_new_controller_one_works() -> None:
    old, new = documents("vsphere-csi", "v3.7.3"), documents("snapshot-controller", VERSION)
    assert "--leader-election=true" in container(old)["args"]
    assert {"--leader-election=true", "--leader-election-namespace=kube-system"} <= set(container(new)["args"])
    homes = [item["metadata"]["namespace"] for item in (*old, *new) if "snapshot-controller" in item["metadata"]["name"]
             and item["kind"] == "Deployment"]  # fmt: skip
    assert homes == ["kube-system", "kube-system"]


def test_the_controller_may_renew_its_lease_and_no_other() -> None:
    (role,) = of_kind("Role")
    writing = [rule for rule in role["rules"] if "update" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in writing] == [["snapshot-controller-leader"]]

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from schiff.checks.immutability import immutability_problems
from schiff.components.trident import COMPONENT
from schiff.components.trident_settings import TridentSettings
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from tests.components.offered import compiled, vendored
from tests.makers import METAL3_ORDER, a_resolved_cluster, changed

NAS: dict[str, Any] = {"driver": "ontap-nas", "managementLIF": "10.4.8.10", "svm": "svm-schiff-1"}
SAN: dict[str, Any] = {"driver": "ontap-san", "managementLIF": "10.4.8.10", "svm": "svm-schiff-2"}
CLUSTER = a_resolved_cluster("metal3")


def settings(**values: Any) -> TridentSettings:
    return TridentSettings.model_validate(values)


def one(kind: str, chosen: TridentSettings) -> Manifest:
    (found,) = [item for item in COMPONENT.objects(CLUSTER, chosen) if item.kind == kind]
    return found


def backend(**values: Any) -> dict[str, Any]:
    spec: dict[str, Any] = one("TridentBackendConfig", settings(backends={"nas": values})).body["spec"]
    return spec


def test_the_operator_is_told_the_clusters_registry_and_never_to_uninstall() -> None:
    found = one("TridentOrchestrator", settings())
    assert (found.name, found.namespace) == ("trident", None)
    assert found.body["spec"] == {
        "namespace": "trident",
        "debug": False,
        "imageRegistry": "registry.schiff.example/trident",
        "silenceAutosupport": True,
    }


def test_names_on_the_array_come_from_the_cluster() -> None:
    found = one("TridentBackendConfig", settings(backends={"nas": NAS}))
    assert (found.name, found.namespace) == ("customer-a-2-nas", "trident")
    spec = found.body["spec"]
    assert (spec["version"], spec["backendName"], spec["storagePrefix"]) == (1, "customer-a-2-nas", "customer_a_2_")
    assert spec["credentials"] == {"name": "customer-a-2-nas-credentials"}


def test_a_nas_backend_exports_to_the_nodes_network() -> None:
    spec = backend(**NAS)
    assert (spec["autoExportPolicy"], spec["autoExportCIDRs"]) == (True, ["10.2.0.0/24"])
    assert not {"useCHAP", "sanType"} & spec.keys()


@pytest.mark.parametrize(
    ("said", "chap", "protocol"),
    [({}, True, "iscsi"), ({"chap": False}, False, "iscsi"), ({"sanType": "nvme"}, False, "nvme")],
)
def test_iscsi_proves_who_it_is_unless_told_otherwise(said: dict[str, Any], chap: bool, protocol: str) -> None:
    spec = backend(**SAN, **said)
    assert (spec["useCHAP"], spec["sanType"]) == (chap, protocol)
    assert not {"autoExportPolicy", "autoExportCIDRs"} & spec.keys()


def test_all_defaults_are_texts() -> None:
    spec = backend(**NAS, defaults={"encryption": True, "splitOnClone": False, "snapshotReserve": 5})
    assert spec["defaults"] == {
        "spaceReserve": "none", "snapshotReserve": "5", "encryption": "true", "splitOnClone": "false",
    }  # fmt: skip


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert backend(**{**NAS, "managementLIF": "fd00::10"})["managementLIF"] == "[fd00::10]"


@pytest.mark.parametrize(
    ("said", "parameters"),
    [
        ({"driver": "ontap-nas"}, {"backendType": "ontap-nas", "provisioningType": "thin", "snapshots": "true"}),
        (
            {"backend": "nas", "snapshots": False, "provisioning": "thick"},
            {
                "backendType": "ontap-nas",
                "provisioningType": "thick",
                "storagePools": "customer-a-2-nas:.*",
                "snapshots": "false",
            },
        ),
    ],
)
def test_a_class_is_of_a_driver_or_of_a_backend(said: dict[str, Any], parameters: dict[str, str]) -> None:
    found = one("StorageClass", settings(backends={"nas": NAS}, classes={"ontap-nas": said}))
    assert (found.name, found.body["provisioner"]) == ("ontap-nas", "csi.trident.netapp.io")
    assert found.body["parameters"] == parameters
    assert found.body["volumeBindingMode"] == "Immediate"


def test_an_economy_class_asks_for_no_snapshots() -> None:
    chosen = settings(backends={"nas": {**NAS, "driver": "ontap-nas-economy"}}, classes={"cheap": {"backend": "nas"}})
    assert "snapshots" not in one("StorageClass", chosen).body["parameters"]


def test_an_array_knows_a_cluster_by_the_prefix_of_its_volumes() -> None:
    found = list(COMPONENT.identifiers(CLUSTER, settings(backends={"nas": NAS, "san": {**SAN, "storagePrefix": "x_"}})))
    assert [one for one in found if one.system == "ontap"] == [
        ("ontap", "storage-prefix", "svm-schiff-1", "customer_a_2_", False),
        ("ontap", "storage-prefix", "svm-schiff-2", "x_", False),
    ]


def test_clusters_of_one_name_at_two_sites_differ_on_a_shared_array_by_a_prefix_that_people_write() -> None:
    elsewhere = replace(CLUSTER, identity=replace(CLUSTER.identity, site="baremetal-site-2"))
    same = settings(backends={"nas": NAS})
    other = settings(backends={"nas": {**NAS, "storagePrefix": "site_2_customer_a_2_"}})
    here = set(COMPONENT.identifiers(CLUSTER, same))
    assert {found.kind for found in here & set(COMPONENT.identifiers(elsewhere, same))} == {"storage-prefix"}
    assert not here & set(COMPONENT.identifiers(elsewhere, other))


def test_a_prefix_from_a_clusters_name_that_begins_with_a_digit_is_refused() -> None:
    digit = replace(CLUSTER, identity=replace(CLUSTER.identity, name="1a"))
    (problem,) = COMPONENT.problems(digit, settings(backends={"nas": NAS}))
    assert (problem.path, problem.rule) == (("backends", "nas", "storagePrefix"), "prefix")
    named = settings(backends={"nas": {**NAS, "storagePrefix": "a1_"}})
    assert not list(COMPONENT.problems(digit, named))


def document(*keys: str, namespace: str = "trident") -> dict[str, bytes]:
    metadata = {"name": "customer-a-2-san-credentials", "namespace": namespace}
    data = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict.fromkeys(keys, "ENC[...]")}
    return {"san.yaml": yaml.safe_dump(data).encode()}


CHAP = ("chapUsername", "chapInitiatorSecret", "chapTargetUsername", "chapTargetInitiatorSecret")


def test_credentials_have_the_keys_of_chap_where_it_is_used() -> None:
    chosen, without = settings(backends={"san": SAN}), settings(backends={"san": {**SAN, "chap": False}})
    short = replace(CLUSTER, secrets=document("username", "password"))
    (problem,) = COMPONENT.problems(short, chosen)
    assert (problem.path, problem.rule) == (("backends", "san", "credentials"), "credentials")
    assert problem.message == f"document san.yaml has no key {', '.join(CHAP)}"
    assert not list(COMPONENT.problems(short, without))
    assert not list(COMPONENT.problems(replace(CLUSTER, secrets=document("username", "password", *CHAP)), chosen))


def test_credentials_in_another_namespace_are_found() -> None:
    astray = replace(CLUSTER, secrets=document("username", "password", *CHAP, namespace="default"))
    (problem,) = COMPONENT.problems(astray, settings(backends={"san": SAN}))
    assert problem.cure == "write it for namespace trident"


def test_a_secret_in_clear_text_is_refused_without_being_repeated() -> None:
    for said in ({"password": "hunter2"}, {"labels": {"apiToken": "hunter2"}}, {"chapInitiatorSecret": "hunter2"}):
        with pytest.raises(ValidationError, match="would stand in clear text") as caught:
            settings(backends={"nas": {**NAS, **said}})
        assert "hunter2" not in str([error["msg"] for error in caught.value.errors()])


def test_only_clusters_that_name_it_run_it() -> None:
    documents = changed(METAL3_ORDER, "components", {"trident": {}})
    documents["head.yaml"]["components"]["trident"] = {"version": "v26.6.0"}
    documents["components/trident.yaml"] = {"versions": {"v26.6.0": {}}}
    assert COMPONENT.applies_to(a_resolved_cluster("metal3", documents=documents))
    assert not COMPONENT.applies_to(CLUSTER)


def test_kinds_are_there_before_the_operator_makes_them_and_are_never_pruned() -> None:
    definitions = list(yaml.safe_load_all(vendored("trident", "v26.6.0")["definitions.yaml"]))
    assert [item["spec"]["names"]["kind"] for item in definitions] == ["TridentOrchestrator", "TridentBackendConfig"]
    assert definitions[1]["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}
    (patch,) = yaml.safe_load(str(compiled("trident", "v26.6.0")["base/kustomization.yaml"]))["patches"]
    assert "prune: disabled" in patch["patch"]


def compiled_tree(chosen: TridentSettings) -> dict[str, str]:
    return {f"config/trident/{item.name}.yaml": str(to_yaml([item])) for item in COMPONENT.objects(CLUSTER, chosen)}


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"svm": "svm-other"}, {"spec.svm"}),
        ({"driver": "ontap-nas-flexgroup"}, {"spec.storageDriverName"}),
        ({"storagePrefix": "other_"}, {"spec.storagePrefix"}),
        ({"managementLIF": "10.4.8.20", "dataLIF": "10.4.8.21"}, set()),
    ],
)
def test_what_volumes_are_found_by_never_changes_in_place(said: dict[str, Any], refused: set[str]) -> None:
    before, after = settings(backends={"nas": NAS}), settings(backends={"nas": {**NAS, **said}})
    found = list(immutability_problems(compiled_tree(before), compiled_tree(after), COMPONENT.never))
    assert {problem.path for problem in found} == refused
    assert all(problem.cure.startswith("add a backend under a new name") for problem in found)

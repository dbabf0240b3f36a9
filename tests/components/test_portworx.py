from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schiff.components.portworx import COMPONENT
from schiff.components.portworx_settings import PortworxSettings
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from tests.components.offered import vendored
from tests.makers import a_resolved_cluster

CLUSTER = a_resolved_cluster("metal3")


def settings(**values: Any) -> PortworxSettings:
    return PortworxSettings.model_validate(values)


def storage_cluster(chosen: PortworxSettings) -> Manifest:
    (found,) = [item for item in COMPONENT.objects(CLUSTER, chosen) if item.kind == "StorageCluster"]
    return found


def classes(chosen: PortworxSettings) -> dict[str, Manifest]:
    return {item.name: item for item in COMPONENT.objects(CLUSTER, chosen) if item.kind == "StorageClass"}


def test_the_storage_cluster_is_called_after_the_cluster_and_never_pruned() -> None:
    found = storage_cluster(settings())
    assert (found.name, found.namespace) == ("px-customer-a-2", "portworx")
    assert found.annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    assert found.body["spec"]["csi"]["installSnapshotController"] is False
    assert found.body["spec"]["kvdb"] == {"internal": True}


def test_images_come_from_the_clusters_registry_under_upstreams_path() -> None:
    spec = storage_cluster(settings()).body["spec"]
    assert (spec["customImageRegistry"], spec["preserveFullCustomImageRegistry"]) == ("registry.schiff.example", True)
    assert spec["image"] == "portworx/oci-monitor:3.6.1"


def test_without_a_word_its_data_lies_on_the_array() -> None:
    spec = storage_cluster(settings()).body["spec"]
    assert spec["cloudStorage"] == {"provider": "pure", "deviceSpecs": ["size=500"], "maxStorageNodesPerZone": 3}
    assert spec["env"] == [{"name": "PURE_FLASHARRAY_SAN_TYPE", "value": "ISCSI"}]
    assert "storage" not in spec


def test_disks_of_the_nodes_need_no_array() -> None:
    chosen = settings(storage={"devices": ["/dev/nvme1n1"], "kvdbDevice": "/dev/nvme2n1"})
    spec = storage_cluster(chosen).body["spec"]
    assert spec["storage"] == {"devices": ["/dev/nvme1n1"], "kvdbDevice": "/dev/nvme2n1"}
    assert not {"cloudStorage", "env"} & spec.keys()
    assert storage_cluster(settings(storage={"useAll": True})).body["spec"]["storage"] == {"useAll": True}


def test_replicated_volumes_and_volumes_of_the_array() -> None:
    chosen = settings(
        classes={
            "repl2": {},
            "flash": {"backend": "pure_block", "maxIops": 1000, "filesystem": "xfs"},
            "shared": {"backend": "pure_file", "exportRules": "*(rw)"},
        }
    )
    found = classes(chosen)
    assert {item.body["provisioner"] for item in found.values()} == {"pxd.portworx.com"}
    assert {name: item.body["parameters"] for name, item in found.items()} == {
        "px-repl2": {"repl": "2", "io_profile": "auto"},
        "px-flash": {"backend": "pure_block", "max_iops": "1000", "csi.storage.k8s.io/fstype": "xfs"},
        "px-shared": {"backend": "pure_file", "pure_export_rules": "*(rw)"},
    }


@given(
    local=st.booleans(),
    backend=st.sampled_from([None, "pure_block", "pure_file"]),
    san=st.sampled_from(["FC", "ISCSI", "NVMEOF-RDMA", "NVMEOF-TCP"]),
)
def test_nothing_that_wipes_is_ever_written(local: bool, backend: str | None, san: str) -> None:
    said = {"storage": {"useAll": True}} if local else {}
    chosen = settings(**said, sanType=san, classes={"one": {"backend": backend}})
    text = str(to_yaml(list(COMPONENT.objects(CLUSTER, chosen))))
    assert not [word for word in ("deleteStrategy", "Uninstall", "forceUseDisks") if word in text]


@pytest.mark.parametrize("where", [{}, {"storage": {"useAll": True}}])
def test_who_asks_for_a_way_to_wipe_is_told_that_there_is_none(where: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="deleteStrategy is never written"):
        settings(**where, deleteStrategy={"type": "Uninstall"})


@pytest.mark.parametrize(
    ("chosen", "key", "refused"),
    [({}, "pure.json", False), ({}, "config.json", True), ({"storage": {"useAll": True}}, "config.json", False)],
)
def test_the_document_of_the_arrays_has_its_key_where_an_array_is_asked(
    chosen: dict[str, Any], key: str, refused: bool
) -> None:
    metadata = {"name": "px-pure-secret", "namespace": "portworx"}
    data = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {key: "ENC[...]"}}
    cluster = replace(CLUSTER, secrets={"px-pure-secret.yaml": yaml.safe_dump(data).encode()})
    found = list(COMPONENT.problems(cluster, settings(**chosen)))
    assert [problem.rule for problem in found] == ["arrays"] * refused


def test_clusters_of_one_site_have_names_of_their_own() -> None:
    (found,) = COMPONENT.identifiers(CLUSTER, settings())
    assert found == ("portworx", "cluster", "baremetal-site-1", "px-customer-a-2", False)


def test_the_operator_brings_its_kinds_itself() -> None:
    kinds = [item["kind"] for item in yaml.safe_load_all(vendored("portworx", "v26.2.1")["operator.yaml"])]
    assert kinds == ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment"]

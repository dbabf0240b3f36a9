from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from schiff.components.snapshot_controller import COMPONENT as SNAPSHOT_CONTROLLER
from schiff.components.vsphere_csi import COMPONENT, VsphereCsiSettings
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion
from tests.makers import a_resolved_cluster, changed

DEFAULT = "storageclass.kubernetes.io/is-default-class"


def settings(**values: Any) -> VsphereCsiSettings:
    return VsphereCsiSettings.model_validate(values)


def classes(chosen: VsphereCsiSettings) -> dict[str, Manifest]:
    objects = COMPONENT.objects(a_resolved_cluster(), chosen)
    return {item.name: item for item in objects if item.kind == "StorageClass"}


def test_without_settings_there_is_one_default_class_of_the_sites_policy() -> None:
    documents = changed("sites/vsphere-site-1/site.yaml", "facts.vcenter.storagePolicy", "gold")
    (first, _) = COMPONENT.objects(a_resolved_cluster(documents=documents), settings())
    assert first.name == "vsphere-default"
    assert first.annotations == {DEFAULT: "true"}
    assert first.body["parameters"]["storagepolicyname"] == "gold"


def test_a_class_has_the_same_name_whatever_its_content() -> None:
    one = classes(settings(classes={"fast": {"default": True, "policy": "gold"}}))
    other = classes(settings(classes={"fast": {"default": True, "policy": "silver"}}))
    assert list(one) == list(other) == ["vsphere-fast"]
    assert one["vsphere-fast"] != other["vsphere-fast"]


@pytest.mark.parametrize("marked", [(), ("a", "b")])
def test_exactly_one_class_is_the_default(marked: tuple[str, ...]) -> None:
    chosen = settings(classes={name: {"default": True} if name in marked else {} for name in ("a", "b")})
    found = {(problem.path, problem.rule) for problem in COMPONENT.problems(a_resolved_cluster(), chosen)}
    paths: list[tuple[str, ...]] = [("classes", name, "default") for name in marked]
    assert found == {(path, "default-class") for path in paths or [("classes",)]}


def test_no_classes_at_all_is_a_choice() -> None:
    assert classes(settings(classes={})) == {}
    assert not list(COMPONENT.problems(a_resolved_cluster(), settings(classes={})))


def test_classes_of_snapshots_are_named_by_people_and_keep_what_they_are_told_to_keep() -> None:
    chosen = settings(snapshotClasses={"vsphere-kept": {"deletionPolicy": "Retain"}})
    (found,) = [item for item in COMPONENT.objects(a_resolved_cluster(), chosen) if item.kind == "VolumeSnapshotClass"]
    assert (found.name, found.body) == (
        "vsphere-kept",
        {"driver": "csi.vsphere.vmware.com", "deletionPolicy": "Retain"},
    )


def test_a_vcenter_knows_the_cluster_by_its_fqdn() -> None:
    cluster = a_resolved_cluster()
    (found,) = COMPONENT.identifiers(cluster, settings())
    assert found == ("vcenter", "cluster-id", "vcenter-1.schiff.example", cluster.identity.fqdn, False)


def test_a_site_with_zones_runs_the_variant_that_places_volumes_by_zone() -> None:
    cluster = a_resolved_cluster()
    flat = replace(cluster, site=cluster.site.model_copy(update={"failure_domains": {}}))
    assert COMPONENT.variant(cluster, settings()) == "zones"
    assert COMPONENT.variant(flat, settings()) == "base"


def test_the_zone_patch_refuses_another_order_of_containers() -> None:
    folder = COMPONENT.folder(ComponentVersion.parse("v3.7.3"), {"vsphere-csi-driver.yaml": b"x"})
    (patch,) = yaml.safe_load(str(folder["zones/kustomization.yaml"]))["patches"]
    first, *others = yaml.safe_load(patch["patch"])
    assert (first["op"], first["value"]) == ("test", "csi-provisioner")
    assert [operation["value"] for operation in others] == ["--feature-gates=Topology=true", "--strict-topology"]


def test_a_name_too_long_for_the_cluster_id_is_refused() -> None:
    cluster = a_resolved_cluster()
    assert not list(COMPONENT.problems(cluster, settings()))
    long = replace(cluster, identity=replace(cluster.identity, location="l" * 40))
    (problem,) = COMPONENT.problems(long, settings())
    assert "at most 64 fit" in problem.message
    assert problem.rule == "cluster-id"


def secret(namespace: str, key: str) -> dict[str, bytes]:
    text = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "vsphere-config-secret", "namespace": namespace},
        "stringData": {key: "ENC[...]"},
    }
    return {"vsphere-config-secret.yaml": yaml.safe_dump(text).encode()}


@pytest.mark.parametrize(
    ("namespace", "key", "said"),
    [
        ("vmware-system-csi", "csi-vsphere.conf", None),
        ("vmware-system-csi", "csi-vsphere.ini", "has no key csi-vsphere.conf"),
        ("kube-system", "csi-vsphere.conf", "is in namespace 'kube-system', where nobody reads it"),
    ],
)
def test_the_configuration_lies_where_the_driver_reads_it(namespace: str, key: str, said: str | None) -> None:
    cluster = replace(a_resolved_cluster(), secrets=secret(namespace, key))
    found = list(COMPONENT.problems(cluster, settings()))
    assert [problem.rule for problem in found] == ["configuration"] * (said is not None)
    assert all(str(said) in problem.message for problem in found)
    assert "ENC" not in str(found)


def pinning(version: str, *others: str) -> ResolvedCluster:
    documents = changed("head.yaml", "components.vsphere-csi.version", version)
    documents["components/vsphere-csi.yaml"] = {"versions": {version: {}}}
    for name in others:
        documents["head.yaml"]["components"][name] = {"version": "v8.6.0"}
        documents[f"components/{name}.yaml"] = {"versions": {"v8.6.0": {}}}
    return a_resolved_cluster(documents=documents)


@pytest.mark.parametrize(
    ("version", "others", "refused"),
    [
        ("v3.7.3", (), False),
        ("v3.7.3", ("snapshot-controller",), False),
        ("v3.7.3-s2", ("snapshot-controller",), False),
        ("v3.7.3-s2", (), True),
        ("v3.8.0", (), True),
    ],
)
def test_a_version_without_snapshot_controller_needs_it_from_the_release(
    version: str, others: tuple[str, ...], refused: bool
) -> None:
    found = list(COMPONENT.problems(pinning(version, *others), settings()))
    assert [problem.rule for problem in found] == ["snapshot-controller"] * refused
    assert all(problem.cure == "pin snapshot-controller too" for problem in found)


@pytest.mark.parametrize(("version", "brought"), [("v3.7.3", True), ("v3.7.3-s2", False), ("v3.8.0", False)])
def test_the_snapshot_controller_has_one_owner_whatever_the_release_pins(version: str, brought: bool) -> None:
    assert SNAPSHOT_CONTROLLER.applies_to(pinning(version, "snapshot-controller")) is not brought

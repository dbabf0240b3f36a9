from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from schiff.components.vsphere_csi import COMPONENT, VsphereCsiSettings
from schiff.manifests.manifest import Manifest
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
    with pytest.raises(ValidationError, match="exactly one of the classes is the default"):
        settings(classes={name: {"default": name in marked} for name in ("a", "b")})


def test_no_classes_at_all_is_a_choice() -> None:
    assert classes(settings(classes={})) == {}


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

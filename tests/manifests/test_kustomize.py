from __future__ import annotations

import json

import yaml

from schiff.manifests.kustomize import deletion, kustomization, kustomization_file, patch


def test_a_list_that_is_empty_stays_written_because_it_prunes_what_was_there() -> None:
    assert yaml.safe_load(kustomization_file([]))["resources"] == []


def test_resources_keep_their_order_and_images_come_last() -> None:
    written = kustomization(["b.yaml", "a.yaml"], namespace="schiff-system", images=[{"name": "x", "newName": "y/x"}])
    assert list(written) == ["apiVersion", "kind", "namespace", "resources", "images"]
    assert written["resources"] == ["b.yaml", "a.yaml"]


def test_a_patch_names_its_target_and_holds_its_operations_as_json() -> None:
    operation = {"op": "add", "path": "/spec/a", "value": "1"}
    written = patch("Deployment", "controller", [operation])
    assert written["target"] == {"kind": "Deployment", "name": "controller"}
    assert json.loads(written["patch"]) == [operation]


def test_a_deletion_names_exactly_one_object() -> None:
    assert yaml.safe_load(deletion("v1", "Namespace", "metallb-system")["patch"]) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "metallb-system"},
        "$patch": "delete",
    }

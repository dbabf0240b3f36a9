from __future__ import annotations

import yaml

from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion
from tests.makers import a_resolved_cluster

V1 = ComponentVersion.parse("v1.0.0")


class Nothing(Spec):
    """No settings."""


class Plain(OrdinaryComponent):
    """A component that says nothing of its own."""

    name = "plain"
    settings = Nothing


def resources(files: Files, variant: str) -> list[str]:
    listed: list[str] = yaml.safe_load(files[f"{variant}/kustomization.yaml"])["resources"]
    return listed


def test_an_ordinary_component_runs_everywhere_in_one_variant_without_objects() -> None:
    cluster, settings = a_resolved_cluster(), Nothing()
    assert Plain().applies_to(cluster)
    assert Plain().variant(cluster, settings) == BASE
    assert not [*Plain().bootstrap_objects(cluster, settings), *Plain().objects(cluster, settings)]
    assert not list(Plain().problems(cluster, settings))


def test_vendored_files_are_the_base_byte_for_byte() -> None:
    files = Plain().folder(V1, {"b.yaml": b"b\r\n", "a.yaml": b"a"})
    assert files["base/b.yaml"] == b"b\r\n"
    assert resources(files, BASE) == ["a.yaml", "b.yaml"]


def test_a_folder_with_upstreams_own_kustomization_is_listed_as_a_folder() -> None:
    files = Plain().folder(V1, {"crd/kustomization.yaml": b"x", "crd/bases/a.yaml": b"x", "z.yaml": b"x"})
    assert resources(files, BASE) == ["crd", "z.yaml"]


def test_a_file_below_a_variants_name_is_that_variants() -> None:
    files = versioned_folder({"a.yaml": b"a", "edge/b.yaml": b"b"}, {BASE: {}, "edge": {}})
    assert sorted(files) == ["base/a.yaml", "base/kustomization.yaml", "edge/b.yaml", "edge/kustomization.yaml"]
    assert resources(files, "edge") == ["b.yaml"]


def test_the_order_of_the_vendored_files_changes_no_byte() -> None:
    one, other = {"a.yaml": b"a", "b.yaml": b"b"}, {"b.yaml": b"b", "a.yaml": b"a"}
    assert dict(Plain().folder(V1, one)) == dict(Plain().folder(V1, other))

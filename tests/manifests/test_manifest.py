"""Manifests: what is written, in which order, and when two are equal."""

from __future__ import annotations

from typing import Any

import pytest

from schiff.errors import InvalidValue
from schiff.manifests.manifest import Identity, Manifest


def an_object(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **metadata}, "data": {"k": "v"}}


def test_labels_and_annotations_are_sorted_and_the_body_keeps_its_order() -> None:
    manifest = Manifest("v1", "X", "a", "n", {"b": "2", "a": "1"}, {"d": "4", "c": "3"}, {"spec": {}, "data": {}})
    data = manifest.as_dict()
    assert list(data) == ["apiVersion", "kind", "metadata", "spec", "data"]
    assert list(data["metadata"]) == ["name", "namespace", "labels", "annotations"]
    assert list(data["metadata"]["labels"]) == ["a", "b"]
    assert list(data["metadata"]["annotations"]) == ["c", "d"]


def test_empty_parts_of_the_metadata_are_left_out() -> None:
    assert Manifest("v1", "Namespace", "a").as_dict()["metadata"] == {"name": "a"}


def test_an_object_survives_the_way_through_a_manifest() -> None:
    data = an_object(namespace="n", labels={"a": "1"}, annotations={"b": "2"})
    assert Manifest.from_dict(data).as_dict() == data


def test_manifests_are_equal_by_value_and_usable_in_sets() -> None:
    first, second = Manifest.from_dict(an_object()), Manifest.from_dict(an_object())
    assert first == second
    assert len({first, second}) == 1
    assert first != Manifest.from_dict({**an_object(), "data": {"k": "other"}})


def test_the_identity_is_what_an_api_server_stores_under() -> None:
    assert Manifest("v1", "ConfigMap", "a", "n").identity == Identity("v1", "ConfigMap", "n", "a")
    assert Manifest("v1", "Namespace", "a").identity.namespace == ""


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"kind": "X", "metadata": {"name": "a"}}, "apiVersion"),
        ({"apiVersion": "v1", "metadata": {"name": "a"}}, "kind"),
        ({"apiVersion": "v1", "kind": "X"}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "X", "metadata": {"name": 3}}, "metadata.name"),
        (an_object(uid="1"), "metadata.uid"),
    ],
)
def test_an_object_that_would_lose_something_is_refused(data: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidValue, match=word):
        Manifest.from_dict(data)


def test_a_body_cannot_replace_the_metadata() -> None:
    with pytest.raises(InvalidValue, match="metadata"):
        Manifest("v1", "X", "a", body={"metadata": {"name": "b"}})

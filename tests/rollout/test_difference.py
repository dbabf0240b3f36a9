from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.model.fleet import Document, SharedLayers
from schiff.rollout.difference import release_difference
from tests.rollout.versions import layers_of, release_of

CALICO = {"version": "v3.31.2"}


def defaults(data: dict[str, Any], name: str = "2026.48.0") -> SharedLayers:
    return replace(layers_of(release_of("1.35.4", name=name)), defaults=Document("defaults.yaml", data))


def said(before: SharedLayers, after: SharedLayers) -> tuple[str, ...]:
    return release_difference(before, after).sentences()


def test_two_releases_that_say_the_same_do_not_differ() -> None:
    difference = release_difference(defaults({}), defaults({}, "2026.50.0"))
    assert difference.is_empty
    assert difference.sentences() == ()


def test_versions_are_told_by_what_moves() -> None:
    old = layers_of(release_of("1.34.6", calico=CALICO, csi={"version": "v3.5.0"}, capi="v1.12.0"))
    new = layers_of(release_of("1.35.4", via=["1.34.6"], calico={"version": "v3.32.1"}, cpi={"version": "v1.35.1"}))
    assert said(old, new) == (
        "components: calico.version: v3.31.2 -> v3.32.1",
        'components: cpi: {"reversible": true, "version": "v1.35.1"} is new',
        'components: csi: {"reversible": true, "version": "v3.5.0"} is gone',
        "kubernetes: images.metal3.url: image-v1.34.6 -> image-v1.35.4",
        "kubernetes: images.vsphere.template: image-v1.34.6 -> image-v1.35.4",
        "kubernetes: version: v1.34.6 -> v1.35.4",
        'kubernetes: via: [] -> ["v1.34.6"]',
        "managementPlane: capi: v1.12.0 -> v1.13.5",
    )


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({"a": {"b": "1"}}, {"a": {"b": "2"}}, "a.b: 1 -> 2"),
        ({"a": 1}, {"a": True}, "a: 1 -> true"),
        ({"a": "true"}, {"a": True}, "a: true -> true"),
        ({"a": [1]}, {"a": [True]}, "a: [1] -> [true]"),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, 'a: ["x", "y"] -> ["y", "x"]'),
        ({"labels": {}}, {"labels": {"schiff.example/gpu": "a"}}, "labels[schiff.example/gpu]: a is new"),
        ({"a": "x"}, {"a": None}, "a: x -> null"),
        ({"a": None}, {}, "a: null is gone"),
        ({"a": {"b": 1}}, {"a": None}, 'a: {"b": 1} -> null'),
        ({}, {"a": {}}, "a: {} is new"),
    ],
)
def test_a_changed_value_of_a_layer_is_told_by_its_path(
    before: dict[str, Any], after: dict[str, Any], change: str
) -> None:
    assert said(defaults(before), defaults(after)) == (f"defaults.yaml: {change}",)


def test_a_document_that_came_is_told_by_its_values() -> None:
    before, zone = defaults({}), Document("zones/dmz.yaml", {"nodes": {"mtu": 9000}})
    assert said(before, replace(before, zones={"dmz": zone})) == ('zones/dmz.yaml: nodes: {"mtu": 9000} is new',)


def test_as_data_a_side_without_a_value_has_no_key() -> None:
    answer = release_difference(defaults({"a": None, "b": 1}), defaults({"b": 2, "c": 3})).as_json()
    assert json.loads(json.dumps(answer))["documents"] == {
        "defaults.yaml": [
            {"path": "a", "before": None},
            {"path": "b", "before": 1, "after": 2},
            {"path": "c", "after": 3},
        ]
    }
    assert answer["before"]["name"] == "2026.48.0"
    assert answer["before"]["digest"].startswith("sha256:")


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("ab./", max_size=2), below, max_size=3),
    max_leaves=12,
)
MAPS = st.dictionaries(st.text("abc", min_size=1, max_size=1), DATA, max_size=3)


@given(before=MAPS, after=MAPS)
def test_i3_only_equal_data_has_no_difference(before: dict[str, Any], after: dict[str, Any]) -> None:
    difference = release_difference(defaults(before), defaults(after))
    assert difference.is_empty == (json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True))
    back = release_difference(defaults(after), defaults(before))
    assert [it.path for it in difference.documents.get("defaults.yaml", ())] == [
        it.path for it in back.documents.get("defaults.yaml", ())
    ]

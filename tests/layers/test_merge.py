from __future__ import annotations

from typing import Any

from schiff.errors import Place
from schiff.layers.merge import Merged, Origin, merge, merged_data
from schiff.model.fleet import Document

DEFAULTS = Document(
    "defaults.yaml",
    {"registry": "a", "access": {"sshKeys": ["x", "y"]}, "labels": {"kept": "1", "lost": "1"}},
    {(): (1, 1), ("registry",): (1, 1), ("access",): (2, 1), ("access", "sshKeys"): (3, 3), ("labels", "lost"): (6, 3)},
)
ORDER = Document(
    "order.yaml",
    {"registry": "b", "access": {"sshKeys": ["z"]}, "labels": {"lost": None}},
    {(): (1, 1), ("registry",): (4, 1)},
)


def merged() -> Merged:
    return merge([("defaults", DEFAULTS), ("cluster", ORDER)])


def test_maps_merge_lists_replace_and_null_removes() -> None:
    assert merged().data == {"access": {"sshKeys": ["z"]}, "labels": {"kept": "1"}, "registry": "b"}


def test_every_leaf_has_its_origin() -> None:
    origins = merged().origins
    assert origins[("registry",)] == Origin("cluster", Place("order.yaml", 4, 1))
    assert origins[("labels", "kept")].layer == "defaults"
    assert set(origins) == {("registry",), ("access", "sshKeys"), ("labels", "kept")}


def test_what_lost_is_remembered() -> None:
    losers = merged().losers
    assert losers[("registry",)] == (Origin("defaults", Place("defaults.yaml", 1, 1)),)
    assert losers[("labels", "lost")] == (Origin("defaults", Place("defaults.yaml", 6, 3)),)


def test_both_merges_agree() -> None:
    assert merged().data == merged_data(merged_data({}, DEFAULTS.data), ORDER.data)


def test_null_removes_a_whole_map_with_its_origins() -> None:
    result = merge([("defaults", DEFAULTS), ("cluster", Document("order.yaml", {"access": None}))])
    assert "access" not in result.data
    assert ("access", "sshKeys") not in result.origins
    assert ("access", "sshKeys") in result.losers


def test_null_for_nothing_is_nothing() -> None:
    assert merged_data({}, {"a": None, "b": {"c": None}}) == {"b": {}}


def test_a_map_replaces_a_value_and_a_value_a_map() -> None:
    assert merged_data({"a": 1}, {"a": {"b": 2}}) == {"a": {"b": 2}}
    assert merged_data({"a": {"b": 2}}, {"a": 1}) == {"a": 1}


def test_lower_layers_are_not_changed() -> None:
    lower: dict[str, Any] = {"a": {"b": [1]}, "c": {"d": 1}}
    merged_data(lower, {"a": {"b": [2], "x": 1}, "c": None})
    assert lower == {"a": {"b": [1]}, "c": {"d": 1}}


def test_keys_come_out_sorted_whatever_order_they_were_written_in() -> None:
    result = merged_data({"z": 1}, {"b": {"y": 1, "x": [{"q": 1, "p": 2}]}, "a": 1})
    assert list(result) == ["a", "b", "z"]
    assert list(result["b"]) == ["x", "y"]
    assert list(result["b"]["x"][0]) == ["p", "q"]

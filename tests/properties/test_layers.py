"""What holds for all layers: the order of input never counts, null removes, merging can be bracketed."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schiff.layers.construct import fleet_of
from schiff.layers.merge import merge, merged_data
from schiff.layers.resolve import resolve_environment
from schiff.layers.schema import leaves
from schiff.model.fleet import Document
from schiff.model.settings import LAYER_ORDER
from tests.makers import assignments_of, fleet_documents

KEYS = st.sampled_from("abcd")
LEAVES = st.integers(0, 9) | st.lists(st.integers(0, 3), max_size=2)
Layer = dict[str, Any]


def layers(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Layer]:
    """Give maps of maps with these leaves."""
    return st.dictionaries(KEYS, st.recursive(leaf, lambda inner: st.dictionaries(KEYS, inner), max_leaves=8))


def shaped(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Layer]:
    """Give maps in which one path is always a map or always a leaf, as the schema sees to."""
    inner = st.fixed_dictionaries({}, optional=dict.fromkeys("ab", leaf))
    outer = st.fixed_dictionaries({}, optional={"x": inner, "y": inner, "z": leaf})
    return st.fixed_dictionaries({}, optional={"m": outer, "n": inner, "o": leaf})


def shuffled(value: Any, random: Any) -> Any:
    if not isinstance(value, dict):
        return value
    items = [(key, shuffled(inner, random)) for key, inner in value.items()]
    random.shuffle(items)
    return dict(items)


def ordered(value: Any) -> Any:
    """Return the value with the order of its keys made visible."""
    return [(key, ordered(inner)) for key, inner in value.items()] if isinstance(value, dict) else value


def without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_null(inner) for key, inner in value.items() if inner is not None}
    return value


@given(stack=st.lists(layers(LEAVES | st.none()), max_size=4), random=st.randoms(use_true_random=False))
def test_the_order_of_keys_never_reaches_the_result(stack: list[Layer], random: Any) -> None:
    plain: Layer = {}
    mixed: Layer = {}
    for layer in stack:
        plain, mixed = merged_data(plain, layer), merged_data(mixed, shuffled(layer, random))
    assert ordered(plain) == ordered(mixed)


@given(one=shaped(LEAVES), two=shaped(LEAVES), three=shaped(LEAVES))
def test_merging_is_associative_where_nothing_is_removed_and_shapes_agree(one: Layer, two: Layer, three: Layer) -> None:
    assert merged_data(merged_data(one, two), three) == merged_data(one, merged_data(two, three))


@given(lower=layers(LEAVES), upper=layers(LEAVES | st.none()))
def test_the_upper_layer_has_the_last_word(lower: Layer, upper: Layer) -> None:
    result = merged_data(lower, upper)
    for path in leaves(upper):
        above, wanted = value_at(result, path[:-1]), value_at(upper, path)
        if wanted is None:
            assert path[-1] not in above
        elif wanted != {}:
            assert above[path[-1]] == wanted


@given(layer=layers(LEAVES | st.none()))
def test_no_null_is_left(layer: Layer) -> None:
    assert merged_data({}, layer) == without_null(layer)
    assert merged_data(merged_data({}, layer), dict.fromkeys(layer)) == {}


@given(layer=layers(LEAVES))
def test_a_layer_over_itself_is_itself(layer: Layer) -> None:
    assert merged_data(layer, layer) == layer


@given(stack=st.lists(layers(LEAVES | st.none()), max_size=4))
def test_every_leaf_has_an_origin_in_the_layer_that_says_so(stack: list[Layer]) -> None:
    named = [(name, Document(name, data)) for name, data in zip(LAYER_ORDER, stack, strict=False)]
    merged = merge(named)
    kept = {path for path in leaves(merged.data) if value_at(merged.data, path) != {}}
    assert set(merged.origins) == kept
    for path, origin in merged.origins.items():
        assert value_at(dict(named)[origin.layer].data, path) == value_at(merged.data, path)


def value_at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


@settings(deadline=None)  # the first fleet of a process builds the schema of layers
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_files_and_fields_changes_no_cluster(random: Any) -> None:
    plain, mixed = fleet_of(fleet_documents()), fleet_of(shuffled(fleet_documents(), random))
    one, other = (resolve_environment(fleet, "tst", assignments_of(fleet)) for fleet in (plain, mixed))
    assert list(one.tenants) == list(other.tenants)
    for key, cluster in one.tenants.items():
        assert ordered(cluster.spec.model_dump(mode="json")) == ordered(other.tenants[key].spec.model_dump(mode="json"))

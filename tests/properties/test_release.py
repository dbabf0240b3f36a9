"""I3 Digest sensitivity, and equal ledger and fleet give equal assignments (I22, as far as assigning goes)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schiff.layers.yaml_documents import read_document
from schiff.manifests.yaml import to_yaml
from schiff.model.frozen import document_digest, frozen_digest, vendored_digest
from schiff.rollout.assignments import assignments
from tests.rollout.small_fleet import CANDIDATE, ORDERS, a_fleet, begun, moved, released

names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(names, values, max_size=4)


def _same(one: Any, other: Any) -> bool:
    """Compare data as it is, where Python takes ``True`` for ``1``."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        pairs = [(key, _shuffled(item, chance)) for key, item in value.items()]
        chance.shuffle(pairs)
        return dict(pairs)
    return [_shuffled(item, chance) for item in value] if isinstance(value, list) else value


@given(documents, documents)
def test_two_documents_have_one_digest_exactly_when_their_data_is_one(one: Any, other: Any) -> None:
    assert (document_digest(one) == document_digest(other)) == _same(one, other)


@given(documents, st.data())
def test_removing_replacing_or_adding_a_value_changes_the_digest(document: Any, draws: st.DataObject) -> None:
    key = draws.draw(names)
    changed = dict(document)
    changed[key] = draws.draw(values.filter(lambda value: key not in document or not _same(value, document[key])))
    assert document_digest(changed) != document_digest(document)


@given(documents, st.randoms())
def test_the_order_of_keys_does_not_matter(document: Any, chance: random.Random) -> None:
    assert document_digest(_shuffled(document, chance)) == document_digest(document)


@given(documents, st.data())
def test_comments_and_blank_lines_do_not_matter(document: Any, draws: st.DataObject) -> None:
    single_lines = {key: value for key, value in document.items() if "|" not in to_yaml([{key: value}])}
    lines = to_yaml([single_lines]).splitlines()
    for place in draws.draw(st.lists(st.integers(0, len(lines)), max_size=3)):
        lines.insert(place, "# a comment")
        lines.insert(place, "")
    read = read_document("\n".join(lines).encode(), "x.yaml").data
    assert document_digest(read) == document_digest(single_lines)


@given(st.dictionaries(names, documents, max_size=3), st.dictionaries(names, names, max_size=3), st.data())
def test_every_file_and_every_component_folder_is_part_of_the_identity(
    files: Any, vendored: dict[str, str], draws: st.DataObject
) -> None:
    whole = frozen_digest(files, vendored)
    path = draws.draw(names)
    other = draws.draw(documents.filter(lambda document: path not in files or not _same(document, files[path])))
    assert frozen_digest({**files, path: other}, vendored) != whole
    assert frozen_digest(files, {**vendored, path: vendored.get(path, "") + "x"}) != whole
    assert frozen_digest(dict(reversed(files.items())), dict(reversed(vendored.items()))) == whole


@given(st.dictionaries(names, st.binary(max_size=8)), names, st.binary(max_size=8))
def test_every_byte_of_a_component_folder_counts(files: dict[str, bytes], name: str, content: bytes) -> None:
    changed = {**files, name: content}
    assert (vendored_digest(changed) == vendored_digest(files)) == (changed == files)


@given(st.permutations(ORDERS), st.lists(st.sampled_from(["v1.34.6", "v1.35.4"]), max_size=3))
def test_equal_ledger_and_fleet_give_equal_assignments(orders: list[Any], versions: list[str]) -> None:
    fleet = released(a_fleet())
    (release,) = fleet.releases
    ledger = begun(fleet, "tst")
    for version in versions:
        ledger = moved(ledger, CANDIDATE, release=release, kubernetes=version)
    turned = replace(fleet, orders={order.key: order for order in orders})
    assert assignments(ledger, turned, "tst") == assignments(ledger, fleet, "tst")
    assert list(assignments(ledger, turned, "tst").tenants) == list(assignments(ledger, fleet, "tst").tenants)

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from schiff.errors import InvalidValue
from schiff.values.digests import canonical, digest, digest_of_bytes, name_hash
from schiff.values.names import ClusterKey

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "digest_vectors.json").read_text(encoding="ascii"))


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["what"] for vector in VECTORS])
def test_the_canonical_form_is_frozen(vector: dict[str, Any]) -> None:
    """Changing a vector replaces every machine of every fleet: template names carry this digest."""
    assert canonical(vector["value"]) == vector["canonical"].encode("ascii")
    assert digest(vector["value"]) == vector["digest"]
    assert name_hash(vector["value"]) == vector["digest"].removeprefix("sha256:")[:8]


def test_the_vectors_agree_with_themselves() -> None:
    for vector in VECTORS:
        assert vector["digest"] == f"sha256:{sha256(vector['canonical'].encode('ascii')).hexdigest()}"


def test_the_order_of_keys_does_not_count_and_that_of_items_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])


def test_text_number_and_boolean_differ() -> None:
    assert len({digest("1"), digest(1), digest(True), digest("true")}) == 4


def test_a_tuple_is_a_list() -> None:
    assert digest((1, (2,))) == digest([1, [2]])


@pytest.mark.parametrize(
    "value", [None, 1.5, {"a": [None]}, {1: "a"}, {"a": {2.0: "b"}}, b"bytes", {1, 2}, [ClusterKey("site", "name")]]
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue):
        canonical(value)


def test_raw_content_has_a_digest_too() -> None:
    assert digest_of_bytes(b"") == f"sha256:{sha256(b'').hexdigest()}"

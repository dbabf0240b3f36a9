"""The emitter: every text, number and nesting comes back equal from PyYAML and from Go's reader of Kubernetes."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from helm_python import values_from_yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schiff.errors import InvalidValue
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml

# Texts that some well-known emitter writes so that some reader takes them for something else.
WORDS = """yes no on off y n Y N True FALSE null Null ~ 1 012 0o14 0x1F 1e3 1E5 1. .5 +1 - -- --- ... 1_000 _1 _ 1:30
190:20:30 2024-01-01 2024-01-01T00:00:00Z = << !tag &a *a #c a: :a -a ?a [a {a a] a,b %a @a `a | > ' " it's a"b \\ a\\nb
0b1 0.0.0.1 1.2.3 v1.2 1.31 .inf .NaN inf nan Infinity 12e03 1234e56 4200000000 00:1A:2B 40% 0777 -0 é 日本 😀 ${x} . ..
/ ./a a:b a=b"""
NASTY = WORDS.split()
SPACED = [
    *("", " ", "a #c", "a: b", ": a", "- a", "? a", "a b ", " a", "\t", "a\tb", "\n", "a\n", "a\n\n", "\na", " a\nb\n"),
    *("a\n b\n", "a \nb", "a\r\nb", "\r", "\x00", "\x07", "\x7f", "\x85", "a\u2028b", "\ufeffa", "\u00a0a", "\ud7ff"),
    *(
        "é\nü\n",
        "😀\nb",
        "a\x85\nb",
        "a\n\tb",
        "a\n---\nb",
        "a\n...\n",
        "a\n# c\n",
        "{{ ds.meta_data.hostname }}",
        "\ufffe",
    ),
    *("a" * 200 + " b" * 100, "#!/bin/sh\nset -eu\necho 'a'\n", "a:\n  b\n\n\nc"),
]
ALPHABET = "aeynotrufl019.:-+_ #'\"\\/\n\n\t,[]{}&*!|>%@`=~?<Exé\u2028\x85😀\ufeff\r\x00\u00a0"
texts = st.one_of(st.text(ALPHABET, max_size=20), st.text(max_size=20), st.sampled_from(NASTY + SPACED))
numbers = st.one_of(st.integers(-(2**53) + 1, 2**53 - 1), st.floats(-1e15, 1e15))
values = st.recursive(
    st.one_of(texts, numbers, st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=4)


def readings(text: str) -> list[Any]:
    """Return what each of the readers makes of a file with one document."""
    return [yaml.load(text, yaml.CSafeLoader), yaml.load(text, yaml.SafeLoader), values_from_yaml(text)]


@pytest.mark.parametrize("text", NASTY + SPACED)
def test_no_reader_takes_a_text_for_anything_else(text: str) -> None:
    for data in ({"k": text, "l": [text, {"m": text}, [text, [text]]]}, {"k": {text: 1}}, {text: {text: [text]}}):
        assert readings(to_yaml([data])) == [data] * 3


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=objects)
def test_random_documents_come_back_equal(data: dict[str, Any]) -> None:
    assert readings(to_yaml([data])) == [data] * 3


@settings(deadline=None)
@given(many=st.lists(objects, min_size=1, max_size=4))
def test_several_documents_come_back_one_by_one(many: list[dict[str, Any]]) -> None:
    assert list(yaml.load_all(to_yaml(many), yaml.CSafeLoader)) == many


@given(data=objects)
def test_equal_objects_give_equal_bytes_whatever_was_written_before(data: dict[str, Any]) -> None:
    first = to_yaml([data])
    to_yaml([{"other": str(number)} for number in range(50)])
    assert to_yaml([data]) == first


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1, 4200000001, -1, 0])
def test_whole_numbers_of_64_bits_are_exact(number: int) -> None:
    assert yaml.load(to_yaml([{"k": number}]), yaml.CSafeLoader) == {"k": number}


@pytest.mark.parametrize("number", [1e16, 1e-7, 1.5e300, -0.25, 3.0, 5e-324])
def test_fractions_are_fractions_for_every_reader(number: float) -> None:
    for found in readings(to_yaml([{"k": number}])):
        assert found == {"k": number}


def test_an_object_reads_as_people_would_write_it() -> None:
    manifest = Manifest(
        *("v1", "ConfigMap", "a", "n"),
        labels={"b": "2", "a": "x"},
        body={"data": {"run.sh": "#!/bin/sh\necho hi\n", "list": ["a", "1", {"k": True, "e": [], "m": {}}, None]}},
    )
    assert to_yaml([manifest, {}]) == (
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: "n"\n  labels:\n    a: x\n    b: "2"\n'
        'data:\n  run.sh: |\n    #!/bin/sh\n    echo hi\n  list:\n  - a\n  - "1"\n  - k: true\n    e: []\n    m: {}\n'
        "  - null\n---\n{}\n"
    )


class Effect(StrEnum):
    NO_SCHEDULE = "NoSchedule"


def test_read_only_mappings_tuples_and_enums_are_written_as_what_they_hold() -> None:
    data = {"a": MappingProxyType({"b": (1, Effect.NO_SCHEDULE)}), "c": [MappingProxyType({}), ()]}
    assert yaml.load(to_yaml([data]), yaml.CSafeLoader) == {"a": {"b": [1, "NoSchedule"]}, "c": [{}, []]}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**63, "64 bits"),
        (-(2**63), "64 bits"),
        ("half \ud800", "surrogate"),
        ("a\nhalf \udfff\n", "surrogate"),
        ({1: "a"}, "key 1"),
        ({None: "a"}, "key None"),
        ({"k" * 1001: "a"}, "longer than"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        (object(), "object"),
    ],
)
def test_what_no_reader_gives_back_is_refused(value: object, word: str) -> None:
    with pytest.raises(InvalidValue, match=word):
        to_yaml([{"k": value}])
    with pytest.raises(InvalidValue, match=word):
        to_yaml([{"k": [value]}])

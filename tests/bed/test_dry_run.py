"""What the dry run compares, shown without a server."""

from __future__ import annotations

from tests.bed.dry_run import differences, split


def test_documents_keep_their_bytes_and_their_line() -> None:
    first, second = split("---\n# a comment\nkind: A\n---\n---\nkind: B # x\nvalue: '---'\n")
    assert (first.text, first.line) == ("# a comment\nkind: A\n", 2)
    assert (second.text, second.line) == ("kind: B # x\nvalue: '---'\n", 6)


def test_what_the_server_adds_is_no_difference() -> None:
    assert list(differences({"spec": {"a": 1}}, {"spec": {"a": 1, "b": 2}, "status": {}})) == []


def test_a_value_that_changed_its_type_is_named_with_its_path() -> None:
    sent = {"spec": {"list": [{"a": "1e3"}], "flag": True}}
    echo = {"spec": {"list": [{"a": 1000}], "flag": 1}}
    assert list(differences(sent, echo)) == [
        "spec.list[0].a: '1e3' was read as 1000",
        "spec.flag: True was read as 1",
    ]


def test_a_dropped_value_is_named_and_an_empty_one_is_not() -> None:
    assert list(differences({"a": None, "b": {}, "c": 0}, {})) == ["c: 0 was dropped"]


def test_a_list_that_lost_an_element_is_named() -> None:
    assert list(differences({"a": [1, 2]}, {"a": [1]})) == ["a: [1, 2] was read as [1]"]


def test_the_texts_of_a_secret_are_compared_decoded() -> None:
    sent = {"kind": "Secret", "stringData": {"user": "007", "gone": "x"}}
    echo = {"kind": "Secret", "data": {"user": "MDA3"}}
    assert list(differences(sent, echo)) == ["stringData.gone: 'x' was dropped"]

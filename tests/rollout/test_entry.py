from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import InvalidValue
from schiff.rollout.entry import Entry

ZEROS = f"sha256:{'0' * 64}"
TEXT = (
    '{"v":1,"seq":42,"prev":"sha256:aa","env":"ref","kind":"observe","at":"2026-11-22T06:00:03Z",'
    '"server":"2026-11-22T06:00:02Z","actor":"ci:project/77/job/9912","fleet":"c0ffee",'
    f'"body":{{"healthy":59,"members":"{ZEROS}","plane":"{ZEROS}","progressing":2,"release":"{ZEROS}",'
    f'"report":"{ZEROS}","total":61,"unhealthy":0,"unknown":0}}}}\n'
)


def test_an_entry_is_written_as_it_was_read() -> None:
    assert Entry.parse(TEXT.encode()).to_bytes().decode() == TEXT


def test_the_digest_of_an_entry_is_frozen() -> None:
    expected = "sha256:eb0188e2416477b8c3514702e91ef5825a508e30fff121dc5e3cd4f7d5bb17f8"
    assert Entry.parse(TEXT.encode()).digest == expected


def test_the_file_is_named_by_the_number_with_six_digits() -> None:
    assert Entry.parse(TEXT.encode()).file_name == "000042.json"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{"v":1', '{"v":2', "form"),
        ('"v":1,"seq"', '"v":1, "seq"', "spelled"),
        ('"unhealthy":0,"unknown":0', '"unknown":0,"unhealthy":0', "spelled"),
        ('"total":61', '"total":61,"total":61', "spelled"),
        ('"total":61', '"total":61.5', "JSON"),
        ('"total":61', '"total":NaN', "JSON"),
        ('"total":61,', '"total":61},', "JSON"),
        ('"seq":42', '"seq":-1', "seq"),
        ('"seq":42', '"seq":true', "seq"),
        ('"env":"ref"', '"env":"dev"', "env"),
        ('"kind":"observe"', '"kind":"guess"', "kind"),
        ("2026-11-22T06:00:03Z", "2026-11-22 06:00", "moment"),
        ("2026-11-22T06:00:02Z", "2026-13-22T06:00:02Z", "moment"),
        ('"fleet":"c0ffee"', '"fleet":""', "fleet"),
        ('"actor":', '"author":', "fields"),
        ('"healthy":59', '"healthy":60', "add up"),
        ('"healthy":59', '"healthy":"59"', "healthy"),
        ('"unknown":0', '"unknown":0,"wish":1', "wish"),
        (TEXT.partition('"body":')[2], "[]}\n", "body"),
    ],
)
def test_anything_but_an_entry_is_refused_with_its_reason(old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidValue, match=said):
        Entry.parse(TEXT.replace(old, new).encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(InvalidValue, match="JSON"):
        Entry.parse(b"\xff")


def test_a_document_that_nests_without_end_is_refused() -> None:
    with pytest.raises(InvalidValue, match="JSON"):
        Entry.parse(b"[" * 100_000)


@pytest.mark.parametrize("actor", [r"a \" quote", r"a \\ stroke", r"gr\u00fc\u00df", r"line\nend"])
def test_a_header_that_json_escapes_is_read_like_any_other(actor: str) -> None:
    text = TEXT.replace("ci:project/77/job/9912", actor)
    assert Entry.parse(text.encode()).to_bytes().decode() == text


@pytest.mark.parametrize("actor", ["grüß", r"a\/b", r"\u0041", "delete\x7f"])
def test_another_spelling_of_a_header_is_refused(actor: str) -> None:
    with pytest.raises(InvalidValue, match="spelled"):
        Entry.parse(TEXT.replace("ci:project/77/job/9912", actor).encode())


@given(
    at=st.integers(0, len(TEXT) - 1),
    cut=st.integers(0, 3),
    more=st.sampled_from(["", " ", "0", "1", "-", ".", '"', "\\", "}", "{", ",", '"v":1,', "\n", "é", "\x7f"]),
)
def test_what_is_taken_for_an_entry_has_exactly_these_bytes(at: int, cut: int, more: str) -> None:
    content = (TEXT[:at] + more + TEXT[at + cut :]).encode()
    with suppress(InvalidValue):
        assert Entry.parse(content).to_bytes() == content


@pytest.mark.parametrize(
    "moment",
    [
        "0999-11-22T06:00:03Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T06:00:60Z",
        "2026-02-30T06:00:00Z",
        "2026-11-22T06:00:03+00:00",
        "2026-11-22T06:00:03.0Z",
        "20261122T060003Z",
    ],
)
def test_a_moment_has_one_spelling(moment: str) -> None:
    with pytest.raises(InvalidValue, match="moment"):
        Entry.parse(TEXT.replace("2026-11-22T06:00:03Z", moment).encode())

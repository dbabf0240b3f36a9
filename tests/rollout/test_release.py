from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from schiff.errors import InvalidValue, Refused, Tampered
from schiff.layers.yaml_documents import read_document
from schiff.model.fleet import Document
from schiff.model.frozen import LOCK_FILE, document_digest, frozen_digest, verify_lock
from schiff.rollout.names import release_name, require_release_name
from schiff.rollout.release import freeze
from tests.rollout.small_fleet import CUT, a_fleet, frozen, head_layers, released

VENDORED = {"calico/v3.32.1": "sha256:1"}


def test_a_release_holds_layers_one_to_six_the_catalogue_and_the_lock() -> None:
    assert list(frozen(a_fleet())) == [
        "defaults.yaml",
        "environments/prd.yaml",
        "environments/ref.yaml",
        "environments/tst.yaml",
        "fleet.yaml",
        "providers/vsphere.yaml",
        "release.lock",
        "release.yaml",
        "sites/site-1.yaml",
    ]


def test_a_frozen_release_verifies_against_its_lock() -> None:
    fleet = released(a_fleet())
    (layers,) = fleet.releases.values()
    assert (layers.release.name, layers.release.kind, layers.release.cut) == (
        "2026.48.0", "train", "2026-11-24T09:00:00Z",
    )  # fmt: skip


def test_a_layer_whose_text_is_known_is_copied_with_its_comments() -> None:
    text = b"# a comment\nregistry:   registry.example\nlabels: {b: '1', a: null}\n"
    files = freeze(a_fleet(), "2026.48.0", cut=CUT, schiff="source", texts={"defaults.yaml": text})
    assert files["defaults.yaml"] == text
    assert files[LOCK_FILE] == frozen(a_fleet())[LOCK_FILE]


def test_values_of_a_site_are_frozen_without_its_facts() -> None:
    text = {"sites/site-1/site.yaml": b"facts: {}\nvalues: {}\n"}
    files = freeze(a_fleet(), "2026.48.0", cut=CUT, schiff="source", texts=text)
    assert files["sites/site-1.yaml"] == b"access:\n  sshKeys:\n  - one\n  - two\n"


def test_a_site_that_stands_on_facts_alone_leaves_a_release_as_it_is() -> None:
    sites = {**head_layers().sites, "site-9": Document("sites/site-9/site.yaml", {})}
    assert frozen(a_fleet(head_layers(sites=sites))) == frozen(a_fleet())


def test_a_release_says_which_program_cut_it() -> None:
    assert b"schiff: source" in frozen(a_fleet())["release.yaml"]
    assert b"schiff: v1.4.0" in frozen(a_fleet(), schiff="v1.4.0")["release.yaml"]


def test_a_release_names_the_one_before_it() -> None:
    assert b"parent" not in frozen(a_fleet())["release.yaml"]
    assert b'parent: "2026.48.0"' in frozen(released(a_fleet()), "2026.50.0")["release.yaml"]


def test_a_release_is_cut_once() -> None:
    with pytest.raises(Refused, match=r"release 2026\.48\.0 exists already"):
        frozen(released(a_fleet()))


def test_a_vendored_byte_changes_the_identity() -> None:
    fleet = a_fleet()
    other = replace(fleet, vendored={"calico/v3.32.1": {"operator.yaml": b"kind:  Deployment\n"}})
    assert list(released(fleet).releases) != list(released(other).releases)


def test_a_vendored_folder_that_is_not_pinned_is_not_part_of_a_release() -> None:
    fleet = a_fleet()
    other = replace(fleet, vendored={**fleet.vendored, "calico/v9.0.0": {"operator.yaml": b""}})
    assert frozen(fleet) == frozen(other)


def test_the_identity_is_frozen() -> None:
    documents: dict[str, dict[str, object]] = {
        "release.yaml": {"kind": "train", "n": 1, "list": [None, True]},
        "defaults.yaml": {"a": None},
    }
    expected = "sha256:080c269b95e90116265cdbd10f3235a51c9169710a3c76d8ce80058dfdc0cfde"
    assert frozen_digest(documents, VENDORED) == expected


def test_the_name_is_a_label_and_not_part_of_the_identity() -> None:
    named = {"release.yaml": {"name": "2026.48.0", "kind": "train"}}
    assert frozen_digest(named, {}) == frozen_digest({"release.yaml": {"kind": "train"}}, {})
    assert frozen_digest({"defaults.yaml": {"name": "a"}}, {}) != frozen_digest({"defaults.yaml": {}}, {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": None}, {}),
        ({"a": None}, {"a": "null"}),
        ({"a": [None, "x"]}, {"a": ["x", None]}),
        ({"a": {"b": None}}, {"a": None}),
        ({"a": {}}, {"a": []}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": True}),
        ({"a": "x"}, {"b": "x"}),
    ],
)
def test_different_data_has_different_digests(one: dict[str, object], other: dict[str, object]) -> None:
    assert document_digest(one) != document_digest(other)


@pytest.mark.parametrize("data", [{"a": 0.5}, {1: "a"}, {"a": {None: 1}}])
def test_data_that_no_digest_can_hold_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(InvalidValue, match="digested"):
        document_digest(data)


def verify(files: dict[str, bytes], vendored: dict[str, str] | None = None) -> str:
    data = {path: dict(read_document(content, path).data) for path, content in files.items()}
    lock = data.pop(LOCK_FILE, {})
    return verify_lock("2026.48.0", data, lock.get("vendored", {}) if vendored is None else vendored, lock)


def test_comments_and_white_space_of_a_frozen_file_do_not_matter() -> None:
    files = dict(frozen(a_fleet()))
    assert verify({**files, "defaults.yaml": b"# x\n" + files["defaults.yaml"]}) == verify(files)


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("defaults.yaml", b"registry: evil.example\n", "releases/2026.48.0/defaults.yaml was changed"),
        ("zones/intranet.yaml", b"", "releases/2026.48.0/zones/intranet.yaml was added"),
        ("release.yaml", b"cut: now\n", "releases/2026.48.0/release.yaml was changed"),
    ],
)
def test_a_changed_release_names_the_file(path: str, content: bytes, said: str) -> None:
    with pytest.raises(Tampered, match=said):
        verify({**frozen(a_fleet()), path: content})


def test_a_missing_file_of_a_release_is_named() -> None:
    files = dict(frozen(a_fleet()))
    del files["sites/site-1.yaml"]
    with pytest.raises(Tampered, match=r"sites/site-1\.yaml is missing"):
        verify(files)


def test_a_release_without_a_lock_is_tampered() -> None:
    files = dict(frozen(a_fleet()))
    del files[LOCK_FILE]
    with pytest.raises(Tampered, match=r"release\.lock"):
        verify(files)


def test_a_component_folder_edited_in_place_is_named() -> None:
    with pytest.raises(Tampered, match=r"components/calico/v3\.32\.1 was changed"):
        verify(dict(frozen(a_fleet())), VENDORED)


def test_an_edited_digest_in_the_lock_is_noticed() -> None:
    files = dict(frozen(a_fleet()))
    start = files[LOCK_FILE].index(b"sha256:")
    edited = files[LOCK_FILE][: start + 7] + b"0" * 64 + files[LOCK_FILE][start + 71 :]
    with pytest.raises(Tampered, match=r"release\.lock was edited"):
        verify({**files, LOCK_FILE: edited})


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (datetime(2026, 11, 24, 9, tzinfo=UTC), "2026.48.0"),
        (datetime(2027, 1, 1, tzinfo=UTC), "2026.53.0"),
        (datetime(2027, 1, 4, tzinfo=UTC), "2027.1.0"),
    ],
)
def test_a_release_is_named_after_the_iso_week(moment: datetime, name: str) -> None:
    assert release_name(moment) == name


@pytest.mark.parametrize("name", ["", "x", "2026.48", "2026.048.0", "../2026.48.0", "2026.48.0/", "2026.48.0\n"])
def test_other_names_of_releases_are_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=r"2026\.48\.0"):
        require_release_name(name)

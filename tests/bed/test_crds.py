"""The pinned list of upstream definitions, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.bed import crds
from tests.bed.process import BedFailed


def a_definition(text: bytes, module: str = "") -> crds.PinnedCrd:
    digest = hashlib.sha256(text).hexdigest()
    return crds.PinnedCrd("project", "example.org_things.yaml", "config/things.yaml", digest, module)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> crds.PinnedCrd:
    """Return the one definition of a list of one, that is looked for in `tmp_path`."""
    pinned = a_definition(b"kind: CustomResourceDefinition\n")
    monkeypatch.setattr(crds, "pinned_crds", lambda: [pinned])
    monkeypatch.setenv("SCHIFF_CRDS", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "project").mkdir()
    return pinned


def test_every_definition_is_pinned_once_by_digest_and_named_after_its_resource() -> None:
    pinned = crds.pinned_crds()
    assert len(pinned) == 308
    assert len({crd.resource for crd in pinned}) == len(pinned)
    assert all(len(crd.sha256) == 64 for crd in pinned)
    assert "clusters.cluster.x-k8s.io" in {crd.resource for crd in pinned}


def test_a_file_with_the_pinned_digest_is_taken(only: crds.PinnedCrd, tmp_path: Path) -> None:
    (tmp_path / "project" / only.name).write_bytes(b"kind: CustomResourceDefinition\n")
    found = crds.find_crds()
    assert list(found.texts) == [only]
    assert found.missing == ()


def test_a_file_with_another_digest_is_refused(only: crds.PinnedCrd, tmp_path: Path) -> None:
    (tmp_path / "project" / only.name).write_bytes(b"kind: Edited\n")
    with pytest.raises(BedFailed, match="pins"):
        crds.find_crds()


def test_a_definition_found_nowhere_is_reported_by_its_resource(only: crds.PinnedCrd) -> None:
    found = crds.find_crds()
    assert found.missing == (only,)
    assert "project: things.example.org" in crds.missing_text(found.missing)


def test_a_folder_that_is_not_there_is_said(
    only: crds.PinnedCrd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHIFF_CRDS", str(tmp_path / "nowhere"))
    with pytest.raises(BedFailed, match="is no folder"):
        crds.find_crds()


def test_under_ci_a_definition_found_nowhere_is_a_failure(
    only: crds.PinnedCrd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(BedFailed, match="set SCHIFF_CRDS"):
        crds.find_crds()


def test_another_set_of_definitions_has_another_digest() -> None:
    one, two = a_definition(b"1"), a_definition(b"2")
    assert crds.CrdSet({one: b"1"}, ()).digest != crds.CrdSet({two: b"2"}, ()).digest

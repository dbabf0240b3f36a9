from __future__ import annotations

from pathlib import Path

import pytest

from schiff.delivery.release_folder import write_release
from schiff.errors import Failed, Refused

FILES = {"release.yaml": b"a", "environments/tst.yaml": b"b"}


def test_a_release_is_written_whole(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    folder = write_release(tmp_path / "fleet", "2026.48.0", FILES)
    assert folder == tmp_path / "fleet/releases/2026.48.0"
    assert (folder / "environments/tst.yaml").read_bytes() == b"b"
    assert [path.name for path in tmp_path.iterdir()] == ["fleet"]


def test_what_a_killed_run_left_behind_does_not_get_into_the_release(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / ".release-2026.48.0.new").mkdir()
    (tmp_path / ".release-2026.48.0.new/old.yaml").write_bytes(b"old")
    folder = write_release(tmp_path / "fleet", "2026.48.0", FILES)
    assert sorted(path.name for path in folder.rglob("*.yaml")) == ["release.yaml", "tst.yaml"]


def test_a_release_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    folder = write_release(tmp_path / "fleet", "2026.48.0", FILES)
    with pytest.raises(Refused, match="never edited"):
        write_release(tmp_path / "fleet", "2026.48.0", {"release.yaml": b"z"})
    assert (folder / "release.yaml").read_bytes() == b"a"


def test_a_folder_that_cannot_be_written_is_a_failure_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/releases").write_bytes(b"in the way")
    with pytest.raises(Failed, match=r"2026\.48\.0 could not be written"):
        write_release(tmp_path / "fleet", "2026.48.0", FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["fleet"]

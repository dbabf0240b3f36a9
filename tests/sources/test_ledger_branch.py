from __future__ import annotations

from pathlib import Path

import pytest

from schiff.delivery.ledger_branch import append_to_ledger
from schiff.errors import Failed, Tampered
from schiff.git.process import run_git
from schiff.rollout.ledger import Ledger
from schiff.sources.ledger_branch import read_ledger
from tests.delivery.ledger_writers import commit_file, one_genesis


def test_a_ledger_whose_repository_was_not_made_yet_is_empty_and_stays_unmade(tmp_path: Path) -> None:
    assert read_ledger(str(tmp_path / "ledger.git"), "tst", tmp_path / "cache") == Ledger.empty("tst")
    assert not (tmp_path / "ledger.git").exists()


def test_an_environment_without_a_branch_has_an_empty_ledger(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.git")
    append_to_ledger(url, "tst", one_genesis("tst"), tmp_path / "cache")
    assert read_ledger(url, "prd", tmp_path / "cache") == Ledger.empty("prd")


def test_a_ledger_is_read_as_it_was_appended(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.git")
    written = append_to_ledger(url, "tst", one_genesis("tst"), tmp_path / "cache")
    assert read_ledger(url, "tst", tmp_path / "another-cache") == written
    assert len(written.entries) == 1


def test_a_file_that_somebody_put_beside_the_entries_is_tampering(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.git")
    append_to_ledger(url, "tst", one_genesis("tst"), tmp_path / "cache")
    commit_file(tmp_path, url, "ledger/tst", "README.md", b"hello\n")
    with pytest.raises(Tampered, match=r"ledger of tst does not hold: 'README\.md'"):
        read_ledger(url, "tst", tmp_path / "cache")


def test_an_entry_that_somebody_edited_is_tampering(tmp_path: Path) -> None:
    url = str(tmp_path / "ledger.git")
    append_to_ledger(url, "tst", one_genesis("tst"), tmp_path / "cache")
    commit_file(tmp_path, url, "ledger/tst", "000000.json", b"{}\n")
    with pytest.raises(Tampered, match=r"000000\.json: its fields are not"):
        read_ledger(url, "tst", tmp_path / "cache")


def test_a_folder_that_is_no_repository_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Failed, match="cannot be read"):
        read_ledger(str(tmp_path / "empty"), "tst", tmp_path / "cache")


def test_a_ledger_may_lie_in_the_fleet_repository_itself(tmp_path: Path) -> None:
    checkout = tmp_path / "fleet-repository"
    run_git("init", "--quiet", "-b", "main", str(checkout))
    append_to_ledger(str(checkout), "tst", one_genesis("tst"), tmp_path / "cache")
    assert len(read_ledger(str(checkout), "tst", tmp_path / "cache").entries) == 1
    assert sorted(path.name for path in checkout.iterdir()) == [".git"]

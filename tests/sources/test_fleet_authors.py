from __future__ import annotations

from pathlib import Path

import pytest

from schiff.errors import Refused
from schiff.git.process import run_git
from schiff.sources.fleet_authors import authors_of

ORDER = "sites/site-1/customer-a/shop.yaml"


def wrote(folder: Path, path: str, text: str, author: str, when: str = "") -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    person = ("-c", f"user.name={author}", "-c", f"user.email={author}@Example.org")
    run_git("-C", str(folder), "add", "--all")
    run_git(*person, "-C", str(folder), "commit", "--quiet", "-m", "change", *([f"--date={when}"] if when else []))


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    run_git("init", "--quiet", "-b", "main", str(folder))
    return folder


def test_everybody_who_changed_a_file_lately_is_its_author(fleet: Path) -> None:
    wrote(fleet, ORDER, "1", "anna")
    wrote(fleet, ORDER, "2", "bert")
    wrote(fleet, "policy.yaml", "1", "carl")
    assert authors_of(fleet, [ORDER]) == {"anna@example.org", "bert@example.org"}


def test_the_newest_change_counts_however_old_it_is(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")
    wrote(fleet, ORDER, "1", "anna")
    wrote(fleet, ORDER, "2", "bert")
    assert authors_of(fleet, [ORDER]) == {"bert@example.org"}


def test_a_file_that_is_not_there_has_no_author(fleet: Path) -> None:
    wrote(fleet, ORDER, "1", "anna")
    assert authors_of(fleet, ["customers/none.yaml"]) == frozenset()


def test_outside_a_repository_nobody_is_known(tmp_path: Path) -> None:
    assert authors_of(tmp_path, [ORDER]) == frozenset()


def test_a_history_that_was_cut_off_is_refused(fleet: Path, tmp_path: Path) -> None:
    wrote(fleet, ORDER, "1", "anna")
    wrote(fleet, "policy.yaml", "1", "carl")
    run_git("clone", "--quiet", "--depth=1", f"file://{fleet}", str(tmp_path / "shallow"))
    with pytest.raises(Refused, match=r"history of .* is cut off") as refused:
        authors_of(tmp_path / "shallow", [ORDER])
    assert refused.value.code == "shallow"

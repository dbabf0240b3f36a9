"""Commits by their ids: fetched once, whatever the branch did since; what the server does not have is left out."""

from __future__ import annotations

from pathlib import Path

from schiff.git.clone import CachedClone
from schiff.git.commits import fetch_commits
from tests.git.repositories import a_repository, commit, git

ABSENT = "0" * 39 + "1"


def test_older_commits_are_had_with_their_trees_and_without_contents(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    first = commit(bare, {"a/x.yaml": "1\n"})
    second = commit(bare, {"a/x.yaml": "2\n"})
    head = commit(bare, {"b/y.yaml": "3\n"})
    clone = CachedClone(url, "main", tmp_path / "cache")
    clone.refresh()
    assert fetch_commits(clone, [first, second, head]) == {first, second, head}
    for each in (first, second, head):
        assert clone.trees(each, ["a"]) == {"a": git(bare, "rev-parse", f"{each}:a").strip()}
    assert clone.trees(first, ["b"]) == {}


def test_a_commit_that_the_server_does_not_have_hides_no_other(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    first = commit(bare, {"a": "1\n"})
    head = commit(bare, {"a": "2\n"})
    clone = CachedClone(url, "main", tmp_path / "cache")
    clone.refresh()
    assert fetch_commits(clone, [ABSENT, first, head]) == {first, head}
    assert clone.head() == head


def test_what_was_fetched_is_not_asked_for_again(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    first = commit(bare, {"a": "1\n"})
    head = commit(bare, {"a": "2\n"})
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    clone.refresh()
    assert fetch_commits(clone, [first]) == {first}
    bare.rename(tmp_path / "gone.git")
    assert fetch_commits(clone, [first, head]) == {first, head}
    assert fetch_commits(clone, [ABSENT]) == frozenset()

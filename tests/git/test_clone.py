"""The cached clone: what it reads over a path and over HTTP, and that it survives what happens to caches."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from schiff.errors import Failed
from schiff.git import clone as clone_module
from schiff.git.clone import CachedClone
from tests.git.repositories import a_repository, commit, files, git, head

FILES = {"a/x.yaml": "1\n", "a/b/y.yaml": "2\n", "top": "3\n", "d e/z": "4\n"}


def test_the_head_and_the_trees_are_those_of_the_branch(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    commit(bare, FILES)
    clone = CachedClone(url, "main", tmp_path / "cache")
    at = clone.refresh()
    assert at == head(bare) == clone.head()
    assert clone.trees(at, ["a", "a/b", "d e", "top", "absent", "a/x.yaml"]) == {
        path: git(bare, "rev-parse", f"main:{path}").strip() for path in ("a", "a/b", "d e")
    }
    assert clone.names(at, "a") == ("b", "x.yaml")
    assert clone.names(at, "absent") == ()


def test_contents_are_read_when_they_are_asked_for(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    commit(bare, FILES)
    clone = CachedClone(url, "main", tmp_path / "cache")
    at = clone.refresh()
    assert clone.read(at, "a/x.yaml") == b"1\n"
    assert clone.read_all(at, [*FILES, "absent", "a"]) == {path: text.encode() for path, text in FILES.items()}
    assert clone.read(at, "absent") is None


def test_a_clone_holds_no_contents_until_it_is_filled(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    at = clone.refresh()
    assert missing(clone, at) == len(FILES)
    clone.fill(f"{at}:a")
    assert missing(clone, at) == len(FILES) - 2
    assert clone.read(at, "a/x.yaml") == b"1\n"


def test_a_clone_follows_the_branch(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    clone = CachedClone(url, "main", tmp_path / "cache")
    assert clone.head() is None
    assert clone.refresh() is None
    first = commit(bare, FILES)
    assert clone.head() is None
    assert clone.refresh() == first
    second = commit(bare, {"a/x.yaml": "changed\n"}, gone=["a/b"])
    assert clone.refresh() == second
    assert clone.read(second, "a/x.yaml") == b"changed\n"
    assert clone.trees(second, ["a/b"]) == {}
    git(bare, "update-ref", "-d", "refs/heads/main")
    assert clone.refresh() is None
    assert clone.trees(None, ["a"]) == {}
    assert clone.read(None, "a") is None


def test_a_branch_that_was_rewritten_is_followed(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    first = commit(bare, FILES)
    commit(bare, {"new": ""})
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    clone.refresh()
    git(bare, "update-ref", "refs/heads/main", first)
    assert clone.refresh() == first


def test_changed_files_are_named_up_to_a_limit(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, {"a/x": "1", "a/y": "1", "a/z": "1"})
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    old = clone.trees(clone.refresh(), ["a"])["a"]
    commit(bare, {"a/x": "2", "a/n/w": "1"}, gone=["a/y"])
    new = clone.trees(clone.refresh(), ["a"])["a"]
    assert clone.changed_files(old, new) == ("+ n/w", "~ x", "- y")
    assert clone.changed_files(old, new, limit=1) == ("+ n/w", "... and 2 more")
    assert clone.changed_files(old, old) == ()
    assert clone.changed_files("1" * 40, old) == ()


def test_a_server_that_cannot_be_read_is_an_error_without_credentials(tmp_path: Path) -> None:
    clone = CachedClone("http://bot:hunter2@127.0.0.1:1/x.git", "main", tmp_path / "cache")
    with pytest.raises(Failed, match=r"http://127\.0\.0\.1:1/x\.git cannot be read") as caught:
        clone.refresh()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Failed, match="cannot be read"):
        CachedClone(str(tmp_path / "nowhere"), "main", tmp_path / "cache").refresh()


def test_clones_of_two_urls_and_of_two_branches_keep_apart(tmp_path: Path) -> None:
    one, two = a_repository(tmp_path, "one"), a_repository(tmp_path, "two")
    commit(one, {"f": "1"})
    commit(one, {"f": "2"}, branch="other")
    commit(two, {"f": "3"})
    cache = tmp_path / "cache"
    clones = [CachedClone(str(bare), branch, cache) for bare, branch in ((one, "main"), (one, "other"), (two, "main"))]
    assert [clone.read(clone.refresh(), "f") for clone in clones] == [b"1", b"2", b"3"]
    assert clones[0].folder == clones[1].folder != clones[2].folder


def test_a_relative_path_and_the_whole_path_share_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bare = a_repository(tmp_path)
    assert CachedClone(bare.name, "main", tmp_path).folder == CachedClone(str(bare), "main", tmp_path).folder


def test_a_half_made_clone_is_made_again(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    half = clone.folder.with_suffix(".new")
    half.mkdir(parents=True)
    (half / "HEAD").write_text("half")
    assert clone.refresh() == head(bare)


def test_lock_files_of_a_killed_git_are_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clone_module, "_GRACE", 0.0)
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    clone.refresh()
    commit(bare, {"new": ""})
    (clone.folder / "shallow.lock").touch()
    (clone.folder / "refs/remotes/origin/main.lock").touch()
    assert clone.refresh() == head(bare)


@pytest.mark.parametrize(("quiet", "renewed"), [(-1.0, True), (3600.0, False)])
def test_a_worn_clone_is_made_again_when_nobody_is_using_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quiet: float, renewed: bool
) -> None:
    monkeypatch.setattr(clone_module, "_WORN", 0)
    monkeypatch.setattr(clone_module, "_QUIET", quiet)
    bare = a_repository(tmp_path)
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    for number in range(3):
        commit(bare, {"f": str(number)})
        clone.refresh()
    (clone.folder / "mark").touch()
    assert clone.read(clone.refresh(), "f") == b"2"
    assert (clone.folder / "mark").exists() is not renewed


def test_a_broken_lock_file_alone_does_not_hide_other_errors(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    clone = CachedClone(str(bare), "main", tmp_path / "cache")
    clone.refresh()
    git(bare.parent, "-C", str(clone.folder), "config", "remote.origin.url", str(tmp_path / "gone"))
    with pytest.raises(Failed, match="cannot be read"):
        clone.refresh()


def test_processes_wait_for_each_other(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    context = multiprocessing.get_context("spawn")
    with context.Pool(4) as pool:
        heads = pool.starmap(_refresh, [(str(bare), tmp_path / "cache")] * 8)
    assert set(heads) == {head(bare)}


def test_the_holder_of_the_lock_may_take_it_again(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    one, two = (CachedClone(str(bare), branch, tmp_path / "cache") for branch in ("main", "other"))
    with one.locked(), one.locked(), two.locked():
        assert two.refresh() is None
        assert one.refresh() == head(bare)


def _refresh(url: str, cache: Path) -> str | None:
    return CachedClone(url, "main", cache).refresh()


def missing(clone: CachedClone, at: str | None) -> int:
    """Count the objects of a commit that the clone does not hold."""
    assert at
    return git(clone.folder, "rev-list", "--objects", "--missing=print", at).count("?")


def test_the_makers_of_these_tests_see_the_same_files(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    commit(bare, FILES)
    assert files(bare) == FILES

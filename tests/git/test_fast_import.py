"""Objects and commits by fast-import: equal to what Git itself would make, and only what is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schiff.compiler.file_tree import FileTree, tree_id
from schiff.git.clone import CachedClone
from schiff.git.fast_import import NewCommit, store_objects, write_commits
from schiff.git.repository import push
from tests.git.repositories import a_repository, commit, files, git

WHEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
TREE = FileTree([("x.yaml", "1\n"), ("sub/y.yaml", "2\n"), ("secret.yaml", b"\xff\x00\n")])


def a_clone(folder: Path, **written: str) -> tuple[Path, CachedClone]:
    bare = a_repository(folder)
    if written:
        commit(bare, written)
    clone = CachedClone(str(bare), "main", folder / "cache")
    clone.refresh()
    return bare, clone


def test_folders_are_stored_under_the_ids_that_were_computed(tmp_path: Path) -> None:
    _, clone = a_clone(tmp_path)
    assert store_objects(clone, {"sites/a": TREE, "b": FileTree()}) == 1
    listed = git(clone.folder, "ls-tree", "-r", "--name-only", tree_id(TREE)).split()
    assert listed == ["secret.yaml", "sub/y.yaml", "x.yaml"]


def test_folders_that_the_branch_has_are_not_stored_again(tmp_path: Path) -> None:
    bare, clone = a_clone(tmp_path, **{"a/x": "1", "b/x": "1"})
    same, other = FileTree({"x": "1"}), FileTree({"x": "2"})
    assert store_objects(clone, {"a": same, "b": other, "c": same}) == 2
    assert files(bare) == {"a/x": "1", "b/x": "1"}


def test_storing_twice_gives_the_same_objects(tmp_path: Path) -> None:
    _, clone = a_clone(tmp_path)
    store_objects(clone, {"a": TREE})
    first = clone.resolve("refs/schiff/objects")
    store_objects(clone, {"a": TREE})
    assert clone.resolve("refs/schiff/objects") == first


def test_commits_set_and_remove_and_leave_everything_else(tmp_path: Path) -> None:
    bare, clone = a_clone(tmp_path, **{"a/x": "1", "gone/x": "1", "mine/x": "1"})
    new = FileTree({"x": "2", '"quoted"': "3"})
    store_objects(clone, {"a": new, '"q"/b': new})
    first = NewCommit("first\n", removed=["gone"], trees={"a": tree_id(new)})
    second = NewCommit("second\n", trees={'"q"/b': tree_id(new)}, files={"f.json": b"{}\n"})
    done = write_commits(clone, "refs/schiff/next", clone.head(), [first, second], WHEN)
    assert push(clone, done[-1], "main")
    inner = {"x": "2", '"quoted"': "3"}
    assert files(bare) == {
        "mine/x": "1",
        "f.json": "{}\n",
        **{f"a/{name}": text for name, text in inner.items()},
        **{f'"q"/b/{name}': text for name, text in inner.items()},
    }
    shown = git(bare, "log", "-2", "--reverse", "--format=%H %s %ct %ce").splitlines()
    assert shown == [
        f"{done[0]} first {int(WHEN.timestamp())} schiff@localhost",
        f"{done[1]} second {int(WHEN.timestamp())} schiff@localhost",
    ]


def test_equal_commits_have_equal_ids(tmp_path: Path) -> None:
    _, clone = a_clone(tmp_path)
    one = write_commits(clone, "refs/schiff/one", None, [NewCommit("x", files={"f": b"1"})], WHEN)
    two = write_commits(clone, "refs/schiff/two", None, [NewCommit("x", files={"f": b"1"})], WHEN)
    assert one == two


@settings(max_examples=15, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    name=st.text('ab" é$', min_size=1),
)
def test_any_content_arrives_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    _, clone = a_clone(folder)
    tree = FileTree({name: text})
    store_objects(clone, {"d": tree})
    (blob,) = tree.blobs()
    assert clone.run("cat-file", "blob", f"{tree_id(tree)}:{name}") == blob.data

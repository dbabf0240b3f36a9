"""File trees: what they refuse, how they differ, and that their ids are Git's own."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schiff.compiler.file_tree import EMPTY_TREE, ChangeSet, Content, FileTree, difference, tree_id
from schiff.errors import InvalidValue

names = st.one_of(
    st.sampled_from(["a", "b", "a.b", "a-b", "a0", "ab", "_", "é", '"q', " s"]), st.text("abz.-0", min_size=1)
)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
files = st.dictionaries(paths, st.one_of(st.text("ab\né", max_size=30), st.binary(max_size=30)), max_size=8)


def git(folder: Path, *args: str, stdin: bytes = b"") -> str:
    return subprocess.run(["git", "-C", folder, *args], input=stdin, check=True, capture_output=True).stdout.decode()


def by_git(tree: FileTree, folder: Path) -> dict[str, str]:
    """Return the tree ids Git itself gives to the files, by folder."""
    git(folder, "init", "-q")
    for path, content in tree.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "-c", "core.autocrlf=false", "add", "--all", "--force")
    root = git(folder, "write-tree").strip()
    listed = git(folder, "ls-tree", "-r", "-d", "-z", root).split("\0")
    return {"": root} | {row.split("\t")[1]: row.split()[2] for row in listed if row}


def a_tree(data: dict[str, Content]) -> FileTree | None:
    try:
        return FileTree(data)
    except InvalidValue:
        return None


@settings(max_examples=60, deadline=None)
@given(tree=files.map(a_tree).filter(lambda tree: tree is not None))
def test_ids_are_those_of_git(tree: FileTree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert dict(tree.folders()) == by_git(tree, Path(folder))


def test_a_folder_sorts_as_git_sorts_it(tmp_path: Path) -> None:
    tree = FileTree({"a/x": "1", "a.b": "2", "a-b": "3", "a0": "4", "ab/c/d": "5"})
    assert dict(tree.folders()) == by_git(tree, tmp_path)


def test_no_files_have_the_id_of_the_empty_tree() -> None:
    assert tree_id(FileTree()) == EMPTY_TREE


def test_blob_ids_are_those_of_git(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (blob,) = FileTree({"a": "hé\n"}).blobs()
    assert (blob.path, blob.data) == ("a", "hé\n".encode())
    assert blob.id == git(tmp_path, "hash-object", "--stdin", stdin=blob.data).strip()


@given(data=files, seed=st.randoms())
def test_the_order_of_writing_does_not_matter(data: dict[str, Content], seed: Random) -> None:
    shuffled = sorted(data.items(), key=lambda _: seed.random())
    first, second = a_tree(data), a_tree(dict(shuffled))
    assert first == second
    if first is not None and second is not None:
        assert list(first) == list(second) == sorted(data)
        assert hash(first) == hash(second)


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".git", "a/.git/b", ".GIT/x", "a\\b", "a\nb", "a\0"],
)
def test_a_path_that_leads_out_or_means_nothing_is_refused(path: str) -> None:
    with pytest.raises(InvalidValue, match="relative path"):
        FileTree({path: "x"})


def test_names_that_only_look_like_dots_are_fine() -> None:
    assert list(FileTree({"..a/.gitignore": "", "...": "", ".github/x": ""})) == ["...", "..a/.gitignore", ".github/x"]


def test_a_second_writer_of_a_path_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"a/b\.yaml is written twice"):
        FileTree([("a/b.yaml", "1"), ("a/b.yaml", "1")])


@pytest.mark.parametrize("clash", [("A/x", "a/y"), ("a.yaml", "A.yaml"), ("d/É", "d/é")])
def test_names_that_differ_in_case_alone_are_refused(clash: tuple[str, str]) -> None:
    with pytest.raises(InvalidValue, match="case alone"):
        FileTree(dict.fromkeys(clash, ""))


@pytest.mark.parametrize("clash", [("a", "a/b"), ("a/b", "a/b/c"), ("a", "a-", "a/b")])
def test_a_file_and_a_folder_of_one_name_are_refused(clash: tuple[str, ...]) -> None:
    with pytest.raises(InvalidValue, match="already"):
        FileTree(dict.fromkeys(clash, ""))


def test_a_difference_names_what_is_created_changed_and_deleted() -> None:
    old: FileTree = FileTree([("same", "1"), ("other", "1"), ("gone", "1"), ("bytes", b"x")])
    new = FileTree({"same": "1", "other": "2", "new": "1", "bytes": "x"})
    assert difference(old, new) == ChangeSet(created=("new",), changed=("other",), deleted=("gone",))
    assert not difference(old, old)


def test_trees_are_joined_and_taken_apart() -> None:
    inner = FileTree({"x.yaml": "1", "sub/y.yaml": "2"})
    outer = FileTree.joined({"": FileTree({"top": "0"}), "sites/a": inner})
    assert list(outer) == ["sites/a/sub/y.yaml", "sites/a/x.yaml", "top"]
    assert outer.below("sites/a") == inner
    assert outer.folders()["sites/a"] == tree_id(inner)
    assert outer.folders()["sites/a/sub"] == tree_id(inner.below("sub"))


def test_joining_two_writers_of_one_path_is_refused() -> None:
    with pytest.raises(InvalidValue, match="written twice"):
        FileTree.joined({"": FileTree({"a/b": "1"}), "a": FileTree({"b": "1"})})

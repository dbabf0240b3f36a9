"""Pushing and compare-and-swap: races are told from refusals, and refusals carry the server's words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schiff.errors import Conflict, Failed, Refused
from schiff.git.clone import CachedClone
from schiff.git.fast_import import NewCommit, write_commits
from schiff.git.repository import LostRace, append_files, ensure_bare, push, read_branch
from tests.bed.git_server import GitServer
from tests.git.repositories import a_repository, commit, files, git, head, hook

WHEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.fixture(params=["path", "http"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Give a bare repository and the URL under which it is written."""
    if request.param == "path":
        bare = a_repository(tmp_path)
        yield bare, str(bare)
        return
    with GitServer(tmp_path / "served") as server:
        yield server.create("definitions"), server.url("definitions")


def a_commit(clone: CachedClone, parent: str | None, text: str) -> str:
    return write_commits(clone, "refs/schiff/next", parent, [NewCommit("x\n", files={"f": text.encode()})], WHEN)[0]


def a_clone(url: str, folder: Path) -> CachedClone:
    clone = CachedClone(url, "main", folder)
    clone.refresh()
    return clone


def test_an_embedded_repository_is_made_once(tmp_path: Path) -> None:
    url = ensure_bare(tmp_path / "deep/definitions.git")
    commit(Path(url), {"f": "1"})
    assert ensure_bare(tmp_path / "deep/definitions.git") == url
    assert files(Path(url)) == {"f": "1"}


def test_a_push_moves_the_branch_and_the_clone_knows(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    clone = a_clone(url, tmp_path / "cache")
    first = a_commit(clone, None, "1")
    assert push(clone, first, "main")
    second = a_commit(clone, first, "2")
    assert push(clone, second, "main")
    assert head(bare) == clone.head() == second


def test_a_branch_that_moved_is_a_lost_race(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    clone = a_clone(url, tmp_path / "cache")
    for text in ("1", "2"):
        mine = a_commit(clone, clone.head(), f"mine {text}")
        theirs = commit(bare, {"theirs": text})
        with pytest.raises(LostRace, match="at the same time"):
            push(clone, mine, "main")
        assert head(bare) == theirs
        clone.refresh()


def test_a_refusal_carries_the_words_of_the_server(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    hook(bare, "pre-receive", "echo 'main is protected: ask the platform team' >&2; exit 1")
    clone = a_clone(url, tmp_path / "cache")
    with pytest.raises(Refused, match="main is protected: ask the platform team") as caught:
        push(clone, a_commit(clone, None, "1"), "main")
    assert caught.value.code == "push-refused"
    assert head(bare) == ""


def test_a_server_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    bare = a_repository(tmp_path)
    clone = a_clone(str(bare), tmp_path / "cache")
    mine = a_commit(clone, None, "1")
    bare.rename(tmp_path / "moved.git")
    with pytest.raises(Failed, match=r"the push to main of .* failed: .*definitions\.git"):
        push(clone, mine, "main")


def test_a_lease_overwrites_only_what_was_seen(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    clone = a_clone(url, tmp_path / "cache")
    first, other = a_commit(clone, None, "1"), a_commit(clone, None, "2")
    push(clone, first, "schiff/tst", lease="")
    push(clone, other, "schiff/tst", lease=first)
    assert head(bare, "schiff/tst") == other
    for stale in ("", first):
        with pytest.raises(LostRace):
            push(clone, first, "schiff/tst", lease=stale)


def test_push_options_reach_the_server(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    hook(bare, "pre-receive", f'echo "$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0" > {bare}/seen')
    clone = a_clone(url, tmp_path / "cache")
    assert push(clone, a_commit(clone, None, "1"), "main", options=["merge_request.create", "x=a b"])
    assert (bare / "seen").read_text() == "2 merge_request.create\n"


def test_a_server_without_push_options_gets_the_push_without(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    git(bare, "config", "receive.advertisePushOptions", "false")
    clone = a_clone(url, tmp_path / "cache")
    assert not push(clone, a_commit(clone, None, "1"), "main", options=["merge_request.create"])
    assert files(bare) == {"f": "1"}


def test_hooks_of_the_person_who_pushes_do_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    (tmp_path / "config").write_text(f"[core]\n\thooksPath = {hooks}\n")
    bare = a_repository(tmp_path)
    git(bare, "config", "core.hooksPath", str(tmp_path / "none"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    clone = a_clone(str(bare), tmp_path / "cache")
    assert push(clone, a_commit(clone, None, "1"), "main")


def test_files_are_appended_one_commit_after_another(served: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = served
    cache = tmp_path / "cache"
    branch = "ledger/tst"
    assert read_branch(url, branch, cache) == (None, {})
    first = append_files(url, branch, {"0.json": b"a"}, "0\n", expected_head=None, cache_dir=cache, when=WHEN)
    both = {"1.json": b"b", "objects/x.json": b"c"}
    second = append_files(url, branch, both, "1\n", expected_head=first, cache_dir=cache, when=WHEN)
    assert read_branch(url, branch, tmp_path / "elsewhere") == (second, {"0.json": b"a", **both})
    assert git(bare, "rev-list", "--count", branch).strip() == "2"


def test_one_of_two_writers_of_a_number_loses(served: tuple[Path, str], tmp_path: Path) -> None:
    _, url = served
    one, two = tmp_path / "one", tmp_path / "two"
    start = append_files(url, "ledger/tst", {"0": b"a"}, "0\n", expected_head=None, cache_dir=one, when=WHEN)
    append_files(url, "ledger/tst", {"1": b"one"}, "1\n", expected_head=start, cache_dir=one, when=WHEN)
    with pytest.raises(LostRace, match="moved on"):
        append_files(url, "ledger/tst", {"1": b"two"}, "1\n", expected_head=start, cache_dir=two, when=WHEN)
    with pytest.raises(LostRace):
        append_files(url, "ledger/tst", {"1": b"two"}, "1\n", expected_head=None, cache_dir=two, when=WHEN)
    assert read_branch(url, "ledger/tst", two).files == {"0": b"a", "1": b"one"}


def test_a_file_of_a_ledger_is_never_rewritten(tmp_path: Path) -> None:
    bare, cache = a_repository(tmp_path), tmp_path / "cache"
    at = append_files(str(bare), "l", {"0": b"a"}, "0\n", expected_head=None, cache_dir=cache, when=WHEN)
    with pytest.raises(Conflict, match="holds 0 with other content"):
        append_files(str(bare), "l", {"0": b"b", "1": b"c"}, "1\n", expected_head=at, cache_dir=cache, when=WHEN)
    again = append_files(str(bare), "l", {"0": b"a"}, "0\n", expected_head=at, cache_dir=cache, when=WHEN)
    assert again == at

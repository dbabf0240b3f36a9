"""Writing to a repository: pushing, and the compare-and-swap that a ledger branch needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from schiff.errors import Conflict, Failed, Refused
from schiff.git.clone import CachedClone
from schiff.git.fast_import import NewCommit, write_commits
from schiff.git.locks import file_lock
from schiff.git.process import Ended, redacted, run_git

_RACE = re.compile(
    r"\((fetch first|non-fast-forward|stale info|incorrect old value provided|reference already exists"
    r"|cannot lock ref|failed to update ref|failed to lock)"
)
_PUSH = ("-c", "pack.window=0", "push", "--porcelain", "--no-verify")
_NO_OPTIONS = "does not support push options"
_EMBEDDED = {
    "http.receivepack": "true",
    "receive.advertisePushOptions": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
}


class LostRace(Conflict):
    """Somebody else moved the branch first; the caller looks at the new head and decides again."""


class BranchFiles(NamedTuple):
    """Every file of a small branch, and the commit they were read at."""

    head: str | None
    files: Mapping[str, bytes]


def ensure_bare(path: Path) -> str:
    """Return the URL of an embedded repository, which is made on first use."""
    with file_lock(path.with_suffix(".lock")).held():
        if not (path / "HEAD").is_file():
            run_git("init", "--quiet", "--bare", "--template=", "--object-format=sha1", "-b", "main", str(path))
            for name, value in _EMBEDDED.items():
                run_git("config", name, value, folder=path)
    return str(path.absolute())


def push(
    clone: CachedClone, commit: str, branch: str, *, lease: str | None = None, options: Sequence[str] = ()
) -> bool:
    """Move a branch of the server to a commit; raises `LostRace` when the branch is no longer below it.

    The push carries no differences against what the clone does not hold: Git
    would fetch that first, file by file. (A window of 0 says so for every
    transport, which ``--no-thin`` does not.) With a `lease` the branch is overwritten while it stands at
    that commit (``""``: while there is none). The answer is whether the server
    took the push options; one that does not know them gets the push without.
    """
    force = () if lease is None else (f"--force-with-lease=refs/heads/{branch}:{lease}",)
    chosen = tuple(f"--push-option={option}" for option in options)
    target = f"{commit}:refs/heads/{branch}"
    with clone.locked():
        ended = clone.attempt(*_PUSH, *force, *chosen, "origin", target)
        if ended.status and options and _NO_OPTIONS in ended.err:
            push(clone, commit, branch, lease=lease)
            return False
        if ended.status:
            raise _push_error(clone, branch, ended)
        return True


def read_branch(url: str, branch: str, cache_dir: Path) -> BranchFiles:
    """Return every file of a branch that is small enough to be read whole, such as a ledger's."""
    clone = CachedClone(url, branch, cache_dir)
    head = clone.refresh()
    return BranchFiles(head, _files(clone, head))


def append_files(
    url: str,
    branch: str,
    files: Mapping[str, bytes],
    message: str,
    *,
    expected_head: str | None,
    cache_dir: Path,
    when: datetime,
) -> str:
    """Add files to a branch as one commit and return it, if the branch still stands at the expected head.

    Nothing is ever rewritten: a file that is there with other bytes is a
    conflict, a file with equal bytes is left alone.
    """
    clone = CachedClone(url, branch, cache_dir)
    with clone.locked():
        head = _expected(clone, expected_head)
        there = clone.read_all(head, files)
        if changed := sorted(path for path, data in there.items() if files[path] != data):
            raise Conflict(f"{branch} of {redacted(clone.url)} holds {changed[0]} with other content already")
        missing = {path: data for path, data in sorted(files.items()) if path not in there}
        if head and not missing:
            return head
        return _commit(clone, head, NewCommit(message, files=missing), when)


def replace_files(
    url: str,
    branch: str,
    files: Mapping[str, bytes],
    message: str,
    *,
    expected_head: str | None,
    cache_dir: Path,
    when: datetime,
    removed: Sequence[str] = (),
) -> str:
    """Write files over what a branch holds as one commit and return it, if it still stands at the expected head.

    What is `removed` goes first, and stays in the history.
    """
    clone = CachedClone(url, branch, cache_dir)
    with clone.locked():
        head = _expected(clone, expected_head)
        return _commit(clone, head, NewCommit(message, removed, files=files), when)


def _expected(clone: CachedClone, expected_head: str | None) -> str | None:
    """Return the head of the branch; raises `LostRace` unless it is the expected one."""
    head = clone.refresh()
    if head != expected_head:
        raise LostRace(f"{clone.branch} of {redacted(clone.url)} moved on from {expected_head or 'nothing'} to {head}")
    return head


def _commit(clone: CachedClone, head: str | None, commit: NewCommit, when: datetime) -> str:
    (written,) = write_commits(clone, f"refs/schiff/{clone.branch}", head, [commit], when)
    push(clone, written, clone.branch)
    return written


def _files(clone: CachedClone, head: str | None) -> dict[str, bytes]:
    if head is None:
        return {}
    clone.fill(f"{head}^{{tree}}")
    listed = clone.run("ls-tree", "-r", "-z", "--name-only", head).decode()
    return clone.read_all(head, (path for path in listed.split("\0") if path))


def _push_error(clone: CachedClone, branch: str, ended: Ended) -> Failed | LostRace | Refused:
    """Tell a lost race from a server that says no and from one that cannot be reached."""
    where = f"{branch} of {redacted(clone.url)}"
    refusals = [line.split("\t")[-1] for line in ended.out.decode(errors="replace").splitlines() if line[:1] == "!"]
    if any(map(_RACE.search, refusals)):
        return LostRace(f"somebody else moved {where} at the same time")
    if refusals:
        return Refused(f"the server refused the push to {where}: {_words(ended) or refusals[0]}", code="push-refused")
    return Failed(f"the push to {where} failed: {ended.sentence}")


def _words(ended: Ended) -> str:
    """Return what the server itself said, which stands in Git's output after ``remote:``."""
    said = [line.removeprefix("remote:").strip() for line in ended.err.splitlines() if line.startswith("remote:")]
    return redacted("; ".join(line for line in said if line))

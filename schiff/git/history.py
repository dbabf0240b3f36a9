"""The past of a branch: which of its commits changed a folder, in a clone that knows all of them.

Everything else works on clones of depth 1. This one is asked in an emergency,
lies beside them, and has the whole history and no file's content.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from schiff.errors import Failed
from schiff.git.clone import CachedClone
from schiff.git.process import redacted

_FETCH = ("fetch", "--quiet", "--filter=blob:none", "--no-tags", "--no-write-fetch-head", "origin")


class PastCommit(NamedTuple):
    """One commit of a branch, and when it was made."""

    id: str
    at: datetime


def clone_of_history(url: str, branch: str, cache_dir: Path) -> CachedClone:
    """Return a clone of a branch with all its commits, as they are now; raises `Failed` where it cannot be read."""
    clone = CachedClone(url, branch, cache_dir / "history")
    with clone.locked():
        ended = clone.attempt(*_FETCH, f"+refs/heads/{branch}:{clone.tracking}")
    if ended.status:
        raise Failed(f"{redacted(clone.url)} cannot be read: {ended.sentence}")
    return clone


def commits_of(clone: CachedClone, folder: str) -> Iterator[PastCommit]:
    """Yield the commits of a clone's branch that changed a folder, newest first."""
    listed = clone.run("log", "--first-parent", "--format=%H %ct", clone.tracking, "--", folder).decode()
    for line in listed.splitlines():
        commit, _, seconds = line.partition(" ")
        yield PastCommit(commit, datetime.fromtimestamp(int(seconds), UTC))

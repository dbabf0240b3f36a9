"""The past of a branch: which of its commits changed a folder, in a clone that knows all of them.

Everything else works on clones of depth 1. This one is asked in an emergency,
lies beside them, and has the whole history and no file's content.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from schiff.git.clone import CachedClone


class PastCommit(NamedTuple):
    """One commit of a branch, and when it was made."""

    id: str
    at: datetime


def clone_of_history(url: str, branch: str, cache_dir: Path) -> CachedClone:
    """Return a clone of a branch with all its commits, as they are now; raises `Failed` where it cannot be read."""
    clone = CachedClone(url, branch, cache_dir / "history")
    clone.refresh(whole=True)
    return clone


def commits_of(clone: CachedClone, folder: str) -> Iterator[PastCommit]:
    """Yield the commits of a clone's branch that changed a folder, newest first; none of a branch that is not there."""
    if clone.head() is None:
        return
    listed = clone.run("log", "--first-parent", "--format=%H %ct", clone.tracking, "--", folder).decode()
    for line in listed.splitlines():
        commit, _, seconds = line.partition(" ")
        yield PastCommit(commit, datetime.fromtimestamp(int(seconds), UTC))

"""Which commit a fleet folder stands at, and whether it was edited since."""

from __future__ import annotations

from pathlib import Path

from schiff.git.process import try_git


def fleet_commit(folder: Path) -> str:
    """Return the commit that a fleet folder stands at; nothing outside a repository."""
    ended = try_git("-C", str(folder), "rev-parse", "--quiet", "--verify", "HEAD")
    return "" if ended.status else ended.out.decode().strip()


def is_committed(folder: Path) -> bool:
    """Whether everything in a fleet folder is in Git as it stands."""
    ended = try_git("-C", str(folder), "status", "--porcelain", "--", ".")
    return not ended.status and not ended.out and bool(fleet_commit(folder))

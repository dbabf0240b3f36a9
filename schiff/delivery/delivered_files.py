"""The files that a stack delivered, as they stand at the head of a branch."""

from __future__ import annotations

from pathlib import Path

from schiff.delivery.snapshot import look
from schiff.git.clone import CachedClone


def delivered_files(url: str, branch: str, stack: str, cache: Path) -> dict[str, bytes] | None:
    """Return every file that `stack` owns by its path, None before its first delivery; reads only, makes nothing."""
    clone = CachedClone(url, branch, cache)
    clone.refresh()
    snapshot = look(clone, stack)
    if snapshot.manifest is None or snapshot.head is None:
        return None
    clone.fill(f"{snapshot.head}^{{tree}}")
    listed = clone.run("ls-tree", "-r", "-z", "--name-only", snapshot.head).decode().split("\0")
    owned = tuple(f"{line.path}/" for line in snapshot.lines)
    return clone.read_all(snapshot.head, [path for path in listed if path.startswith(owned)])

"""The files that a stack delivered, as they stand at the head of a branch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schiff.delivery.delivered import Line
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
    return files_below(clone, snapshot.head, [line.path for line in snapshot.lines])


def delivered_lines(url: str, branch: str, stack: str, cache: Path) -> tuple[Line, ...]:
    """Return what `stack` owns, by its manifest; nothing before its first delivery."""
    clone = CachedClone(url, branch, cache)
    clone.refresh()
    return look(clone, stack).lines


def files_below(clone: CachedClone, head: str, folders: Sequence[str]) -> dict[str, bytes]:
    """Return every file at `head` that lies in one of some folders, by its path."""
    listed = clone.run("ls-tree", "-r", "-z", "--name-only", head).decode().split("\0")
    inside = tuple(f"{folder}/" for folder in folders)
    return clone.read_all(head, [path for path in listed if path.startswith(inside)])

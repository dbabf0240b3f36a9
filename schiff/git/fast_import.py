"""Writing objects and commits with ``git fast-import``: one stream, no work tree, no index.

Folders go in as they are (`store_objects`); a commit then only names their
trees (`M 040000`), so that what it costs depends on what changed and not on
the size of the repository.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain

from schiff.compiler.file_tree import FileTree, tree_id
from schiff.git.clone import CachedClone

_OBJECTS = "refs/schiff/objects"
_IDENTITY = "schiff <schiff@localhost>"
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class NewCommit:
    """One commit to write: what it takes away, which trees it sets, which files it writes, in this order."""

    message: str
    removed: Sequence[str] = ()
    trees: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def store_objects(clone: CachedClone, trees: Mapping[str, FileTree]) -> int:
    """Put folders into the clone unless the branch head has them already, and return how many were put.

    Nothing refers to them afterwards but a name of the clone's own: this fills
    a cache, and a preview may do it. Whether an object is *present* is asked of
    the head and not of the clone, because a clone without contents knows trees
    whose files it does not hold.
    """
    with clone.locked():
        present = clone.trees(clone.head(), trees)
        wanted = {path: tree for path, tree in trees.items() if tree and present.get(path) != tree_id(tree)}
        if wanted:
            header = _header(_OBJECTS, "objects", _EPOCH)
            clone.run("fast-import", "--quiet", "--force", stdin=chain((header,), _inline(wanted)))
        return len(wanted)


def write_commits(
    clone: CachedClone, ref: str, parent: str | None, commits: Sequence[NewCommit], when: datetime
) -> tuple[str, ...]:
    """Write commits on top of each other below a name of the clone's own, and return their ids, oldest first."""
    with clone.locked():
        clone.run("fast-import", "--quiet", "--force", stdin=_stream(ref, parent, commits, when))
        ids = clone.run("rev-list", "--first-parent", f"--max-count={len(commits)}", ref).decode().split()
        return tuple(reversed(ids))


def _stream(ref: str, parent: str | None, commits: Sequence[NewCommit], when: datetime) -> Iterator[bytes]:
    for number, commit in enumerate(commits):
        yield _header(ref, commit.message, when)
        if number == 0 and parent:
            yield f"from {parent}\n".encode()
        for path in commit.removed:
            yield f"D {_quoted(path)}\n".encode()
        for path, tree in commit.trees.items():
            yield f"M 040000 {tree} {_quoted(path)}\n".encode()
        for path, data in commit.files.items():
            yield _file(path, data)
        yield b"\n"


def _header(ref: str, message: str, when: datetime) -> bytes:
    text = message.encode()
    return b"commit %s\ncommitter %s %d +0000\ndata %d\n%s\n" % (
        ref.encode(),
        _IDENTITY.encode(),
        int(when.timestamp()),
        len(text),
        text,
    )


def _inline(trees: Mapping[str, FileTree]) -> Iterator[bytes]:
    """Write every file of the folders."""
    for path, tree in trees.items():
        for blob in tree.blobs():
            yield _file(f"{path}/{blob.path}" if path else blob.path, blob.data)


def _file(path: str, data: bytes) -> bytes:
    return b"M 100644 inline %s\ndata %d\n%s\n" % (_quoted(path).encode(), len(data), data)


def _quoted(path: str) -> str:
    """Return a path as fast-import reads it: quoted only when it starts with a quote."""
    return '"' + path.replace('"', '\\"') + '"' if path.startswith('"') else path

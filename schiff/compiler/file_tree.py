"""Files as one value: path to text, its Git tree id, and what differs between two of them.

Git's own digest is used, so that a folder compared with a branch, a delivered
manifest or another compile needs no second kind of digest, and no file has to
be read. The ids are computed here, without Git: equal files give equal ids on
every machine. Every file is an ordinary one (mode 100644).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1
from typing import NamedTuple, TypeAlias

from schiff.errors import InvalidValue

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The id of a folder without files, which Git never stores: the folder is absent."""

Content: TypeAlias = str | bytes
_Folder: TypeAlias = "dict[str, Content | _Folder]"

_NAME = r"(?!\.{1,2}(?:/|\Z))(?!(?i:\.git)(?:/|\Z))[^/\\\x00-\x1f\x7f]+"
_PATH = re.compile(rf"{_NAME}(?:/{_NAME})*")


class Blob(NamedTuple):
    """One file as Git stores it."""

    path: str
    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The paths in which two trees differ, each sorted."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.deleted)


class FileTree(Mapping[str, Content]):
    """Files by relative POSIX path, in the order of their paths.

    Text is written by schiff; bytes are documents that pass through untouched.
    Refused are a second writer of a path, a path that leads out or into Git's
    own folder, a file where a folder is, and two names that differ in case
    alone: a checkout on many machines could hold only one of them.
    """

    __slots__ = ("_files", "_folders", "_ids", "_root")

    def __init__(self, files: Mapping[str, Content] | Iterable[tuple[str, Content]] = ()) -> None:
        pairs = sorted(files.items() if isinstance(files, Mapping) else files, key=_path_of)
        self._files: dict[str, Content] = {}
        self._root: _Folder = {}
        self._ids: dict[str, str] = {}
        self._folders: dict[str, str] | None = None
        for path, content in pairs:
            if path in self._files:
                raise InvalidValue(f"{path} is written twice")
            _place(self._root, path, content)
            self._files[path] = content
        _require_distinct_names(self._root, "")

    @classmethod
    def joined(cls, trees: Mapping[str, FileTree]) -> FileTree:
        """Return one tree that holds each given tree in its folder; ``""`` is the root."""
        return cls(
            (f"{folder}/{path}" if folder else path, content)
            for folder, tree in trees.items()
            for path, content in tree.items()
        )

    def __getitem__(self, path: str) -> Content:
        return self._files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __eq__(self, other: object) -> bool:
        return self._files == other._files if isinstance(other, FileTree) else NotImplemented

    def __hash__(self) -> int:
        return hash(tree_id(self))

    def __repr__(self) -> str:
        return f"FileTree({len(self)} files, {tree_id(self)})"

    def below(self, folder: str) -> FileTree:
        """Return what lies in a folder, with paths relative to it."""
        start = folder + "/"
        return FileTree((path.removeprefix(start), text) for path, text in self.items() if path.startswith(start))

    def blobs(self) -> Iterator[Blob]:
        """Yield every file with its Git blob id and bytes; only the ids are kept."""
        for path, content in self._files.items():
            data = _bytes(content)
            yield Blob(path, self._ids.get(path) or self._ids.setdefault(path, _blob_id(data)), data)

    def folders(self) -> Mapping[str, str]:
        """Return the Git tree id of every folder by its path; the root is ``""``."""
        if self._folders is None:
            ids = {blob.path: blob.id for blob in self.blobs()}
            self._folders = {}
            _hash_folder(self._root, "", ids, self._folders)
        return self._folders


def tree_id(tree: FileTree) -> str:
    """Return the id Git gives to a folder with exactly these files."""
    return tree.folders()[""]


def difference(old: FileTree, new: FileTree) -> ChangeSet:
    """Return what changes when `new` takes the place of `old`."""
    return ChangeSet(
        created=tuple(path for path in new if path not in old),
        changed=tuple(path for path, content in new.items() if path in old and _bytes(old[path]) != _bytes(content)),
        deleted=tuple(path for path in old if path not in new),
    )


def _path_of(pair: tuple[str, Content]) -> str:
    return pair[0]


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _blob_id(data: bytes) -> str:
    return sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _place(root: _Folder, path: str, content: Content) -> None:
    """Put a file into nested folders; refuse a path that Git could not hold or should not."""
    if not _PATH.fullmatch(path):
        raise InvalidValue(f"{path!r} is not a relative path of plain names (expected e.g. sites/a/cluster.yaml)")
    *parents, name = path.split("/")
    folder = root
    for parent in parents:
        below = folder.setdefault(parent, {})
        if not isinstance(below, dict):
            raise InvalidValue(f"{path}: {parent} is a file already, so it cannot be a folder")
        folder = below
    if name in folder:
        raise InvalidValue(f"{path} is a folder already, so it cannot be a file")
    folder[name] = content


def _require_distinct_names(folder: _Folder, path: str) -> None:
    seen: dict[str, str] = {}
    for name, content in folder.items():
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise InvalidValue(f"{path}{other} and {path}{name} differ in case alone, which many machines cannot store")
        if isinstance(content, dict):
            _require_distinct_names(content, f"{path}{name}/")


def _hash_folder(folder: _Folder, path: str, blobs: Mapping[str, str], found: dict[str, str]) -> str:
    """Return a folder's tree id and note it; Git sorts a folder as if its name ended in a slash."""
    entries: list[tuple[bytes, bytes]] = []
    for name, content in folder.items():
        below, raw = f"{path}/{name}" if path else name, name.encode()
        if isinstance(content, dict):
            object_id = _hash_folder(content, below, blobs, found)
            entries.append((raw + b"/", b"40000 " + raw + b"\0" + bytes.fromhex(object_id)))
        else:
            entries.append((raw, b"100644 " + raw + b"\0" + bytes.fromhex(blobs[below])))
    body = b"".join(entry for _, entry in sorted(entries))
    found[path] = sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
    return found[path]

"""What stands at the head of a delivered branch: who owns what, and whether it is still what was delivered.

One look asks Git for all owned folders at once and answers from memory
afterwards, because the engine asks for a thousand clusters one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import FOLDER, DeliveredManifest, Line, Owners, manifest_path
from schiff.errors import Conflict, InvalidValue
from schiff.git.clone import CachedClone


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """A folder that does not have the tree it should have; the empty tree stands for "absent"."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Snapshot:
    """One commit of a delivered branch, seen by one stack."""

    clone: CachedClone
    stack: str
    head: str | None
    manifests: Mapping[str, DeliveredManifest]

    @property
    def manifest(self) -> DeliveredManifest | None:
        """This stack's own manifest; none before its first delivery."""
        return self.manifests.get(self.stack)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What this stack owns."""
        return self.manifest.lines if self.manifest else ()

    @property
    def direct(self) -> bool:
        """Whether this stack's folders went to API servers: then the branch holds their record and no file of them."""
        return self.manifest is not None and self.manifest.direct

    @property
    def serial(self) -> int:
        """The number of this stack's last delivery; 0 before the first."""
        return self.manifest.serial if self.manifest else 0

    @cached_property
    def others(self) -> Owners:
        """Who owns what, this stack left out."""
        return Owners({stack: manifest for stack, manifest in self.manifests.items() if stack != self.stack})

    def tree(self, path: str) -> str:
        """Return the tree of one folder; the empty tree when it is absent."""
        return self.trees((path,))[path]

    def trees(self, paths: Iterable[str]) -> dict[str, str]:
        """Return the trees of many folders at once."""
        asked = tuple(paths)
        found = self.clone.trees(self.head, asked)
        return {path: found.get(path, EMPTY_TREE) for path in asked}


def look(clone: CachedClone, stack: str) -> Snapshot:
    """Read every stack's manifest at the head of the last refresh, and the trees of all that this stack owns."""
    return look_at(clone, stack, clone.head())


def look_at(clone: CachedClone, stack: str, head: str | None) -> Snapshot:
    """Read the same at a commit that the clone has."""
    folder = clone.trees(head, (FOLDER,)).get(FOLDER)
    if folder is None:
        return Snapshot(clone, stack, head, {})
    clone.fill(folder)
    paths = {
        name.removesuffix(".json"): f"{FOLDER}/{name}" for name in clone.names(head, FOLDER) if name[-5:] == ".json"
    }
    texts = clone.read_all(head, paths.values())
    snapshot = Snapshot(clone, stack, head, {owner: _parsed(owner, texts[path]) for owner, path in paths.items()})
    snapshot.trees(line.path for line in snapshot.lines)
    return snapshot


def drift(snapshot: Snapshot, lines: Iterable[Line]) -> tuple[Change, ...]:
    """Return the folders that do not stand at the head as the lines say."""
    wanted = {line.path: line.tree for line in lines}
    found = snapshot.trees(wanted)
    return tuple(Change(path, found[path], tree) for path, tree in sorted(wanted.items()) if found[path] != tree)


def foreign(snapshot: Snapshot, serial: int = 0) -> tuple[Change, ...]:
    """Return what somebody else did to what this stack owns, read as what taking it back would change.

    That is an owned folder whose tree is not the one its manifest names, and a
    manifest that is older than the delivery this stack remembers (`serial`; 0
    when it remembers none, because lost state is no fault of the branch).
    """
    edited = () if snapshot.direct else drift(snapshot, snapshot.lines)
    if snapshot.serial >= serial:
        return edited
    return (*edited, Change(manifest_path(snapshot.stack), f"serial {snapshot.serial}", f"serial {serial}"))


def _parsed(stack: str, data: bytes) -> DeliveredManifest:
    """Return one manifest; a broken one was not written by schiff."""
    cure = "restore it from the last commit that schiff made"
    try:
        manifest = DeliveredManifest.parse(data.decode())
    except (InvalidValue, UnicodeDecodeError) as error:
        raise Conflict(f"{manifest_path(stack)} was edited by somebody else: {error}; {cure}") from error
    if manifest.stack != stack:
        raise Conflict(f"{manifest_path(stack)} says it is of stack {manifest.stack!r}; {cure}")
    return manifest

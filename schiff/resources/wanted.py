"""What a stack wants in both repositories, in two steps: orders, then the wave.

A is what the delivered manifest says that clusters run, B what the ledger
assigns. *Orders* bring the branch to compile(fleet, A): what people changed
takes effect, nothing is promoted. The *wave* goes on to compile(fleet, B): only
what the ledger moved. What follows head has no release to be moved to, so head
reaches it with the orders; so does the start of a new cluster and the next
state of one that leaves. A change of the wave outside the moved clusters and
the folders that list them is refused: whatever it is, nobody promoted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from schiff.compiler.environment import CompiledEnvironment, Folder, Repository
from schiff.compiler.file_tree import FileTree, tree_id
from schiff.delivery.delivered import Line
from schiff.errors import InvalidValue, Refused
from schiff.model.release import Assignment, Assignments
from schiff.resources.places import is_listing_of, management_cluster_of
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

REPOSITORIES: tuple[Repository, ...] = ("components", "definitions")
"""Both, in the order of delivery: what definitions point at is there first."""

Compile = Callable[[Assignments], CompiledEnvironment]
Delivered = Mapping[Repository, Iterable[Line]]
Folders = Mapping[PurePosixPath, Folder]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One repository's share of what a stack wants: every owned folder after each step, and the files.

    `shared` are the add-only folders that either step needs; `contents` holds
    the files of each step by folder.
    """

    repository: Repository
    orders: tuple[Line, ...]
    wave: tuple[Line, ...]
    shared: Mapping[str, FileTree]
    contents: tuple[Mapping[str, FileTree], ...]

    @classmethod
    def of(cls, repository: Repository, orders: CompiledEnvironment, wave: CompiledEnvironment) -> Wanted:
        """Return a repository's share of two compiled environments, often one and the same."""
        steps = (orders,) if orders is wave else (orders, wave)
        folders = [_folders(compiled, repository) for compiled in steps]
        lines = [tuple(map(_line, step.values())) for step in folders]
        shared = {str(path): tree for compiled in steps for path, tree in compiled.shared.items()}
        return cls(
            repository=repository,
            orders=lines[0],
            wave=lines[-1],
            shared=shared if repository == "components" else {},
            contents=tuple({str(path): folder.files for path, folder in step.items()} for step in folders),
        )

    def only(self, cluster: ClusterKey, delivered: Iterable[Line]) -> Wanted:
        """Return the share with every line as delivered, but those of one cluster and the folders that list it."""
        own = {line.path for line in self.wave if line.name == str(cluster)}
        kept = {line.path: line for line in delivered}

        def narrowed(lines: tuple[Line, ...]) -> tuple[Line, ...]:
            chosen = [line for line in lines if line.path in own or any(is_listing_of(line.path, path) for path in own)]
            return tuple({**kept, **{line.path: line for line in chosen}}.values())

        return replace(self, orders=narrowed(self.orders), wave=narrowed(self.wave))


def wanted(compile_: Compile, assigned: Assignments, delivered: Delivered) -> dict[Repository, Wanted]:
    """Return what to deliver to each repository; equal assignments are compiled once.

    The repositories have a base each: a run killed between their pushes leaves
    one a wave behind the other.
    """
    wave = compile_(assigned)
    done = [(assigned, wave)]
    found: dict[Repository, Wanted] = {}
    for repository in REPOSITORIES:
        base = base_of(assigned, delivered[repository])
        orders = next((compiled for seen, compiled in done if seen == base), None)
        if orders is None:
            orders = compile_(base)
            done.append((base, orders))
        if orders is not wave:
            _require_contained(_folders(orders, repository), _folders(wave, repository), base, assigned)
        found[repository] = Wanted.of(repository, orders, wave)
    return found


def base_of(assigned: Assignments, lines: Iterable[Line]) -> Assignments:
    """Return A: for each cluster what it was delivered with, as far as a `move` alone may change that."""
    tenants, management = dict(assigned.tenants), dict(assigned.management_clusters)
    for line in lines:
        if line.kind == "cluster":
            key = ClusterKey.parse(line.name)
            if key in tenants:
                tenants[key] = _before(assigned.tenants[key], line)
        elif (name := management_cluster_of(line.path)) in management:
            management[name] = _before(assigned.management_clusters[name], line)
    return Assignments(tenants, management)


def _before(assigned: Assignment, line: Line) -> Assignment:
    """Return what a cluster ran before the wave; head and removals are orders, so they hold already."""
    if assigned.release == HEAD:
        return assigned
    try:
        return replace(assigned, release=line.release, kubernetes=KubernetesVersion.parse(line.kubernetes))
    except InvalidValue:
        return assigned


def _require_contained(before: Folders, after: Folders, base: Assignments, assigned: Assignments) -> None:
    """Raise `Refused` when the wave would change a folder of nobody it moves (blast radius)."""
    moved = {str(key) for key, to in assigned.tenants.items() if base.tenants.get(key) != to}
    hosts = {name for name, to in assigned.management_clusters.items() if base.management_clusters.get(name) != to}
    hosts |= {folder.management_cluster for folder in after.values() if folder.name in moved}
    stray = [
        str(folder.path)
        for folder in _changed(before, after)
        if (folder.name not in moved if folder.kind == "cluster" else folder.management_cluster not in hosts)
    ]
    if stray:
        raise Refused(f"the wave would change what it does not move: {', '.join(stray)}", "blast-radius")


def _changed(before: Folders, after: Folders) -> Iterator[Folder]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old is None or new is None or old.files != new.files:
            yield from (folder for folder in (new or old,) if folder)


def _folders(compiled: CompiledEnvironment, repository: Repository) -> Folders:
    return {folder.path: folder for folder in compiled.folders if folder.repository == repository}


def _line(folder: Folder) -> Line:
    return Line(
        path=str(folder.path),
        tree=tree_id(folder.files),
        kind=folder.kind,
        name=folder.name,
        release=folder.release,
        kubernetes=folder.kubernetes,
        removal=folder.removal or "",
    )

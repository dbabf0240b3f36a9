"""What the clusters of a stack should be, by what stands delivered: its manifests, and the files they name.

A folder that somebody changed since is not read: it is not what was delivered.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import Line
from schiff.delivery.delivered_files import files_below
from schiff.delivery.snapshot import Snapshot, drift
from schiff.manifests.flux import COMPONENTS, DEFINITIONS
from schiff.model.layout import flux_folder
from schiff.model.resolved import namespace_of
from schiff.rollout.health import Expected, expected_of
from schiff.values.names import ClusterKey

PLATFORM: Final = "platform"
"""The customer of management clusters."""

_SELF = re.compile(r"[^/]+/self-definitions")
_SOURCES = "sources.yaml"
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ExpectedCluster:
    """A delivered cluster and the names it is shown under; `edited`: somebody else changed one of its folders."""

    expected: Expected
    management: str
    site: str
    customer: str
    edited: bool

    @property
    def is_management(self) -> bool:
        """Whether it is a management cluster."""
        return self.expected.cluster == self.management


def expected_clusters(
    definitions: Snapshot, components: Snapshot, environment: str, only: str = ""
) -> list[ExpectedCluster]:
    """Return the tenants of a stack and the management clusters it owns; with `only` the one of that name."""
    pairs = [pair for pair in _pairs(definitions, components) if only in ("", pair.name)]
    managers = {pair.management for pair in pairs}
    lists = [str(flux_folder(name, each)) for name in managers for each in _environments(definitions, name)]
    files = _Files.of(definitions, [*(pair.definitions.path for pair in pairs), *lists])
    own = _Files.of(components, [pair.components.path for pair in pairs])
    tenants = {f"{pair.namespace}.yaml" for pair in _pairs(definitions, components) if not pair.is_management}
    trees = _all_trees(definitions, components)
    found = []
    for pair in pairs:
        flux = str(flux_folder(pair.management, environment))
        applied = {
            path: content
            for folder in lists
            if folder.startswith(f"{pair.management}/")
            for path, content in files.folder(folder).items()
            if pair.is_applied_by(PurePosixPath(path), folder == flux, tenants)
        }
        texts = {**files.folder(pair.definitions.path), **own.folder(pair.components.path), **applied}
        expected = expected_of(pair.definitions, pair.components, texts, trees if pair.is_management else None)
        edited = pair.definitions.path in files.edited or pair.components.path in own.edited
        found.append(ExpectedCluster(expected, pair.management, pair.site, pair.customer, edited))
    return found


def cluster_names(definitions: Snapshot, components: Snapshot) -> tuple[str, ...]:
    """Return the names of a stack's clusters, as `expected_clusters` takes them."""
    return tuple(pair.name for pair in _pairs(definitions, components))


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two lines of one cluster."""

    definitions: Line
    components: Line

    @property
    def management(self) -> str:
        return self.definitions.path.partition("/")[0]

    @property
    def is_management(self) -> bool:
        return self.definitions.kind != "cluster"

    @property
    def name(self) -> str:
        return self.management if self.is_management else self.definitions.name

    @property
    def namespace(self) -> str:
        key = self.definitions.name
        return self.management if self.is_management else namespace_of(ClusterKey.parse(key), self.management)

    @property
    def site(self) -> str:
        return self.components.path.split("/")[2]

    @property
    def customer(self) -> str:
        return PLATFORM if self.is_management else self.definitions.path.split("/")[3]

    def is_applied_by(self, path: PurePosixPath, own_list: bool, tenants: set[str]) -> bool:
        """Whether a file of a list applies the cluster: of a tenant its own and the sources, of a manager the rest."""
        if self.is_management:
            return own_list and path.name not in tenants
        return path.name == _SOURCES or (own_list and path.name == f"{self.namespace}.yaml")


def _pairs(definitions: Snapshot, components: Snapshot) -> Iterator[_Pair]:
    """Yield every cluster; in `components` the folder of a management cluster ends with its name."""
    tenants = {line.name: line for line in components.lines if line.kind == "cluster"}
    managers = {line.path.rpartition("/")[2]: line for line in components.lines if line.kind == "folder"}
    for line in definitions.lines:
        if line.kind == "cluster":
            yield _Pair(line, tenants.get(line.name) or _nowhere(line, line.name))
        elif _SELF.fullmatch(line.path):
            name = line.path.partition("/")[0]
            yield _Pair(line, managers.get(name) or _nowhere(line, f"none/{name}"))


def _nowhere(line: Line, name: str) -> Line:
    """Return the line of a folder that was not delivered, which health will miss."""
    return Line(f"locations/none/{name}", EMPTY_TREE, line.kind, line.name, line.release, line.kubernetes, line.removal)


def _environments(definitions: Snapshot, management: str) -> list[str]:
    """Return the environments whose stacks deliver a list to a management cluster."""
    start = str(flux_folder(management, ""))
    lines = (line.path for manifest in definitions.manifests.values() for line in manifest.lines)
    return sorted({path.removeprefix(f"{start}/") for path in lines if path.startswith(f"{start}/")})


def _all_trees(definitions: Snapshot, components: Snapshot) -> Mapping[tuple[str, str], str]:
    """Return every folder of every stack: a management cluster applies those of all its environments."""
    return {
        (repository, line.path): line.tree
        for repository, snapshot in ((DEFINITIONS, definitions), (COMPONENTS, components))
        for manifest in snapshot.manifests.values()
        for line in manifest.lines
    }


@dataclass(frozen=True, slots=True)
class _Files:
    """The YAML files of some folders at the head, without encrypted ones; of folders that were edited, none."""

    folders: Mapping[str, Files]
    edited: frozenset[str]

    @classmethod
    def of(cls, snapshot: Snapshot, wanted: list[str]) -> _Files:
        edited = frozenset(change.path for change in drift(snapshot, snapshot.lines)) if not snapshot.direct else ()
        whole = frozenset(wanted).difference(edited)
        if snapshot.head is None:
            return cls({}, frozenset(edited))
        snapshot.clone.fill(f"{snapshot.head}^{{tree}}")
        folders: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        for path, content in files_below(snapshot.clone, snapshot.head, sorted(whole)).items():
            if path.endswith((".yaml", ".yml")) and "/secrets/" not in path:
                folders[_folder(path, whole)][path] = content
        return cls(folders, frozenset(edited))

    def folder(self, path: str) -> Files:
        return self.folders.get(path, {})


def _folder(path: str, folders: frozenset[str]) -> str:
    """Return the one of some folders that a file lies in."""
    while path and path not in folders:
        path = path.rpartition("/")[0]
    return path

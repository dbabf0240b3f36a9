"""The fleet as it was read: documents of layers, typed facts, releases; looked up by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schiff.errors import Place
from schiff.model.catalogue import CatalogueEntry
from schiff.model.management_cluster import ManagementClusterSpec
from schiff.model.policy import PolicySpec
from schiff.model.release import ReleaseSpec
from schiff.model.settings import FleetSettings
from schiff.model.site import SiteFacts
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey

Path = tuple[str | int, ...]
"""The keys and positions that lead to a value in a document."""


@dataclass(frozen=True, slots=True)
class Document:
    """One file's data, and where each of its values stands."""

    file: str
    data: Mapping[str, Any]
    marks: Mapping[Path, tuple[int, int]] = field(default_factory=dict, compare=False)

    def place(self, path: Path = ()) -> Place:
        """Return where the value at `path` stands, or its nearest parent."""
        for length in range(len(path), -1, -1):
            mark = self.marks.get(path[:length])
            if mark is not None:
                return Place(self.file, *mark)
        return Place(self.file)

    def below(self, key: str) -> Document:
        """Return the map under `key` as a document of its own, marks kept."""
        inner = self.data.get(key) or {}
        marks = {path[1:]: mark for path, mark in self.marks.items() if path[:1] == (key,)}
        return Document(self.file, inner, marks)


EMPTY = Document("", {})


@dataclass(frozen=True, slots=True)
class SharedLayers:
    """Layers 1 to 6 with their order, catalogue and versions: head's, or frozen in a release.

    `digest` is `HEAD` for the working copy, else the release's identity.
    `frozen` holds the data of a release's files as they were read, the lock too,
    by path in its folder: what another version of schiff is given to read.
    """

    digest: str
    settings: FleetSettings
    release: ReleaseSpec
    defaults: Document
    environments: Mapping[str, Document]
    providers: Mapping[str, Document]
    zones: Mapping[str, Document]
    classes: Mapping[str, Document]
    sites: Mapping[str, Document]
    catalogue: Mapping[str, CatalogueEntry]
    release_document: Document = EMPTY
    frozen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)

    @property
    def is_head(self) -> bool:
        """Whether these layers are the working copy's."""
        return self.digest == HEAD


@dataclass(frozen=True, slots=True)
class Order:
    """Layer 8 of one cluster: what was ordered, by which customer, and its encrypted documents, byte for byte."""

    key: ClusterKey
    customer: str
    document: Document
    secrets: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Site:
    """A site's facts, where they stand, and its encrypted documents."""

    name: str
    facts: SiteFacts
    document: Document
    secrets: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManagementCluster:
    """A management cluster as it was written."""

    name: str
    spec: ManagementClusterSpec
    document: Document
    secrets: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Everything described. Cross-references were checked when it was made."""

    head: SharedLayers
    releases: Mapping[str, SharedLayers]
    sites: Mapping[str, Site]
    customers: Mapping[str, Document]
    management_clusters: Mapping[str, ManagementCluster]
    orders: Mapping[ClusterKey, Order]
    policy: PolicySpec
    vendored: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)

    def layers_of(self, release: str) -> SharedLayers:
        """Return the shared layers of a release's digest, or head's; raises `KeyError` for an unknown one."""
        return self.head if release == HEAD else self.releases[release]

    def release_named(self, name: str) -> SharedLayers | None:
        """Return the release of that name, if the fleet has it."""
        return next((layers for layers in self.releases.values() if layers.release.name == name), None)

    def management_cluster_of(self, site: str, environment: str) -> ManagementCluster | None:
        """Return the one management cluster that serves `site` for `environment`."""
        for cluster in self.management_clusters.values():
            if site in cluster.spec.sites and environment in cluster.spec.environments:
                return cluster
        return None

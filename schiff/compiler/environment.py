"""Everything one environment's stack delivers, as folders of files.

A tenant cluster has a folder in each repository. A management cluster has its
self-definitions, a folder for each of its sites, and one list of tenants for
each environment it serves; what environments share is compiled by the owning
one alone, so that it has one owner (design: the path of one change).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from schiff.compiler.components import locations, shared_folders
from schiff.compiler.file_tree import FileTree
from schiff.compiler.flux_lists import flux_folder_tree
from schiff.compiler.management_cluster import self_definitions
from schiff.compiler.parts import Parts
from schiff.compiler.site import site_objects
from schiff.compiler.tenant_cluster import definitions
from schiff.layers.resolve import ResolvedEnvironment
from schiff.model import layout
from schiff.model.resolved import Listing, ResolvedCluster

Repository = Literal["definitions", "components"]


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that the environment's stack owns, and what the delivered manifest says of it."""

    repository: Repository
    path: PurePosixPath
    kind: Literal["cluster", "folder"]
    name: str
    files: FileTree
    release: str
    kubernetes: str
    removal: str | None
    management_cluster: str
    site: str


@dataclass(frozen=True, slots=True)
class CompiledEnvironment:
    """All owned folders, sorted by repository and path, and the add-only component folders they need."""

    environment: str
    folders: tuple[Folder, ...]
    shared: Mapping[PurePosixPath, FileTree]


def compile_environment(
    resolved: ResolvedEnvironment, parts: Parts, others: Collection[Listing] = ()
) -> CompiledEnvironment:
    """Return what this environment delivers; a function of its input alone, never of the time.

    A cluster in its last removal state has folders without files: they stay
    listed, because the record of its end is what lets its order go. `others` are
    tenants that another version of schiff compiles: the lists have them too.
    """
    folders = sorted(_folders(resolved, parts, others), key=lambda folder: (folder.repository, folder.path))
    everything = [*resolved.tenants.values(), *resolved.management_clusters.values()]
    return CompiledEnvironment(
        environment=resolved.environment,
        folders=tuple(folder for folder in folders if folder.files or folder.kind == "cluster"),
        shared=shared_folders(everything, resolved.fleet, parts),
    )


def _folders(resolved: ResolvedEnvironment, parts: Parts, others: Collection[Listing]) -> Iterator[Folder]:
    for cluster in resolved.tenants.values():
        yield from _tenant(cluster, parts)
    for name, cluster in resolved.management_clusters.items():
        served = [tenant for tenant in resolved.tenants.values() if tenant.management.name == name]
        elsewhere = [listing for listing in others if listing.management_cluster == name]
        yield from _management(cluster, served, elsewhere, resolved, parts)


def _tenant(cluster: ResolvedCluster, parts: Parts) -> Iterator[Folder]:
    identity = cluster.identity
    in_definitions = layout.cluster_folder(identity.management_cluster, identity.site, identity.customer, identity.name)
    in_components = layout.locations_folder(identity.location, identity.site, identity.name)
    yield _folder("definitions", in_definitions, definitions(cluster, parts), cluster, tenant=str(identity.key))
    yield _folder("components", in_components, locations(cluster, parts), cluster, tenant=str(identity.key))


def _management(
    cluster: ResolvedCluster,
    served: Iterable[ResolvedCluster],
    others: Collection[Listing],
    resolved: ResolvedEnvironment,
    parts: Parts,
) -> Iterator[Folder]:
    name = cluster.management.name
    owned = name in resolved.owned
    lists = flux_folder_tree(
        cluster, resolved.environment, tuple(served), resolved.fleet, parts, owned=owned, others=others
    )
    yield _folder("definitions", layout.flux_folder(name, resolved.environment), lists, cluster)
    if not owned:
        return
    yield _folder(
        "definitions", layout.self_definitions_folder(name), self_definitions(cluster, resolved.fleet, parts), cluster
    )
    identity = cluster.identity
    own = layout.locations_folder(identity.location, identity.site, identity.name)
    yield _folder("components", own, locations(cluster, parts), cluster)
    for site_name in cluster.management.spec.sites:
        site = resolved.fleet.sites[site_name]
        files = site_objects(site, cluster, resolved.fleet, parts)
        yield _folder("definitions", layout.site_folder(name, site_name), files, cluster, site=site_name)


def _folder(
    repository: Repository,
    path: PurePosixPath,
    files: FileTree,
    cluster: ResolvedCluster,
    *,
    tenant: str = "",
    site: str = "",
) -> Folder:
    assignment = cluster.assignment
    return Folder(
        repository=repository,
        path=path,
        kind="cluster" if tenant else "folder",
        name=tenant or str(path),
        files=files,
        release=assignment.release,
        kubernetes=str(assignment.kubernetes),
        removal=assignment.removal,
        management_cluster=cluster.management.name,
        site=cluster.identity.site if tenant else site,
    )

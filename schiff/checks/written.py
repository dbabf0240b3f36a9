"""Where people wrote what a compiled file says: nobody can edit the file itself.

A problem that was found by comparing what was delivered stands in the folder of
a cluster. It is moved to the order, or to the layer that wrote the value, and
keeps the name of the object and its field in its sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from schiff.errors import Problem
from schiff.layers.resolve import Resolver
from schiff.layers.schema import CLUSTER_SHAPE
from schiff.layers.shapes import path_text
from schiff.model.fleet import Path
from schiff.model.layout import cluster_folder, locations_folder, self_definitions_folder
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment

_SOURCES: Mapping[str, Path] = {
    "spec.controlPlaneEndpoint": ("controlPlane", "endpoint"),
    "spec.clusterNetwork": ("clusterNetwork",),
}
"""Fields of objects by the value they are made from; the rest is said of the whole order."""


def written(problems: Iterable[Problem], *environments: ResolvedEnvironment) -> Iterator[Problem]:
    """Give problems of clusters' files where the values were written, and the others as they are."""
    folders = {folder: (cluster, each) for each in environments for folder, cluster in _folders(each)}
    for problem in problems:
        parents = PurePosixPath(problem.place.file).parents
        found = next((folders[parent] for parent in parents if parent in folders), None)
        yield problem if found is None else _moved(problem, found[0], Resolver(found[1].fleet))


def _moved(problem: Problem, cluster: ResolvedCluster, resolver: Resolver) -> Problem:
    path = _SOURCES.get(problem.path, ())
    place, layer, prefix, _ = resolver.locate(cluster)(path)
    message = f"{problem.path}: {problem.message}" if problem.path else problem.message
    return replace(problem, place=place, layer=layer, path=path_text(CLUSTER_SHAPE, path, prefix), message=message)


def _folders(environment: ResolvedEnvironment) -> Iterator[tuple[PurePosixPath, ResolvedCluster]]:
    for cluster in (*environment.tenants.values(), *environment.management_clusters.values()):
        identity = cluster.identity
        manager, site = identity.management_cluster, identity.site
        own = self_definitions_folder(manager) if cluster.self_managed else None
        definitions = own or cluster_folder(manager, site, identity.customer, identity.name)
        yield "cluster-definitions" / definitions, cluster
        yield "cluster-components" / locations_folder(identity.location, site, identity.name), cluster

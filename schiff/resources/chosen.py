"""Compiling a part of a fleet on one release, without a ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from schiff.compiler.environment import CompiledEnvironment
from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.release import Assignment, Assignments
from schiff.sources.compiling import compile_by_version
from schiff.sources.other_versions import OtherVersions
from schiff.sources.plugins import load_parts
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey, Environment


def compile_chosen(fleet: Fleet, release: str, clusters: Sequence[str], versions: OtherVersions) -> CompiledEnvironment:
    """Return chosen clusters, and what their management clusters need for them, on a release or on ``head``."""
    layers = _layers(fleet, release)
    keys = _keys(fleet, clusters)
    environment = _environment(fleet, keys)
    part = part_of(fleet, keys, environment)
    runs = Assignment(layers.digest, layers.release.kubernetes.version)
    assigned = Assignments(
        tenants=dict.fromkeys(sorted(part.orders), runs),
        management_clusters=dict.fromkeys(sorted(part.management_clusters), runs),
    )
    return compile_by_version(resolve_environment(part, environment, assigned), load_parts(), versions)


def part_of(fleet: Fleet, keys: Collection[ClusterKey], environment: str) -> Fleet:
    """Return the fleet with these orders alone, and the management clusters that serve their sites."""
    serving = {
        found.name: found for key in keys if (found := fleet.management_cluster_of(key.site, environment)) is not None
    }
    orders = {key: order for key, order in fleet.orders.items() if key in keys}
    return replace(fleet, orders=orders, management_clusters=serving)


def _layers(fleet: Fleet, release: str) -> SharedLayers:
    layers = fleet.head if release == HEAD else fleet.release_named(release)
    if layers is None:
        known = ", ".join(sorted([HEAD, *(found.release.name for found in fleet.releases.values())]))
        raise _problem("release", f"the fleet has no release {release!r}", f"it has {known}")
    return layers


def _keys(fleet: Fleet, clusters: Sequence[str]) -> set[ClusterKey]:
    keys: set[ClusterKey] = set()
    for text in clusters:
        try:
            key = ClusterKey.parse(text)
        except InvalidValue as error:
            raise _problem("clusters", str(error), "") from None
        if key not in fleet.orders:
            known = ", ".join(map(str, sorted(fleet.orders)))
            raise _problem("clusters", f"the fleet has no cluster {text!r}", f"it has {known}")
        keys.add(key)
    if not keys:
        raise _problem("clusters", "no cluster is named", "name one as <site>/<cluster>")
    return keys


def _environment(fleet: Fleet, keys: Collection[ClusterKey]) -> Environment:
    found = sorted({str(fleet.orders[key].document.data.get("environment")) for key in keys})
    if len(found) > 1:
        raise _problem("clusters", f"they are of {' and '.join(found)}", "choose clusters of one environment")
    return found[0]  # type: ignore[return-value]  # the schema of orders admits nothing but environments


def _problem(path: str, message: str, cure: str) -> InvalidInput:
    return InvalidInput([Problem(Place("stack"), path, message, cure)])

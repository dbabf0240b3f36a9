"""Compiling an environment by every version of schiff that its releases name.

A release of a source checkout, head, and a release that this very program cut
are compiled here. Every other release is compiled by the version that cut it,
so a new schiff changes no byte of what runs on it. A management cluster's own
folders come from the version of the release that it runs itself; its list names
the tenants of all versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from schiff.compiler.environment import CompiledEnvironment, compile_environment
from schiff.compiler.file_tree import FileTree, tree_id
from schiff.compiler.handover import Handover
from schiff.compiler.parts import Parts
from schiff.errors import Refused
from schiff.model.fleet import SharedLayers
from schiff.model.resolved import ResolvedEnvironment
from schiff.sources.other_versions import OtherVersions
from schiff.sources.program import Program, running_program
from schiff.sources.rendered import Rendered


def compile_by_version(resolved: ResolvedEnvironment, parts: Parts, versions: OtherVersions) -> CompiledEnvironment:
    """Return what an environment delivers, each release compiled by its own version."""
    elsewhere = {
        digest: program for digest, layers in _releases(resolved).items() if (program := other_program(layers))
    }
    if not elsewhere:
        return compile_environment(resolved, parts)
    own = replace(
        resolved,
        tenants={key: one for key, one in resolved.tenants.items() if one.layers.digest not in elsewhere},
        management_clusters={
            name: one for name, one in resolved.management_clusters.items() if one.layers.digest not in elsewhere
        },
    )
    others = [one for key, one in resolved.tenants.items() if key not in own.tenants]
    compiled = compile_environment(own, parts, [one.listing for one in others if one.is_listed])
    calls = handovers(resolved, elsewhere)
    return _joined(compiled, [versions.compile_(call, elsewhere[call.layers.digest]) for call in calls])


def other_program(layers: SharedLayers) -> Program | None:
    """Return the program that compiles a release, unless it is this one."""
    plane = layers.release.management_plane
    named = Program(plane.schiff, plane.schiff_wheel)
    if layers.is_head or named.is_source:
        return None
    return None if named == running_program() else named


def handovers(resolved: ResolvedEnvironment, releases: Collection[str]) -> tuple[Handover, ...]:
    """Return what has to be compiled for some releases: a call for each management cluster and release."""
    tenants = [(one.management.name, one.layers.digest) for one in resolved.tenants.values()]
    managed = [(name, one.layers.digest) for name, one in resolved.management_clusters.items()]
    pairs = sorted({pair for pair in (*tenants, *managed) if pair[1] in releases})
    fleet = resolved.fleet
    return tuple(Handover(resolved, fleet.management_clusters[name], fleet.releases[digest]) for name, digest in pairs)


def _releases(resolved: ResolvedEnvironment) -> Mapping[str, SharedLayers]:
    every = (*resolved.tenants.values(), *resolved.management_clusters.values())
    return {one.layers.digest: one.layers for one in every}


def _joined(compiled: CompiledEnvironment, rendered: Collection[Rendered]) -> CompiledEnvironment:
    folders = [*compiled.folders, *(folder for each in rendered for folder in each.folders)]
    shared = dict(compiled.shared)
    for path, tree in _shared(rendered):
        if tree_id(shared.setdefault(path, tree)) != tree_id(tree):
            raise Refused(
                f"two versions of schiff make {path} of different files, and a component folder never changes;"
                " pin another version of the component",
                "component-changed",
            )
    return replace(
        compiled,
        folders=tuple(sorted(folders, key=lambda folder: (folder.repository, folder.path))),
        shared=dict(sorted(shared.items())),
    )


def _shared(rendered: Collection[Rendered]) -> Iterator[tuple[PurePosixPath, FileTree]]:
    yield from (item for each in rendered for item in each.shared.items())

"""What a release holds, whether it is what its lock says, and in what two of them differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.cli.options import JsonOption
from schiff.cli.terminal import say, say_json
from schiff.errors import InvalidInput, Place, Problem
from schiff.model.fleet import Fleet, SharedLayers
from schiff.rollout.difference import release_difference
from schiff.sources.compiling import other_program
from schiff.sources.fleet_files import load_fleet
from schiff.sources.program import Program
from schiff.values.digests import HEAD

SHOW_HELP = (
    "Example: schiff release show 2026.48.0 --fleet stacks/fleet\n\n"
    "Show a release: its digest, when it was cut and from what, and the versions it pins. The digest was computed "
    "from the files and agrees with release.lock, or the command ends with status 16."
)
VERIFY_HELP = (
    "Example: schiff release verify 2026.48.0 --fleet stacks/fleet\n\n"
    "Hold a release against its lock: every file, every vendored component folder, the digest of the whole; and say "
    "which schiff compiles it. Ends with status 16 when anything differs."
)
DIFF_HELP = (
    "Example: schiff release diff 2026.48.0 head --fleet stacks/fleet\n\n"
    "Say what differs between two releases, or between one and head, value by value. Ends with status 7 when anything "
    "does, and 0 when clusters would be the same on both."
)
DIFFERENCES = 7
"""The exit status that says: they differ."""

FleetFolder = Annotated[Path, typer.Option("--fleet", help="Folder of the fleet.")]
NameArgument = Annotated[str, typer.Argument(help="Name of the release.")]
SideArgument = Annotated[str, typer.Argument(help="Name of a release, or head.", show_default=False)]


def show(name: NameArgument, fleet: FleetFolder = Path("stacks/fleet"), as_json: JsonOption = False) -> None:
    """Print what a release pins."""
    summary = _summary(release_named(load_fleet(fleet), name))
    if as_json:
        say_json(summary)
        return
    say(f"release {summary['name']}")
    for key in ("digest", "kind", "parent", "cut", "schiff", "kubernetes"):
        say(f"  {key:<12} {summary[key] or '-'}")
    for key in ("changes", "supersedes"):
        if summary[key]:
            say(f"  {key:<12} {', '.join(summary[key])}")
    for part in ("components", "managementPlane"):
        say(f"  {part}")
        for item, version in summary[part].items():
            say(f"    {item:<16} {version}")


def verify(name: NameArgument, fleet: FleetFolder = Path("stacks/fleet"), as_json: JsonOption = False) -> None:
    """Say that a release is what its lock says; reading the fleet raises when it is not."""
    layers = release_named(load_fleet(fleet), name)
    lock = layers.frozen["release.lock"]
    plane = layers.release.management_plane
    program = Program(plane.schiff, plane.schiff_wheel)
    if as_json:
        answer = {"status": 0, "code": "ok", "name": name, "digest": layers.digest, "schiff": program.version}
        say_json({**answer, "wheel": program.wheel, "files": len(lock["files"]), "vendored": sorted(lock["vendored"])})
        return
    say(f"release {name} is what its lock says: {len(lock['files'])} files, {len(lock['vendored'])} component folders")
    say(f"  digest {layers.digest}")
    say(f"  {_compiled_by(layers, program)}")


def diff(
    one: SideArgument, other: SideArgument, fleet: FleetFolder = Path("stacks/fleet"), as_json: JsonOption = False
) -> None:
    """Print what differs, and end with a status that says whether anything does."""
    loaded = load_fleet(fleet)
    found = release_difference(_side(loaded, one, "A"), _side(loaded, other, "B"))
    if as_json:
        say_json({"status": 0 if found.is_empty else DIFFERENCES, "differ": not found.is_empty, **found.as_json()})
    else:
        say("\n".join(found.sentences()) or f"clusters would be the same on {one} and on {other}")
    if not found.is_empty:
        raise typer.Exit(DIFFERENCES)


def release_named(fleet: Fleet, name: str, option: str = "NAME") -> SharedLayers:
    """Return a release by its name; raises `InvalidInput` that names those there are."""
    layers = fleet.release_named(name)
    if layers is None:
        known = ", ".join(sorted(layers.release.name for layers in fleet.releases.values())) or "none"
        message, cure = f"the fleet has no release {name!r}", f"its releases: {known}"
        raise InvalidInput([Problem(Place(option), "", message, cure)])
    return layers


def _side(fleet: Fleet, name: str, option: str) -> SharedLayers:
    return fleet.head if name == HEAD else release_named(fleet, name, option)


def _compiled_by(layers: SharedLayers, program: Program) -> str:
    """Return which schiff compiles a release, and where that matters."""
    if program.is_source:
        return "schiff source: it was cut from a source checkout, so whichever schiff runs compiles it"
    whose = "another version, in an environment of its own" if other_program(layers) else "the one that runs"
    return f"schiff {program.version} of digest {program.wheel}: {whose}"


def _summary(layers: SharedLayers) -> dict[str, Any]:
    release = layers.release
    plane = release.management_plane.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "name": release.name,
        "digest": layers.digest,
        "kind": release.kind,
        "parent": release.parent,
        "cut": release.cut,
        "schiff": plane.pop("schiff"),
        "schiffWheel": plane.pop("schiffWheel", None),
        "changes": list(release.changes),
        "supersedes": list(release.supersedes),
        "kubernetes": str(release.kubernetes.version),
        "via": [str(version) for version in release.kubernetes.via],
        "components": {item: str(pin.version) for item, pin in sorted(release.components.items())},
        "managementPlane": plane,
        "sites": sorted(layers.sites),
        "classes": sorted(layers.classes),
    }

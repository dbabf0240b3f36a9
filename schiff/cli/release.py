"""`schiff release`: freeze head as a release, and show what one holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.delivery.release_folder import write_release
from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.model.fleet import Fleet, SharedLayers
from schiff.rollout.names import release_name, require_release_name
from schiff.rollout.release import freeze
from schiff.sources.fleet_files import load_fleet, read_folder
from schiff.sources.program import running_program

CUT_HELP = (
    "Example: schiff release cut --fleet stacks/fleet --name 2026.48.0\n\n"
    "Freeze head as a release: versions, layers 1 to 6 and the catalogue, in releases/NAME/ of the fleet. The folder "
    "is written once and never edited; its identity is a digest over all it says, the name a label. Without --name it "
    "is called after the ISO year and week. Commit the folder afterwards."
)
SHOW_HELP = (
    "Example: schiff release show 2026.48.0 --fleet stacks/fleet\n\n"
    "Show a release: its digest, when it was cut and from what, and the versions it pins. The digest was computed "
    "from the files and agrees with release.lock, or the command ends with status 16."
)

release_app = typer.Typer(
    help="Example: schiff release cut --fleet stacks/fleet\n\nFreeze head as a release, and show what one holds.",
    no_args_is_help=True,
)

FleetFolder = Annotated[Path, typer.Option("--fleet", help="Folder of the fleet.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@release_app.command("cut", help=CUT_HELP, short_help="Freeze head as a release.")
def cut(
    fleet: FleetFolder = Path("stacks/fleet"),
    name: Annotated[str, typer.Option(help="Name of the release; default: ISO year, week, 0.")] = "",
    at: Annotated[str, typer.Option(help="When it is cut, as ISO 8601 with a zone; default: now.")] = "",
    as_json: Json = False,
) -> None:
    """Write the folder of a new release."""
    moment = _moment(at) if at else datetime.now(UTC)
    chosen = _checked_name(name) if name else release_name(moment)
    loaded = load_fleet(fleet)
    program = running_program()
    texts = read_folder(fleet).texts
    files = freeze(loaded, chosen, cut=moment, schiff=program.version, texts=texts, wheel=program.wheel)
    folder = write_release(fleet, chosen, files)
    lock = json.loads(files["release.lock"])
    if as_json:
        print(json.dumps({"name": chosen, "digest": lock["digest"], "folder": str(folder), "files": sorted(files)}))
        return
    print(f"release {chosen} is cut: {len(files)} files in {folder}")
    print(f"  digest {lock['digest']}")
    print(f"next: git add {folder} && git commit")


@release_app.command("show", help=SHOW_HELP, short_help="Show what a release holds.")
def show(
    name: Annotated[str, typer.Argument(help="Name of the release.")],
    fleet: FleetFolder = Path("stacks/fleet"),
    as_json: Json = False,
) -> None:
    """Print what a release pins."""
    summary = _summary(_release(load_fleet(fleet), name))
    if as_json:
        print(json.dumps(summary, indent=2))
        return
    print(f"release {summary['name']}")
    for key in ("digest", "kind", "parent", "cut", "schiff", "kubernetes"):
        print(f"  {key:<12} {summary[key] or '-'}")
    for part in ("components", "managementPlane"):
        print(f"  {part}")
        for item, version in summary[part].items():
            print(f"    {item:<16} {version}")


def _summary(layers: SharedLayers) -> dict[str, Any]:
    release = layers.release
    plane = release.management_plane.model_dump(mode="json", by_alias=True)
    return {
        "name": release.name,
        "digest": layers.digest,
        "kind": release.kind,
        "parent": release.parent,
        "cut": release.cut,
        "schiff": plane.pop("schiff"),
        "kubernetes": str(release.kubernetes.version),
        "via": [str(version) for version in release.kubernetes.via],
        "components": {item: str(pin.version) for item, pin in sorted(release.components.items())},
        "managementPlane": plane,
        "sites": sorted(layers.sites),
        "classes": sorted(layers.classes),
    }


def _release(fleet: Fleet, name: str) -> SharedLayers:
    layers = fleet.release_named(name)
    if layers is None:
        known = ", ".join(sorted(layers.release.name for layers in fleet.releases.values())) or "none"
        raise _problem("NAME", f"the fleet has no release {name!r}", f"its releases: {known}")
    return layers


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _problem("--at", f"{text!r} is not a moment with a zone", "write e.g. 2026-11-24T09:00:00Z")
    return moment


def _checked_name(text: str) -> str:
    try:
        return require_release_name(text)
    except InvalidValue as error:
        raise _problem("--name", str(error), "") from None


def _problem(option: str, message: str, cure: str) -> InvalidInput:
    return InvalidInput([Problem(Place(option), "", message, cure)])

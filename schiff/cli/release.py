"""`schiff release`: freeze head as a release, or cut a hotfix of one; what releases hold is `release_questions`'."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from schiff.cli import release_questions as questions
from schiff.cli.options import JsonOption
from schiff.cli.release_questions import release_named
from schiff.delivery.release_folder import write_release
from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.rollout.hotfix import Hotfix, freeze_hotfix
from schiff.rollout.names import require_release_name
from schiff.rollout.release import free_name, freeze
from schiff.sources.fleet_files import load_fleet, read_folder
from schiff.sources.program import running_program

CUT_HELP = (
    "Example: schiff release cut --fleet stacks/fleet --name 2026.48.0\n\n"
    "Freeze head as a release: versions, layers 1 to 6 and the catalogue, in releases/NAME/ of the fleet. The folder "
    "is written once and never edited; its identity is a digest over all it says, the name a label. Without --name it "
    "is called after the ISO year and week. Commit the folder afterwards.\n\n"
    "With --hotfix the release is its parent, the one that runs in prd now, with head's versions of the components "
    "that are named, and nothing else of head: "
    "schiff release cut --hotfix --parent 2026.48.0 --component calico"
)
release_app = typer.Typer(
    help="Example: schiff release cut --fleet stacks/fleet\n\nFreeze head; show, verify and compare releases.",
    no_args_is_help=True,
)


@release_app.command("cut", help=CUT_HELP, short_help="Freeze head as a release.")
def cut(  # noqa: PLR0917 -- typer reads options from parameters
    fleet: questions.FleetFolder = Path("stacks/fleet"),
    name: Annotated[str, typer.Option(help="Name of the release; default: ISO year, week, 0.")] = "",
    at: Annotated[str, typer.Option(help="When it is cut, as ISO 8601 with a zone; default: now.")] = "",
    hotfix: Annotated[bool, typer.Option("--hotfix", help="Cut a hotfix of --parent.")] = False,
    parent: Annotated[str, typer.Option("--parent", help="Of a hotfix: the release that runs in prd now.")] = "",
    component: Annotated[
        list[str] | None, typer.Option("--component", help="Of a hotfix: what gets head's version; repeat it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the folder of a new release."""
    if (parent or component) and not hotfix:
        raise _problem("--parent", "only a hotfix names parent and components", "add --hotfix, or leave them out")
    moment = _moment(at) if at else datetime.now(UTC)
    loaded, texts = load_fleet(fleet), read_folder(fleet).texts
    chosen = _checked_name(name) if name else free_name(loaded, moment, hotfix=hotfix)
    if hotfix:
        asked = Hotfix(release_named(loaded, parent, "--parent"), component or ())
        files = freeze_hotfix(loaded, chosen, asked, cut=moment, texts=texts)
    else:
        program = running_program()
        files = freeze(loaded, chosen, cut=moment, schiff=program.version, texts=texts, wheel=program.wheel)
    folder = write_release(fleet, chosen, files)
    lock = json.loads(files["release.lock"])
    if as_json:
        print(json.dumps({"name": chosen, "digest": lock["digest"], "folder": str(folder), "files": sorted(files)}))
        return
    print(f"release {chosen} is cut: {len(files)} files in {folder}")
    print(f"  digest {lock['digest']}")
    print(f"next: git add {folder} && git commit")


for _name, _question, _help, _short in (
    ("show", questions.show, questions.SHOW_HELP, "Show what a release holds."),
    ("verify", questions.verify, questions.VERIFY_HELP, "Hold a release against its lock."),
    ("diff", questions.diff, questions.DIFF_HELP, "Say what differs between two releases."),
):
    release_app.command(_name, help=_help, short_help=_short)(_question)


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

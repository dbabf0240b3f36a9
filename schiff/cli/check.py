"""`schiff check`: every problem of a fleet, or of a folder of manifests, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.checks.compiled import file_problems, object_count
from schiff.cli.compiled import settings_of, versions_in
from schiff.cli.delivered_before import delivered_before, stacks_of
from schiff.cli.fleet_check import Before, Checked, Files, check_fleet, compiled
from schiff.cli.options import JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.terminal import say, say_json
from schiff.errors import InvalidInput, Refused
from schiff.rollout.ledger import Ledger
from schiff.sources.fleet_revision import load_fleet_at
from schiff.sources.ledger_branch import read_ledger
from schiff.sources.manifest_files import read_manifests
from schiff.sources.other_versions import OtherVersions
from schiff.sources.schemas import load_schemas
from schiff.values.names import ENVIRONMENTS, Environment

HELP = (
    "Example: schiff check --fleet stacks/fleet\n\n"
    "Print every problem at once, with file, line and what would be right: types, references, rules between clusters, "
    "upstream schemas of every compiled object, and changes of what never changes, compared with what was delivered "
    "before. Ends with status 2 when there is one. Nothing is written.\n\n"
    "With --manifests a folder of plain YAML is held against the same schemas and rules: "
    "schiff check --manifests delivered/"
)
_LIST = "kustomization.yaml"


def check(
    fleet: Annotated[Path, typer.Option("--fleet", help="Folder of the fleet.")] = Path("stacks/fleet"),
    environment: Annotated[str, typer.Option("-e", "--environment", help="Only this one: tst, ref or prd.")] = "",
    manifests: Annotated[Path | None, typer.Option("--manifests", help="Check this folder of YAML instead.")] = None,
    against: Annotated[
        str, typer.Option("--against", help="Where nothing is delivered: compare with this commit.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Check a fleet, or a folder of manifests."""
    chosen = (parse_environment(environment),) if environment else ENVIRONMENTS
    checked = _check_folder(manifests) if manifests is not None else _check_fleet(fleet, chosen, against)
    if checked.problems:
        raise InvalidInput(checked.problems)
    if as_json:
        say_json(_as_json(checked))
        return
    subject = str(manifests) if manifests is not None else _subject(checked, chosen)
    say(f"{subject}: {object_count(checked.files.values())} objects in {len(checked.files)} files hold")
    for note in checked.notes:
        say(note)


def _check_folder(folder: Path) -> Checked:
    files = read_manifests(folder)
    whole = any(name.rpartition("/")[2] == _LIST for name in files)
    return Checked(list(file_problems(files, load_schemas(), whole=whole)), files=dict(files))


def _check_fleet(folder: Path, chosen: Sequence[Environment], against: str) -> Checked:
    project = _project()
    ledgers = {name: _ledger(project, name) for name in ENVIRONMENTS}
    versions = versions_in(*settings_of(chosen[0]))
    before = _before(project, folder, against, ledgers, versions)
    checked = check_fleet(folder, chosen, ledgers, before, versions)
    uncompared = [name for name in chosen if name not in checked.compared]
    if uncompared and not checked.problems:
        cure = "" if against else "; name a commit to compare with: --against main"
        checked.notes.append(f"{', '.join(uncompared)}: nothing was delivered that this could be compared with{cure}")
    return checked


def _before(
    project: Project | None,
    folder: Path,
    against: str,
    ledgers: Mapping[Environment, Ledger],
    versions: OtherVersions,
) -> Before:
    def before(name: Environment) -> Files | None:
        delivered = delivered_before(project, name) if project is not None else None
        if delivered is not None or not against:
            return delivered
        return compiled(load_fleet_at(folder, against), name, ledgers, versions)

    return before


def _project() -> Project | None:
    try:
        return Project.here()
    except Refused:
        return None


def _ledger(project: Project | None, name: Environment) -> Ledger:
    if project is None:
        return Ledger.empty(name)
    settings = next((settings for _, settings in stacks_of(project, name)), None)
    if settings is None:
        return Ledger.empty(name)
    return read_ledger(project.workspace.place(settings.ledger), name, project.workspace.cache)


def _subject(checked: Checked, chosen: Sequence[Environment]) -> str:
    return f"{checked.clusters} clusters in {', '.join(chosen)}"


def _as_json(checked: Checked) -> dict[str, Any]:
    return {
        "status": 0,
        "code": "ok",
        "problems": [],
        "clusters": checked.clusters,
        "files": len(checked.files),
        "objects": object_count(checked.files.values()),
        "compared": list(checked.compared),
        "notes": checked.notes,
    }

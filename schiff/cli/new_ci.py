"""`schiff new ci`: the CI of a fleet repository, as files that are its own from then on.

One script does the work, so that GitLab, GitHub and a shell do the same; what
each system reads only says when it runs, with which credentials, and what waits
for what. A file that exists with other content is never overwritten, and then
none is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from schiff.cli.code_owners import code_owners, teams
from schiff.cli.delivered_before import stacks_of
from schiff.cli.options import JsonOption
from schiff.cli.project import Project
from schiff.cli.terminal import say, say_json
from schiff.delivery.stack import StackSettings
from schiff.delivery.workspace import is_embedded
from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.git.process import try_git
from schiff.model.fleet import Fleet
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ENVIRONMENTS

CI_HELP = """\
Example: schiff new ci --gitlab --group my-company/clusters

Write the CI of this repository: a merge request is checked, previewed and commented, without access to clusters; the
default branch is delivered to tst, ref and prd; a schedule runs schiff step. One script, ci/schiff.sh, does all of it,
pinned to this version of schiff. CODEOWNERS says who must approve which path, by the names in the fleet.

A file that exists with other content is never overwritten: remove it first to have it written anew.
"""

_GROUP = "your-group"
_EXECUTABLE = 0o755
_PATH = re.compile(r"(?!/)(?!\.\.(/|$))[A-Za-z0-9._-]+(/(?!\.\.(/|$))[A-Za-z0-9._-]+)*")
_NESTED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_SCRIPTS = ("schiff.sh", "comment.py")
_GITLAB = (".gitlab-ci.yml", "gitlab-ci.yml", ".gitlab/CODEOWNERS", "[Who may do what][2]")
_GITHUB = (".github/workflows/schiff.yml", "github.yml", ".github/CODEOWNERS", "")
"""Of each system: its file, the template of it, its CODEOWNERS, and the line that asks for two approvals there."""


def ci(
    *,
    gitlab: Annotated[bool, typer.Option("--gitlab", help="For GitLab.")] = False,
    github: Annotated[bool, typer.Option("--github", help="For GitHub.")] = False,
    group: Annotated[str, typer.Option(help="Group (GitLab) or organisation (GitHub) of the teams.")] = _GROUP,
    as_json: JsonOption = False,
) -> None:
    """Write the CI of a fleet repository."""
    systems = [system for system, chosen in ((_GITLAB, gitlab), (_GITHUB, github)) if chosen]
    _require(systems, "--gitlab", "no system is named", "name --gitlab or --github, or both")
    _require(_NESTED.fullmatch(group), "--group", f"{group!r} is no group", "write e.g. my-company/clusters")
    project = Project.here()
    settings = _settings(project)
    fleet = load_fleet(project.root / settings.fleet)
    texts = dict(_texts(systems, fleet, settings.fleet, group))
    written = _write(project.root, texts)
    notes = list(_notes(project, fleet, group))
    if as_json:
        say_json({"files": {path: "written" if path in written else "unchanged" for path in texts}, "notes": notes})
        return
    for path in texts:
        say(f"{path}: {'written' if path in written else 'unchanged'}")
    for note in notes:
        say(note)
    say(f"next: set the variables of docs/guide/ci.md, then git add {' '.join(texts)}")


def _settings(project: Project) -> StackSettings:
    """Return the settings that say where the fleet is; CI reads its files at the root of a repository."""
    first = project.settings(project.stacks(ENVIRONMENTS[0])[0])
    for environment in ENVIRONMENTS:
        project.stacks(environment)
    prefix = try_git("-C", str(project.root), "rev-parse", "--show-prefix").out.decode().strip()
    if prefix:
        raise Refused(
            f"{project.root} is the folder {prefix} of a repository; CI reads its files at the root", "ci-not-at-root"
        )
    if not _PATH.fullmatch(first.fleet):
        raise Refused(f"the fleet {first.fleet} is no plain path below {project.root}", "ci-fleet-elsewhere")
    return first


def _texts(
    systems: list[tuple[str, str, str, str]], fleet: Fleet, folder: str, group: str
) -> Iterator[tuple[str, str]]:
    """Yield every file with its text."""
    for name in _SCRIPTS:
        yield f"ci/{name}", _template(name).replace("@VERSION@", version("schiff")).replace("@FLEET@", folder)
    for file, template, owners, section in systems:
        yield file, _template(template)
        yield owners, code_owners(fleet, folder, group, section)


def _template(name: str) -> str:
    return files("schiff").joinpath("data", "ci", name).read_text(encoding="utf-8")


def _write(root: Path, texts: Mapping[str, str]) -> list[str]:
    """Write the files that are not there and return their paths; raises before anything is written."""
    there = {path for path in texts if (root / path).exists()}
    other = [path for path in texts if path in there and (root / path).read_bytes() != texts[path].encode()]
    if other:
        cure = "remove what should be written anew"
        raise Refused(f"{', '.join(other)}: there already, with other content; {cure}", "ci-exists")
    for path in sorted(texts.keys() - there):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(texts[path])
        if path.endswith(".sh"):
            target.chmod(_EXECUTABLE)
    return [path for path in texts if path not in there]


def _notes(project: Project, fleet: Fleet, group: str) -> Iterator[str]:
    """Say what the files cannot: teams that must exist, and settings that a bare runner has nothing behind."""
    named = "" if group != _GROUP else f"; {_GROUP} stands for yours, which --group names"
    yield f"teams that must exist in {group}: {', '.join(teams(fleet))}{named}"
    for environment in ENVIRONMENTS:
        for stack, settings in stacks_of(project, environment):
            places = {name: getattr(settings, name) for name in ("ledger", "definitions", "components")}
            if embedded := [name for name, place in places.items() if is_embedded(place)]:
                yield f"Pulumi.{stack}.yaml: {', '.join(embedded)} must name repositories that a runner reaches"


def _require(holds: object, option: str, message: str, cure: str) -> None:
    if not holds:
        raise InvalidInput([Problem(Place(option), "", message, cure)])

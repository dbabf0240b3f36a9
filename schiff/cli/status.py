"""`schiff status`: how the real clusters are, held against what was delivered to them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import Annotated, Any, Final

import typer

from schiff.cli.environment_status import EnvironmentStatus, Wanted, environment_status
from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.status_text import changes_of, table_of
from schiff.cli.terminal import progress, say, say_json
from schiff.errors import Failed, Refused, Waiting
from schiff.model.fleet import Fleet
from schiff.rollout.health import Verdict
from schiff.rollout.health.verdicts import WORST_FIRST
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ENVIRONMENTS, Environment

HELP = """\
Example: schiff status -e tst

Say how the real clusters are, held against what was delivered to them. Healthy means that Cluster API has built what
was delivered (capi), that every Flux object has applied the delivered trees (flux), and that the cluster itself says so
(tenant). What cannot be read is Unknown, with the reason, and never green.

Tenants are read with the account that may only read; --admin uses their administrator's kubeconfig. Without -e all
environments that have a stack. The status is 0 when everything is Healthy, 7 when something is Unhealthy, and 10 when
something is Progressing or Unknown: then ask again later. docs/guide/health.md says what to do about each reason.
"""

STATUSES: Final = {Verdict.Healthy: 0, Verdict.Progressing: 10, Verdict.Unknown: 10, Verdict.Unhealthy: 7}
_EVERY: Final = 10.0
_CLEAR: Final = "\x1b[H\x1b[2J\x1b[3J"

Statuses = Sequence[EnvironmentStatus]


def status(  # noqa: PLR0917 -- typer reads options from parameters
    environment: EnvironmentOption = "",
    cluster: Annotated[str, typer.Option("--cluster", help="Look at <site>/<cluster> alone.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Look every 10 seconds, until Ctrl-C.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Read tenants as their administrator.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds that a cluster may take.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Look once, or until somebody stops it."""
    project = Project.here()
    chosen = [parse_environment(environment)] if environment else _with_stacks(project)
    wanted = Wanted(cluster, admin, timeout)

    def look() -> Statuses:
        with progress("reading clusters") as show:
            fleets = _Fleets()
            return [environment_status(project, fleets.of(project, name), name, wanted, show) for name in chosen]

    if watch:
        _watch(look, as_json=as_json)
    statuses = look()
    if as_json:
        say_json(_as_json(statuses))
    else:
        say("\n\n".join(map(table_of, statuses)))
    raise typer.Exit(STATUSES[_worst(statuses)])


class _Fleets:
    """The fleets that stacks name; most name one, which is read once a look."""

    def __init__(self) -> None:
        self._read: dict[Path, Fleet] = {}

    def of(self, project: Project, environment: Environment) -> Fleet:
        """Return the fleet of an environment."""
        folder = project.root / project.settings(project.stacks(environment)[0]).fleet
        if folder not in self._read:
            self._read[folder] = load_fleet(folder)
        return self._read[folder]


def _watch(look: Callable[[], Statuses], *, as_json: bool) -> None:
    """Show every look on a terminal; elsewhere the first, then what changed. Git may be away for a while."""
    last: Statuses = ()
    while True:
        try:
            statuses = look()
        except Failed as error:
            typer.echo(str(error), err=True)
        else:
            _show(statuses, last, as_json=as_json)
            last = statuses
        sleep(_EVERY)


def _show(statuses: Statuses, last: Statuses, *, as_json: bool) -> None:
    if as_json:
        if _without_time(statuses) != _without_time(last):
            print(json.dumps(_as_json(statuses)), flush=True)
    elif sys.stdout.isatty():
        print(_CLEAR + "\n\n".join(map(table_of, statuses)), flush=True)
    elif not last:
        print("\n\n".join(map(table_of, statuses)), flush=True)
    elif changed := "\n".join(filter(None, map(changes_of, last, statuses))):
        print(changed, flush=True)


def _as_json(statuses: Statuses) -> Mapping[str, Any]:
    """Return one environment as itself, several as a list; with the status that this run ends with."""
    worst = _worst(statuses)
    end: dict[str, Any] = {"status": STATUSES[worst], "code": "ok" if worst is Verdict.Healthy else worst.lower()}
    if end["status"] == Waiting.status:
        end["retryAfter"] = int(_EVERY)
    if len(statuses) == 1:
        return {**statuses[0].as_json(), **end}
    return {"verdict": worst, "environments": [each.as_json() for each in statuses], **end}


def _without_time(statuses: Statuses) -> list[dict[str, Any]]:
    return [{**each.as_json(), "at": ""} for each in statuses]


def _worst(statuses: Statuses) -> Verdict:
    return min((each.whole.verdict for each in statuses), key=WORST_FIRST.index)


def _with_stacks(project: Project) -> list[Environment]:
    """Return the environments that have a stack; raises `Refused` when none has."""
    found: list[Environment] = []
    lacking: list[Refused] = []
    for name in ENVIRONMENTS:
        try:
            project.stacks(name)
        except Refused as error:
            lacking.append(error)
        else:
            found.append(name)
    if not found:
        raise lacking[0]
    return found

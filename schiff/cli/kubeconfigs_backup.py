"""`schiff kubeconfigs backup`: save what nobody can make again when a management cluster is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from schiff.cli.compiled import Reading
from schiff.cli.delivered_clusters import chosen, subjects
from schiff.cli.emergency import Harvest, harvest
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.project import Project, parse_environment, search_path
from schiff.cli.terminal import progress, say, say_json
from schiff.delivery.api_server import kubeconfig_file
from schiff.delivery.emergency_branch import Saved, branch_of, save
from schiff.errors import Failed, Waiting
from schiff.values.names import Environment

HELP = (
    "Example: schiff kubeconfigs backup -e prd\n\n"
    "Save the kubeconfig and the four authorities of each cluster, encrypted for the recipients of its management "
    "cluster, on the branch emergency/ENV of the ledger's repository: one file a secret, one commit, only what "
    "changed. Nothing is ever removed there. A secret that is not there yet is said, and the status is 10; where one "
    "cannot be read it is 1; the rest is saved. How to put them back: docs/guide/emergency.md."
)


def backup(
    environment: Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")] = "",
    cluster: Annotated[str, typer.Option("--cluster", help="Save <site>/<cluster> alone.")] = "",
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Read the secrets and save them."""
    name = parse_environment(environment)
    reading = Reading.of(name, fleet, ledger)
    workspace, settings = reading.workspace, reading.settings
    everything, lost = subjects(Project(workspace), reading.fleet, name)
    found = chosen(everything, cluster)
    with progress(f"saving secrets of {len(found)} clusters"):
        label_domain = reading.fleet.head.settings.label_domain
        harvested = harvest(found, kubeconfig_file(settings.kubeconfig, workspace.root), label_domain)
        harvested.troubles += lost
        saved = save(
            workspace.place(settings.ledger),
            name,
            harvested.backups,
            cache_dir=workspace.cache,
            when=datetime.now(UTC),
            search_path=search_path(),
        )
    if as_json:
        say_json(_as_json(name, harvested, saved))
    else:
        _say(name, harvested, saved)
    if harvested.troubles or harvested.missing:
        raise typer.Exit(Failed.status if harvested.troubles else Waiting.status)


def _say(environment: Environment, harvested: Harvest, saved: Saved) -> None:
    unchanged = len(harvested.backups) - len(saved.paths)
    where = f"commit {saved.commit}" if saved.commit else "no commit"
    say(f"{branch_of(environment)}: {len(saved.paths)} secrets saved, {unchanged} unchanged, {where}")
    for path in saved.paths:
        say(f"  {path}")
    for sentence in (*harvested.missing, *harvested.troubles):
        typer.echo(sentence, err=True)


def _as_json(environment: Environment, harvested: Harvest, saved: Saved) -> dict[str, object]:
    return {
        "environment": environment,
        "branch": branch_of(environment),
        "commit": saved.commit,
        "saved": list(saved.paths),
        "unchanged": len(harvested.backups) - len(saved.paths),
        "missing": harvested.missing,
        "troubles": harvested.troubles,
    }

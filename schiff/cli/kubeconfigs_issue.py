"""`schiff kubeconfigs issue`: let the reading account of each tenant be used from its management cluster."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any, Final

import typer

from schiff.cli.compiled import Reading
from schiff.cli.delivered_clusters import Subject, chosen, subjects
from schiff.cli.options import EnvironmentOption, FleetOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.terminal import progress, say, say_json
from schiff.delivery.api_server import kubeconfig_file, read_context
from schiff.errors import Failed, Refused, Waiting
from schiff.model.resolved import CLUSTER_LABEL, namespace_of
from schiff.sources.account_issuing import UNCHANGED, WAITING, WRITTEN, Issued, Tenant, issue

HELP = (
    "Example: schiff kubeconfigs issue -e prd\n\n"
    "Write the kubeconfig of each tenant's reading account, schiff-status, as secret CLUSTER-status to its management "
    "cluster, where schiff status finds it. The token is read in the tenant with the administrator's kubeconfig that "
    "Cluster API keeps; only what changed is written. A tenant that has not made its token yet is said, and the status "
    "is 10; where one cannot be read or written it is 1. Run it after new clusters are up, and after a token was "
    "revoked."
)
_WORDS: Final = {WRITTEN: "written", UNCHANGED: "unchanged", WAITING: "not yet", "": "failed"}


def issue_kubeconfigs(
    environment: EnvironmentOption = "",
    cluster: Annotated[str, typer.Option("--cluster", help="Issue for <site>/<cluster> alone.")] = "",
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the tokens and write the kubeconfigs."""
    name = parse_environment(environment)
    reading = Reading.of(name, fleet, "")
    everything, lost = subjects(Project(reading.workspace), reading.fleet, name)
    tenants = [one for one in everything if not one.is_leaving and one.key.name != one.management.name]
    with progress("issuing kubeconfigs"):
        issued = _issued(reading, chosen(tenants, cluster))
    troubles = [*lost, *(f"{one.cluster}: {one.message}" for one in issued if not one.outcome)]
    if as_json:
        say_json({"environment": name, **_by_outcome(issued), "troubles": troubles})
    else:
        _say(issued, lost)
    if troubles:
        raise typer.Exit(Failed.status)
    if any(one.outcome == WAITING for one in issued):
        raise typer.Exit(Waiting.status)


def _issued(reading: Reading, tenants: Sequence[Subject]) -> list[Issued]:
    found: list[Issued] = []
    domain = reading.fleet.head.settings.label_domain
    for name, group in groupby(tenants, key=lambda one: one.management.name):
        members = list(group)
        try:
            file = kubeconfig_file(reading.settings.kubeconfig, reading.workspace.root)
            config = read_context(file, members[0].management.spec.facts.api_context)
            found += issue(config, name, [_tenant(one, domain) for one in members])
        except (Failed, Refused) as error:
            found += [Issued(str(one.key), "", str(error)) for one in members]
    return found


def _tenant(one: Subject, label_domain: str) -> Tenant:
    identity = {CLUSTER_LABEL: one.key.name, f"{label_domain}/site": one.key.site}
    return Tenant(str(one.key), namespace_of(one.key, one.management.name), identity)


def _by_outcome(issued: Sequence[Issued]) -> dict[str, Any]:
    return {
        outcome: [one.cluster for one in issued if one.outcome == outcome] for outcome in (WRITTEN, UNCHANGED, WAITING)
    }


def _say(issued: Sequence[Issued], lost: Sequence[str]) -> None:
    for one in issued:
        line = f"{one.cluster}: {_WORDS[one.outcome]}"
        if one.outcome:
            say(f"{line}, {one.message}" if one.message else line)
        else:
            typer.echo(f"{line}: {one.message}", err=True)
    for sentence in lost:
        typer.echo(sentence, err=True)

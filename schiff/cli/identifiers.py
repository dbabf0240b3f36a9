"""`schiff identifiers`: every name that clusters have in systems outside of them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from schiff.cli.options import EnvironmentOption, FleetOption, JsonOption, LedgerOption
from schiff.cli.resolved_fleet import ResolvedFleet
from schiff.cli.terminal import say, say_json, table
from schiff.compiler.identifiers import identifiers as identifiers_of
from schiff.errors import InvalidInput, Place, Problem
from schiff.model.resolved import ResolvedCluster
from schiff.sources.plugins import load_parts

HELP = """\
Example: schiff identifiers --system s3

List every name that clusters have in systems outside of them: DNS names, API addresses, VLANs, buckets and prefixes,
vCenter folders, servers, folders in Git. They follow from names and recorded facts, so they are the same in every run;
schiff check refuses one that two clusters share where it must be unique.
"""

_HEADINGS = ("CLUSTER", "SYSTEM", "KIND", "VALUE", "UNIQUE IN")


def identifiers(
    *,
    environment: EnvironmentOption = "",
    cluster: Annotated[str, typer.Option("--cluster", help="<site>/<cluster>; default: all.")] = "",
    system: Annotated[str, typer.Option("--system", help="One system, e.g. s3; default: all.")] = "",
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print the identifiers of the fleet."""
    rows = [row for one in ResolvedFleet.read(environment, fleet, ledger).clusters for row in _rows(one)]
    _require_known("--cluster", cluster, {row["cluster"] for row in rows})
    _require_known("--system", system, {row["system"] for row in rows})
    chosen = [row for row in rows if cluster in {"", row["cluster"]} and system in {"", row["system"]}]
    if as_json:
        say_json({"identifiers": chosen})
    else:
        say(table([_HEADINGS, *map(_cells, chosen)], indent=""))


def _rows(cluster: ResolvedCluster) -> list[dict[str, Any]]:
    parts, name = load_parts(), str(cluster.identity.key)
    return [{"cluster": name, **found._asdict()} for found in identifiers_of(cluster, parts)]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    unique = "shared" if row["shared"] else row["scope"] or "everywhere"
    return (row["cluster"], row["system"], row["kind"], row["value"], unique)


def _require_known(option: str, text: str, known: set[str]) -> None:
    if text and text not in known:
        cure = f"known: {', '.join(sorted(known))}"
        raise InvalidInput([Problem(Place(option), "", f"nothing is called {text!r}", cure)])

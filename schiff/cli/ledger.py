"""`schiff ledger`: begin the ledger of an environment, and read it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.cli.actor import actor
from schiff.cli.project import parse_environment
from schiff.delivery.ledger_branch import append_to_ledger
from schiff.model.fleet import Fleet
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import genesis
from schiff.rollout.ledger import Ledger
from schiff.sources.fleet_commit import fleet_commit
from schiff.sources.fleet_files import load_fleet
from schiff.sources.ledger_branch import read_ledger
from schiff.values.names import ENVIRONMENTS, Environment

INIT_HELP = (
    "Example: schiff ledger init --all --fleet stacks/fleet\n\n"
    "Begin the ledger of an environment: write its first entry, from the newest release of the fleet. From then on "
    "ref and prd, and the candidates of tst, compile from frozen layers. A ledger that exists is left as it is."
)
LOG_HELP = (
    "Example: schiff ledger log -e prd\n\n"
    "List the entries of a ledger, oldest first, after verifying the whole chain: one that does not hold ends with "
    "status 16."
)

ledger_app = typer.Typer(help="Begin the ledger of an environment, and read it.", no_args_is_help=True)

OptionalEnvironment = Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")]
LedgerUrl = Annotated[str, typer.Option("--ledger", help="Repository with the branches ledger/ENV; URL or path.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_EMBEDDED = ".schiff/ledger.git"


@ledger_app.command("init", help=INIT_HELP)
def init(
    environment: OptionalEnvironment = "",
    every: Annotated[bool, typer.Option("--all", help="All three environments.")] = False,
    fleet: Annotated[Path, typer.Option("--fleet", help="Folder of the fleet.")] = Path("stacks/fleet"),
    ledger: LedgerUrl = _EMBEDDED,
    as_json: Json = False,
) -> None:
    """Write the genesis where there is none."""
    chosen = ENVIRONMENTS if every else (parse_environment(environment),)
    loaded = load_fleet(fleet)
    results = [_begin(loaded, name, ledger, actor(os.environ), fleet_commit(fleet) or "none") for name in chosen]
    if as_json:
        print(json.dumps({"ledger": ledger, "environments": results}, indent=2))
        return
    for result in results:
        print(_sentence(loaded, result))


@ledger_app.command("log", help=LOG_HELP)
def log(environment: OptionalEnvironment = "", ledger: LedgerUrl = _EMBEDDED, as_json: Json = False) -> None:
    """Print the entries of one environment."""
    found = read_ledger(ledger, parse_environment(environment), _cache())
    if as_json:
        print(json.dumps(_as_json(found), indent=2))
        return
    if found.head is None:
        print(f"{found.environment}: no ledger yet; begin it: schiff ledger init -e {found.environment}")
        return
    for entry in found.entries:
        print(f"{entry.seq:>6}  {entry.at}  {entry.kind:<8} {_about(entry)}  ({entry.actor})")
    print(f"head {found.head.seq} {found.head.digest}")


def _begin(fleet: Fleet, environment: Environment, url: str, actor: str, commit: str) -> dict[str, Any]:
    """Append the genesis unless somebody did before; several may try at once."""
    proposed: list[Entry] = []

    def propose(ledger: Ledger) -> Entry | None:
        if ledger.head is not None:
            return None
        proposed.append(genesis(fleet, environment, actor=actor, fleet_commit=commit))
        return proposed[-1]

    first = append_to_ledger(url, environment, propose, _cache()).entries[0]
    return {"environment": environment, "existed": first not in proposed[-1:], "genesis": first.as_json()}


def _sentence(fleet: Fleet, result: Mapping[str, Any]) -> str:
    body = result["genesis"]["body"]
    layers = fleet.releases.get(body["release"])
    release = layers.release.name if layers else body["release"]
    what = f"release {release}, {len(body['clusters'])} clusters"
    if result["existed"]:
        return f"{result['environment']}: the ledger exists already, since {result['genesis']['at']} ({what})"
    return f"{result['environment']}: the ledger begins with {what}"


def _about(entry: Entry) -> str:
    body = entry.body
    match entry.kind:
        case "genesis":
            return f"{len(body['clusters'])} clusters start, release {body['release']}"
        case "move":
            return ", ".join(sorted([*body.get("clusters", {}), *body.get("managementClusters", {})]))
        case "remove":
            return f"{body['cluster']} to removal state {body['state']}"
        case "note":
            return str(body["text"])
        case _:
            return ""


def _as_json(ledger: Ledger) -> dict[str, Any]:
    head = None if ledger.head is None else {"seq": ledger.head.seq, "digest": ledger.head.digest}
    return {
        "environment": ledger.environment,
        "head": head,
        "entries": [entry.as_json() for entry in ledger.entries],
    }


def _cache() -> Path:
    return Path(os.environ.get("SCHIFF_CACHE") or ".schiff/cache")

"""`schiff ledger`: begin the ledger of an environment, read it, and verify it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from schiff.cli import ledger_verify
from schiff.cli.actor import actor
from schiff.cli.chains import append
from schiff.cli.compiled import settings_of
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.project import parse_environment
from schiff.cli.terminal import say, say_json, warn
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

ledger_app = typer.Typer(
    help="Example: schiff ledger log -e prd\n\nBegin the ledger of an environment, read it, and verify it.",
    no_args_is_help=True,
)

OptionalEnvironment = Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")]


@ledger_app.command("init", help=INIT_HELP, short_help="Begin the ledger of an environment.")
def init(
    environment: OptionalEnvironment = "",
    every: Annotated[bool, typer.Option("--all", help="All three environments.")] = False,
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Write the genesis where there is none."""
    chosen = ENVIRONMENTS if every else (parse_environment(environment),)
    workspace, settings = settings_of(chosen[0], ledger)
    folder = fleet or workspace.root / settings.fleet
    loaded, commit = load_fleet(folder), fleet_commit(folder) or "none"
    results = [_begin(loaded, name, ledger, commit) for name in chosen]
    if as_json:
        say_json({"ledger": settings.ledger, "environments": results})
        return
    for result in results:
        say(_sentence(loaded, result))


@ledger_app.command("log", help=LOG_HELP, short_help="List the entries of a ledger.")
def log(environment: OptionalEnvironment = "", ledger: LedgerOption = "", as_json: JsonOption = False) -> None:
    """Print the entries of one environment."""
    chosen = parse_environment(environment)
    place = _Place.of(chosen, ledger)
    found = read_ledger(place.url, chosen, place.cache)
    if as_json:
        say_json(_as_json(found))
        return
    if found.head is None:
        say(f"{found.environment}: no ledger yet; begin it: schiff ledger init -e {found.environment}")
        return
    for entry in found.entries:
        say(f"{entry.seq:>6}  {entry.at}  {entry.kind:<8} {_about(entry)}  ({entry.actor})")
    say(f"head {found.head.seq} {found.head.digest}")


ledger_app.command("verify", help=ledger_verify.HELP, short_help="Hold a ledger against all evidence.")(
    ledger_verify.verify
)


class _Place(NamedTuple):
    """Where a stack's ledger is, and the cache it is read through."""

    url: str
    cache: Path

    @classmethod
    def of(cls, environment: Environment, ledger: str) -> _Place:
        workspace, settings = settings_of(environment, ledger)
        return cls(workspace.place(settings.ledger), workspace.cache)


def _begin(fleet: Fleet, environment: Environment, url: str, commit: str) -> dict[str, Any]:
    """Append the genesis unless somebody did before; several may try at once."""
    proposed: list[Entry] = []

    def propose(ledger: Ledger) -> Entry | None:
        if ledger.head is not None:
            return None
        proposed.append(genesis(fleet, environment, actor=actor(os.environ), fleet_commit=commit))
        return proposed[-1]

    first = append(environment, propose, ledger=url, tell=warn).entries[0]
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
        case "genesis" if "closes" in body:
            return f"{len(body['clusters'])} clusters return, and entries up to {body['closes']['seq']} are closed"
        case "genesis":
            return f"{len(body['clusters'])} clusters start, release {body['release']}"
        case "observe":
            return f"{body['healthy']} of {body['total']} healthy, release {body['release']}"
        case "promote":
            return f"release {body['name']} enters, {body['release']}"
        case "move":
            return ", ".join(sorted([*body.get("clusters", {}), *body.get("managementClusters", {})]))
        case "remove":
            return f"{body['cluster']} to removal state {body['state']}"
        case "approve":
            return f"{body['principal']} agrees to {body['verb']} {body['subject']} until {body['expires']}"
        case "ack":
            return f"{body['cluster']}: {body['text']}"
        case "halt" | "resume" | "revoke":
            return f"release {body['release']}: {body['reason']}"
        case "note":
            return str(body["text"])


def _as_json(ledger: Ledger) -> dict[str, Any]:
    head = None if ledger.head is None else {"seq": ledger.head.seq, "digest": ledger.head.digest}
    return {
        "environment": ledger.environment,
        "head": head,
        "entries": [entry.as_json() for entry in ledger.entries],
    }

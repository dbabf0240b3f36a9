"""`schiff hold report`: who holds releases back, what it costs, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from schiff.cli import clock
from schiff.cli.chains import verified_chains
from schiff.cli.compiled import Reading
from schiff.cli.customers import RolledMachines, require_customer
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.terminal import say, say_json, table
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.rollout.assignments import assignments
from schiff.rollout.capacity import machines_of
from schiff.rollout.genesis import with_genesis
from schiff.rollout.holds import HeldCluster, held_clusters
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.way_back import Standing
from schiff.sources.plugins import load_parts
from schiff.values.names import Environment

REPORT_HELP = (
    "Example: schiff hold report --customer customer-a\n\n"
    "List the production clusters that are held, what holding costs each of them (releases, days and Kubernetes minors "
    "behind, days to the end of support, machines that will roll), and the shortest legal way back. A hold whose "
    "`until` has passed has ended and is not listed."
)

hold_app = typer.Typer(
    help="Example: schiff hold report\n\nSay what holding releases back costs, and how to catch up.",
    no_args_is_help=True,
)

_HELD_IN: Environment = "prd"
_HEADINGS = ("CLUSTER", "CUSTOMER", "RELEASE", "KUBERNETES", "SINCE", "UNTIL", "RELEASES", "DAYS", "MINORS", "SUPPORT")


@hold_app.callback()
def _group() -> None:
    """Keep `report` a command of its own: a group of one would be the command itself."""


@hold_app.command("report", help=REPORT_HELP, short_help="List held clusters, their debt and way back.")
def report(
    customer: Annotated[str, typer.Option("--customer", help="Clusters of this customer alone.")] = "",
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print every held cluster."""
    reading = Reading.of(_HELD_IN, fleet, ledger)
    if customer:
        require_customer(reading.fleet, customer, "--customer")
    now = clock.now()
    chain = verified_chains(_HELD_IN, fleet, ledger).ledgers[_HELD_IN]
    held = [one for one in _held(reading.fleet, chain, now) if customer in {"", one.customer}]
    if as_json:
        say_json(_as_json(held, now))
    else:
        say(_text(held, customer))


def _held(fleet: Fleet, chain: Ledger, now: datetime) -> Sequence[HeldCluster]:
    ledger = with_genesis(chain, fleet)
    resolved = resolve_environment(fleet, _HELD_IN, assignments(ledger, fleet, _HELD_IN))
    count = RolledMachines(fleet, load_parts())

    def machines(cluster: ResolvedCluster, way: Sequence[Standing]) -> int:
        if not way:
            return machines_of(cluster)
        return count(cluster, Assignment(way[-1].release, way[-1].kubernetes))

    return held_clusters(resolved.tenants.values(), fleet, ledger.state, now, machines)


def _as_json(held: Sequence[HeldCluster], now: datetime) -> dict[str, Any]:
    return {"at": format_moment(now), "environment": _HELD_IN, "clusters": [one.as_json() for one in held]}


def _text(held: Sequence[HeldCluster], customer: str) -> str:
    if not held:
        return f"no cluster of {customer or _HELD_IN} is held"
    rows = [_HEADINGS, *map(_row, held)]
    stories = ("\n".join(_story(one)) for one in held)
    return "\n\n".join([table(rows, indent=""), *stories])


def _row(one: HeldCluster) -> tuple[str, ...]:
    debt = one.debt
    support = "unknown" if debt.support_days is None else f"{debt.support_days}d"
    behind = (str(debt.releases), str(debt.days), str(debt.minors), support)
    until = one.hold.until or "-"
    return (str(one.key), one.customer, one.release, str(one.standing.kubernetes), one.hold.since, until, *behind)


def _story(one: HeldCluster) -> tuple[str, ...]:
    return (
        f"{one.key}: held for {one.days_held} days by {one.hold.by}: {one.hold.reason}",
        f"  {one.debt.sentence()}",
        f"  {one.way_sentence()}",
    )

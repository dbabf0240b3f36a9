"""`schiff calendar`: which release reaches which cluster of a customer when, and until when it can be held off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from schiff.cli import clock
from schiff.cli.customer_releases import CustomerReleases
from schiff.cli.customers import require_customer
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.terminal import say, say_json, table
from schiff.errors import InvalidInput, Place, Problem
from schiff.rollout.calendar import Arrival
from schiff.rollout.icalendar import to_ical
from schiff.rollout.moments import format_moment
from schiff.values.names import ClusterKey

HELP = """\
Example: schiff calendar customer-a

Say which release reaches which cluster of a customer when, how many machines will be replaced, and the last day on
which a hold would keep it away. Dates are the earliest that policy, freezes, windows and holds allow: rollouts take
time, people approve, clusters are unwell. The next train is a release that is not cut yet; it carries head as it is.

--ical prints a calendar for other programs (RFC 5545).
"""

_HEADINGS = ("EARLIEST", "CLUSTER", "ENV", "RELEASE", "MACHINES", "HOLD BY", "NOTE")


def calendar(
    customer: Annotated[str, typer.Argument(help="Name of the customer.", show_default=False)],
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
    as_ical: Annotated[bool, typer.Option("--ical", help="Print an iCalendar.")] = False,
) -> None:
    """Print what comes to the clusters of one customer."""
    if as_json and as_ical:
        raise InvalidInput([Problem(Place("--ical"), "", "--json was asked for as well", "leave one of them out")])
    reading = CustomerReleases.read(customer, fleet, ledger)
    require_customer(reading.fleet, customer, "CUSTOMER")
    now = clock.now()
    found, followers = reading.arrivals(now), reading.followers
    if as_ical:
        print(to_ical(f"releases for {customer}", found, now), end="")
    elif as_json:
        say_json(_as_json(customer, found, followers, now))
    else:
        say(_text(customer, found, followers))


def _as_json(customer: str, found: Sequence[Arrival], followers: Sequence[ClusterKey], now: datetime) -> dict[str, Any]:
    return {
        "at": format_moment(now),
        "customer": customer,
        "arrivals": [arrival.as_json() for arrival in found],
        "followHead": [str(key) for key in followers],
    }


def _text(customer: str, found: Sequence[Arrival], followers: Sequence[ClusterKey]) -> str:
    lines = [table([_HEADINGS, *map(_row, found)], indent="")] if found else [f"no release comes to {customer}"]
    lines += [f"{key} follows head: every merge reaches it at once" for key in followers]
    return "\n".join(lines)


def _row(arrival: Arrival) -> tuple[str, ...]:
    day = arrival.last_day_to_hold
    return (
        "unknown" if arrival.at is None else format_moment(arrival.at),
        str(arrival.cluster),
        arrival.environment,
        arrival.release,
        str(arrival.machines),
        "-" if day is None else day.isoformat(),
        arrival.note,
    )

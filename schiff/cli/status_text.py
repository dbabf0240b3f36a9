"""How clusters are, for people: a table by site and customer, and what changed since the last look."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Final

import typer

from schiff.cli.environment_status import Entry, EnvironmentStatus
from schiff.rollout.health import Verdict
from schiff.rollout.health.rollup import Counted, counted
from schiff.rollout.moments import format_moment

_COLOURS: Final = {
    Verdict.Healthy: "green",
    Verdict.Progressing: "yellow",
    Verdict.Unhealthy: "red",
    Verdict.Unknown: "magenta",
}
_WIDTH: Final = max(map(len, Verdict))
_INDENT: Final = "  "


def table_of(status: EnvironmentStatus) -> str:
    """Return an environment as a table: the worst of each site and customer, then its clusters."""
    head = f"{status.environment}  {_word(status.whole.verdict)}  {_numbers(status.whole)}  {format_moment(status.at)}"
    return "\n".join([head, *_sites(status)])


def changes_of(before: EnvironmentStatus, now: EnvironmentStatus) -> str:
    """Return a line for each cluster that is not as it was at the last look; an empty text when all are."""
    old = {entry.name: entry for entry in before.entries}
    new = {entry.name: entry for entry in now.entries}
    lines = [_change(now, name, old.get(name), new.get(name)) for name in sorted(old | new)]
    return "\n".join(line for line in lines if line)


def _change(now: EnvironmentStatus, name: str, before: Entry | None, after: Entry | None) -> str:
    said = _sentence(after) if after else "gone"
    if said == (_sentence(before) if before else ""):
        return ""
    return f"{format_moment(now.at)} {now.environment} {name}: {said}"


def _sentence(entry: Entry) -> str:
    health = entry.health
    if health.verdict is Verdict.Healthy:
        return health.verdict
    return f"{health.verdict} {health.reason} {health.object}: {health.message}"


def _sites(status: EnvironmentStatus) -> Iterator[str]:
    width = max((len(_short(entry)) for entry in status.entries), default=0)
    for site, in_site in groupby(status.entries, key=lambda entry: entry.cluster.site):
        entries = list(in_site)
        yield f"\n{site}  {_word(counted(entry.health for entry in entries).verdict)}"
        for customer, of_customer in groupby(entries, key=lambda entry: entry.cluster.customer):
            members = list(of_customer)
            yield f"{_INDENT}{customer}  {_word(counted(entry.health for entry in members).verdict)}"
            yield from (f"{_INDENT * 2}{_row(entry, width)}" for entry in members)


def _row(entry: Entry, width: int) -> str:
    health = entry.health
    start = f"{_short(entry):{width}}  "
    if health.verdict is Verdict.Healthy:
        return start + _word(health.verdict)
    return f"{start}{_word(health.verdict, _WIDTH)}  {health.reason}  {health.object}: {health.message}"


def _short(entry: Entry) -> str:
    """Return a cluster's name without its site, which stands above it."""
    return entry.name.rpartition("/")[2]


def _numbers(group: Counted) -> str:
    counts = ", ".join(f"{number} {verdict}" for verdict, number in group.clusters.items() if number)
    clusters = f"{group.total} {'cluster' if group.total == 1 else 'clusters'}"
    return f"{clusters}: {counts}" if counts else "nothing was delivered"


def _word(verdict: Verdict, width: int = 0) -> str:
    """Return a verdict, in its colour on a terminal."""
    text = f"{verdict:{width}}" if width else str(verdict)
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return typer.style(text, fg=_COLOURS[verdict]) if coloured else text

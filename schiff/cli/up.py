"""`schiff up`: deliver the orders, and the moves the ledger holds already."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from schiff.cli.actor import actor
from schiff.cli.chains import append
from schiff.cli.engine import Ended, Engine, refreshed
from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.terminal import Progress, progress, say, say_json, table, warn
from schiff.delivery.stack import StackName, StackSettings
from schiff.delivery.wishes import ADOPT, CLUSTER, TAKE_BACK
from schiff.errors import Failed
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.removals import due_removals, removal_body
from schiff.sources.fleet_commit import fleet_commit
from schiff.sources.fleet_files import load_fleet

HELP = """\
Example: schiff up -e prd

Deliver an environment: what was ordered, and the moves its ledger holds already. It promotes nothing, and the one entry
it appends to a ledger begins the removal of a cluster whose order says decommission. A second run makes no commit.

What somebody else changed in a delivered repository stops it with status 17; --take-back overwrites that, --adopt takes
over folders that belong to nobody. --cluster delivers one cluster, and leaves everything else as it was delivered.
"""

_RESOURCE = re.compile(r"^ *[-+~]+ +schiff:index:(\w+) (\S+) (\w+)")


def up(
    environment: EnvironmentOption = "",
    cluster: Annotated[str, typer.Option("--cluster", help="Deliver <site>/<cluster> alone.")] = "",
    take_back: Annotated[bool, typer.Option("--take-back", help="Overwrite what others changed.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Take over folders that belong to nobody.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Deliver every stack of the environment."""
    project, chosen = Project.here(), parse_environment(environment)
    wishes = {CLUSTER: cluster, TAKE_BACK: "1" if take_back else "", ADOPT: "1" if adopt else ""}
    engine = Engine(project, {name: value for name, value in wishes.items() if value})
    for number, stack in enumerate(project.stacks(chosen)):
        with progress(f"delivering {stack}") as show:
            answer = deliver(project, engine, stack, show, is_first=number == 0)
        if as_json:
            say_json(answer)
        else:
            say(sentences(answer))


def deliver(project: Project, engine: Engine, stack: StackName, show: Progress, *, is_first: bool) -> dict[str, Any]:
    """Deliver one stack and return what was reached; with the first of an environment its removals begin."""
    settings = project.settings(stack)
    removed = _begin_removals(project, stack, settings) if is_first else []
    ended = engine.up(stack, *refreshed(settings), listen=_Counter(show))
    return {**summary(stack, settings, ended), "removalsBegun": removed}


def summary(stack: StackName, settings: StackSettings, ended: Ended) -> dict[str, Any]:
    """Return what a run reached, from what program and plugin reported."""
    if not ended.of("figures"):
        raise Failed(
            f"{stack} was updated, but its program is not the one of schiff.resources.program", "other-program"
        )
    figures = ended.of("figures")[-1]
    written = {said["repository"]: said for said in ended.of("delivered")}
    places = {"components": settings.components, "definitions": settings.definitions}
    return {
        "stack": str(stack),
        "environment": stack.environment,
        **{name: figures[name] for name in ("clusters", "objects", "files")},
        "repositories": {
            name: {
                "url": url,
                "branch": settings.branch,
                "commit": written.get(name, {}).get("head") or figures["heads"][name],
                "commits": written.get(name, {}).get("commits", []),
                "orders": written.get(name, {}).get("orders", 0),
                "wave": written.get(name, {}).get("wave", 0),
                "proposed": written.get(name, {}).get("proposed", False),
            }
            for name, url in places.items()
        },
        **({"direct": ended.of("direct")[-1]["sent"]} if ended.of("direct") else {}),
    }


def sentences(answer: Mapping[str, Any]) -> str:
    """Return the end of a run for people: what stands there now, where it is, and what to run next."""
    stack, places = answer["stack"], answer["repositories"]
    head = f"{stack}: {answer['clusters']} clusters, {answer['objects']} objects, {answer['files']} files"
    rows = [(name, str(place["commit"] or "")[:12], _changes(place), place["url"]) for name, place in places.items()]
    begun = [f"{cluster} is being removed now: state a" for cluster in answer["removalsBegun"]]
    return "\n".join([head, table(rows), *_sent(answer), *begun, f"next: {_next(answer)}"])


def _sent(answer: Mapping[str, Any]) -> Iterator[str]:
    """Say what went straight to API servers, and what people have to apply themselves."""
    sent = answer.get("direct", {"objects": {}, "leftOut": []})
    for name, count in sent["objects"].items():
        yield f"  {name}: {count} objects by its API server; definitions holds their record alone"
    for path in sent["leftOut"]:
        yield f"  encrypted, apply it yourself: {path}"


def _changes(place: Mapping[str, Any]) -> str:
    if place["proposed"]:
        return "proposed, not delivered"
    if not place["commits"]:
        return "no changes"
    counted = [(name, place[name]) for name in ("orders", "wave") if place[name]]
    parts = [f"{name} {count} {'folder' if count == 1 else 'folders'}" for name, count in counted]
    return ", ".join(parts) or "manifest"


def _next(answer: Mapping[str, Any]) -> str:
    place = answer["repositories"]["definitions"]
    if place["proposed"]:
        return f"merge the proposal schiff/{answer['stack']} in {place['url']}"
    if place["commits"] and "://" not in place["url"]:
        return f"git -C {place['url']} show --stat {place['branch']}"
    return f"edit an order, then schiff preview -e {answer['environment']}"


def _begin_removals(project: Project, stack: StackName, settings: StackSettings) -> Sequence[str]:
    """Append state `a` for every order that says decommission and that the ledger does not know to leave."""
    folder = project.root / settings.fleet
    fleet = load_fleet(folder)
    begun: list[str] = []

    def propose(ledger: Ledger) -> Entry | None:
        due = due_removals(ledger, fleet) if ledger.head is not None else ()
        if not due:
            return None
        begun.append(str(due[0]))
        now, commit = format_moment(datetime.now(UTC)), fleet_commit(folder) or "none"
        return ledger.append("remove", removal_body(due[0]), at=now, actor=actor(os.environ), fleet=commit)

    append(stack.environment, propose, ledger=settings.ledger, tell=warn)
    return list(dict.fromkeys(begun))


class _Counter:
    """Turns the engine's lines into news: how many resources, and what happens now."""

    def __init__(self, show: Progress) -> None:
        self._show = show
        self._seen: set[str] = set()

    def __call__(self, line: str) -> None:
        """Take one line of the engine's text."""
        match = _RESOURCE.match(line)
        if match:
            kind, name, doing = match.groups()
            self._seen.add(f"{kind} {name}")
            self._show(f"{len(self._seen)} resources, {doing} {name}")

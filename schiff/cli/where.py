"""`schiff where`: which clusters run a component, and in how many different configurations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from schiff.cli.options import EnvironmentOption, FleetOption, JsonOption, LedgerOption
from schiff.cli.resolved_fleet import ResolvedFleet
from schiff.cli.terminal import say, say_json, table
from schiff.compiler.configurations import Difference, Use, Value, configurations, differences, uses
from schiff.errors import InvalidInput, Place, Problem
from schiff.sources.plugins import load_parts

HELP = """\
Example: schiff where --distinct

Say which clusters run which version of a component. --distinct counts the different configurations of each component
(version, variant, every setting with its default) and names what makes them differ: fewer is better.
"""

_HEADINGS = ("COMPONENT", "VERSION", "VARIANT", "ENV", "CLUSTER")
_SHOWN = 3
_WIDEST = 60


def where(
    component: Annotated[str, typer.Argument(help="Name of a component; default: all.", show_default=False)] = "",
    *,
    distinct: Annotated[bool, typer.Option("--distinct", help="Count configurations instead of clusters.")] = False,
    environment: EnvironmentOption = "",
    fleet: FleetOption = None,
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print who runs what."""
    found = uses(ResolvedFleet.read(environment, fleet, ledger).clusters, load_parts())
    if component and component not in found:
        cure = f"known: {', '.join(found)}"
        raise InvalidInput([Problem(Place("COMPONENT"), "", f"no cluster runs {component!r}", cure)])
    chosen = {name: each for name, each in found.items() if component in {"", name}}
    if as_json:
        rows = [_distinct_json(name, each) if distinct else _json(name, each) for name, each in chosen.items()]
        say_json({"components": rows})
    elif distinct:
        say("\n".join(_distinct_text(name, each) for name, each in chosen.items()))
    else:
        say(table([_HEADINGS, *(_row(name, use) for name, each in chosen.items() for use in each)], indent=""))


def _row(name: str, use: Use) -> tuple[str, ...]:
    return (name, use.version, use.variant, use.environment, str(use.cluster))


def _json(name: str, every: Sequence[Use]) -> dict[str, Any]:
    rows = [
        {"cluster": str(use.cluster), "environment": use.environment, "version": use.version, "variant": use.variant}
        for use in every
    ]
    return {"component": name, "clusters": rows}


def _distinct_json(name: str, every: Sequence[Use]) -> dict[str, Any]:
    found = [
        {
            "path": ".".join(difference.path),
            "values": [{"value": value, "clusters": list(map(str, keys))} for value, keys in difference.values],
        }
        for difference in differences(every)
    ]
    return {
        "component": name, "clusters": len(every), "configurations": configurations(every), "differences": found,
    }  # fmt: skip


def _distinct_text(name: str, every: Sequence[Use]) -> str:
    count = configurations(every)
    one = f"{name}: {count} configuration{'s' if count > 1 else ''} in {len(every)} clusters"
    rows = [(".".join(difference.path), _values(difference)) for difference in differences(every)]
    return f"{one}\n{table(rows)}" if rows else one


def _values(difference: Difference) -> str:
    if all(len(keys) == 1 for _, keys in difference.values):
        return f"another in each of {len(difference.values)} clusters"
    said = [f"{_text(value)} in {len(keys)}" for value, keys in difference.values[:_SHOWN]]
    more = len(difference.values) - len(said)
    return ", ".join([*said, *([f"{more} more"] if more else [])])


def _text(value: Value) -> str:
    text = "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"

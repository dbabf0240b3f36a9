"""`schiff rehearse`: a season in minutes, told day by day."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schiff.cli.options import JsonOption
from schiff.cli.project import Project
from schiff.cli.rehearsal.ending import Ending
from schiff.cli.rehearsal.staging import Asked, season
from schiff.cli.terminal import progress, say, say_json
from schiff.errors import InvalidInput, Place, Problem, Refused

HELP = """\
Example: schiff rehearse --weeks 8 --seed 1

Take a copy of the fleet through weeks of simulated time in minutes, and tell the story: releases are cut, observed,
soak, are approved and move; people change defaults and hold a cluster; clusters fall ill, a site is cut off, runs die.
Git, S3 and Pulumi's engine are the real ones, in a temporary folder; clusters are simulated, and so is the clock.

At the end of each day all ledgers are read anew and held against everything. The same seed gives the same bytes.
It needs: pip install 'schiff[rehearse]'.
"""

_MOST = 52


def rehearse(
    weeks: Annotated[int, typer.Option("--weeks", help="How long the season is.")] = 8,
    seed: Annotated[int, typer.Option("--seed", help="What goes wrong, and what people choose.")] = 1,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", help="Folder of the fleet; default: the project's; it is copied.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearse a season."""
    if not 1 <= weeks <= _MOST:
        message = f"{weeks} weeks are no season"
        raise InvalidInput([Problem(Place("--weeks"), "", message, f"write a number from 1 to {_MOST}")])
    origin = _origin()
    folder = fleet or _fleet(origin)
    with season(Asked(weeks, seed), folder, origin, (lambda _: None) if as_json else say) as one:
        with progress("rehearsing"):
            chains = one.run()
        ending = Ending(one.world.fleet(), chains, one.world.clock.now)
        deliveries = one.world.deliveries
        if as_json:
            told = {"weeks": weeks, "seed": seed, "story": one.story.as_json(), "deliveries": deliveries}
            say_json({**told, **ending.as_json()})
            return
        say(f"\nafter {weeks} {'week' if weeks == 1 else 'weeks'} and {deliveries} deliveries:")
        for line in ending.lines():
            say(line)


def _origin() -> Project | None:
    try:
        return Project.here()
    except Refused:
        return None


def _fleet(origin: Project | None) -> Path:
    """Return the fleet of the project that the command is run in."""
    if origin is None:
        cure = "run it in a project, or name a fleet: --fleet stacks/fleet"
        raise InvalidInput([Problem(Place("--fleet"), "", "there is no project here", cure)])
    return origin.root / origin.settings(origin.stacks("tst")[0]).fleet

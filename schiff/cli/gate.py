"""`schiff gate`: whether a release may enter an environment now, with every reason why not."""

from __future__ import annotations

from typing import Annotated

import typer

from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.situations import Facts, situation_of
from schiff.cli.stack_world import StackWorld
from schiff.cli.terminal import progress, say, say_json
from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.rollout.admission import admission
from schiff.rollout.entering import request_of
from schiff.rollout.moments import format_moment
from schiff.rollout.refusals import Refusal
from schiff.rollout.situation import Situation
from schiff.values.names import Environment

HELP = """\
Example: schiff gate -e prd 2026.48.0

Say whether a release may enter an environment now: the question that schiff step and the Pulumi program ask too. Every
reason why not comes with its name and, where time alone decides, the moment at which to ask again.

The status is 0 when it may, 10 when time or health alone stand in the way, and 11 when a person has to do something.
"""


def gate(
    release: Annotated[str, typer.Argument(help="Name of a release.")],
    environment: EnvironmentOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print every refusal."""
    project, chosen = Project.here(), parse_environment(environment)
    with progress(f"{chosen}: verifying the ledger") as show:
        situation = _situation(StackWorld.of(project, chosen, show), chosen)
    refusals = _refusals(situation, release)
    status = max((refusal.error().status for refusal in refusals), default=0)
    if as_json:
        code = refusals[0].code if refusals else "ok"
        reasons = [refusal.as_json() for refusal in refusals]
        say_json({"environment": chosen, "release": release, "status": status, "code": code, "refusals": reasons})
    elif not refusals:
        say(f"release {release} may enter {chosen}; schiff step -e {chosen} promotes it")
    for refusal in () if as_json else refusals:
        until = f"; again at {format_moment(refusal.until)}" if refusal.until is not None else ""
        say(f"{refusal.code}: {refusal.sentence}{until}")
    raise typer.Exit(status)


def _situation(world: StackWorld, environment: Environment) -> Situation:
    fleet = world.fleet()
    chains = world.branches.read(environment, fleet)
    if chains.ledgers[environment].head is None:
        raise Refused(f"{environment} has no ledger yet; begin it: schiff ledger init -e {environment}", "no-ledger")
    return situation_of(environment, chains, Facts(fleet, world.authors, world.delivered(environment), world.now()))


def _refusals(situation: Situation, name: str) -> list[Refusal]:
    candidates = {candidate.name: candidate for candidate in situation.releases}
    if name not in candidates:
        cure = f"its releases: {', '.join(candidates) or 'none'}"
        raise InvalidInput([Problem(Place("RELEASE"), "", f"the fleet has no release {name!r}", cure)])
    try:
        return list(admission(request_of(situation, candidates[name])))
    except Refused as error:
        return [Refusal(error.code, str(error))]

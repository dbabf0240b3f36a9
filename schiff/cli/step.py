"""`schiff step`: the scheduled verb. What decides is elsewhere; here is said what was done and is waited for."""

from __future__ import annotations

from typing import Any

import typer

from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.stack_world import StackWorld
from schiff.cli.step_loop import Done, run_steps
from schiff.cli.terminal import progress, say, say_json
from schiff.errors import SchiffError
from schiff.rollout.moments import format_moment
from schiff.rollout.refusals import Refusal
from schiff.rollout.situation import Wait
from schiff.values.names import Environment

HELP = """\
Example: schiff step -e ref

Do everything that is legal now, one sentence each, until nothing is left but to wait: verify the ledgers, look at the
clusters, write down what was seen, halt, promote, move the next wave, deliver, cut a release. The verb that CI runs on
a schedule; killed anywhere and run again it goes on, and two at once never do one thing twice.

The status is 0 when something went on, 10 when all it could do was look and wait (the answer says for what, and when
to come back), and 11 when it waits for a person: a halted release, an approval that is missing.
"""


def step(environment: EnvironmentOption = "", as_json: JsonOption = False) -> None:
    """Run steps until they wait."""
    project, chosen = Project.here(), parse_environment(environment)
    done: list[Done] = []
    try:
        refusal = _run(project, chosen, done, as_json=as_json)
    except SchiffError as error:
        if as_json and done:
            say_json({**_as_json(chosen, done), "status": error.status, "code": error.code, "message": str(error)})
            raise typer.Exit(error.status) from error
        raise
    status = _status(done, refusal)
    if as_json:
        code = "ok" if status == 0 else refusal.code
        say_json({**_as_json(chosen, done), "status": status, "code": code, "waitsFor": refusal.as_json()})
    else:
        until = f"; again at {format_moment(refusal.until)}" if refusal.until is not None else ""
        say(f"{chosen} waits ({refusal.code}): {refusal.sentence}{until}")
    raise typer.Exit(status)


def _run(project: Project, environment: Environment, done: list[Done], *, as_json: bool) -> Refusal:
    with progress(f"{environment}: verifying the ledger") as show:
        for one in run_steps(environment, StackWorld.of(project, environment, show)):
            if isinstance(one, Wait):
                return one.refusal
            done.append(one)
            show(one.sentence)
            if not as_json:
                say(f"{environment}: {one.sentence}")
    raise AssertionError("a run ends with what it waits for")


def _status(done: list[Done], refusal: Refusal) -> int:
    """Return 0 when something went on and the rest is waiting; what needs a person is never passed over."""
    waits = refusal.error().status
    return 0 if refusal.is_waiting and any(one.moves for one in done) else waits


def _as_json(environment: Environment, done: list[Done]) -> dict[str, Any]:
    return {"environment": environment, "steps": [_step(one) for one in done]}


def _step(one: Done) -> dict[str, Any]:
    entry = None if one.entry is None else {"seq": one.entry.seq, "kind": one.entry.kind, "digest": one.entry.digest}
    return {"doing": one.doing, "sentence": one.sentence, "entry": entry}

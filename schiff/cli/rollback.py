"""`schiff rollback`: revoke a release and send its clusters back, after saying what of it can be taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import parse_environment
from schiff.cli.steering import Steering, require_text
from schiff.cli.terminal import say, say_json
from schiff.cli.unverified import roll_back_unverified
from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.model.fleet import Fleet, SharedLayers
from schiff.rollout.reversal import Reversal, reversal
from schiff.rollout.running import Rollout
from schiff.rollout.situation import Append
from schiff.rollout.stage import Stage
from schiff.sources.chains import Chains

HELP = """\
Example: schiff rollback -e prd --reason "calico drops packets"

Take back the release that rolls out here, or did last: it is revoked, goes into no later environment, and schiff step
returns its clusters to what they ran, in batches, whatever windows and freezes say. The verdict comes before anything
moves: full, partial (what stays is named), or impossible, which is refused with status 11: then cut a hotfix.

--unverified is for a ledger that does not hold, when nothing else delivers any more. It says what it would do and the
digest to agree to; two people sign that (schiff approve rollback-unverified DIGEST -e prd --out FILE), and the same
command with both files closes the broken chain, begins a new one, and delivers what clusters ran at the good commit.
"""


def rollback(
    environment: EnvironmentOption = "",
    to: Annotated[
        str,
        typer.Option("--to", help="Release completed here, or with --unverified a commit; default: the last before."),
    ] = "",
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")] = "",
    unverified: Annotated[bool, typer.Option("--unverified", help="Close a ledger that does not hold.")] = False,
    approval: Annotated[
        list[Path] | None, typer.Option("--approval", help="With --unverified: a file of schiff approve --out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Append `revoke`, or begin anew."""
    why = require_text("--reason", reason, '--reason "calico drops packets"')
    if unverified:
        roll_back_unverified(parse_environment(environment), to, why, approval or (), as_json=as_json)
        return
    if approval:
        message, cure = "is for a ledger that does not hold", "give --unverified too, or approve in the ledger"
        raise InvalidInput([Problem(Place("--approval"), "", message, cure)])
    steering = Steering.of(environment)
    stage, rollout = _standing(steering, steering.read())
    verdict = _verdict(steering.fleet, rollout, _target(steering.fleet, stage, rollout, to))
    if verdict.verdict == "impossible":
        raise Refused(verdict.sentence(), "no-path")

    def propose(chains: Chains) -> Append | None:
        now, running = _standing(steering, chains)
        if running.release in now.revoked:
            return None
        target = _target(steering.fleet, now, running, to)
        found = _verdict(steering.fleet, running, target)
        body = {"release": running.release, "reason": why, "target": target.digest, "verdict": found.verdict}
        return Append("revoke", body, "")

    entry = steering.append(propose)
    if as_json:
        say_json({"environment": steering.environment, "existed": entry is None, **verdict.as_json()})
        return
    said = "is revoked" if entry else "was revoked before"
    say(f"{steering.environment}: release {rollout.name} {said}; {verdict.sentence()}")
    say(f"next: schiff step -e {steering.environment}")


def _standing(steering: Steering, chains: Chains) -> tuple[Stage, Rollout]:
    return chains.ledgers[steering.environment].state, steering.rollout(chains)


def _target(fleet: Fleet, stage: Stage, rollout: Rollout, name: str) -> SharedLayers:
    """Return the release that clusters return to; raises `Refused` where nothing was completed before."""
    before = [digest for digest in stage.completed_releases if digest != rollout.release]
    known = {
        fleet.releases[digest].release.name: fleet.releases[digest] for digest in before if digest in fleet.releases
    }
    if name and name not in known:
        message = f"release {name!r} never completed in {rollout.plan.environment}"
        cure = f"name one of {', '.join(known) or 'none'}"
        raise InvalidInput([Problem(Place("--to"), "", message, cure)])
    if not known:
        raise Refused("no release was completed here before, so nothing can go back to one", "no-path")
    return known[name or list(known)[-1]]


def _verdict(fleet: Fleet, rollout: Rollout, target: SharedLayers) -> Reversal:
    running = fleet.releases.get(rollout.release)
    if running is None:
        raise Refused(f"release {rollout.name} is no longer in the fleet, so nobody can say what it changed", "no-path")
    return reversal(running.release, target.release)

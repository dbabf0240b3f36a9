"""`schiff halt` and `schiff resume`: stop what rolls out at once, and let it go on."""

from __future__ import annotations

from typing import Annotated

import typer

from schiff.cli import clock
from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.steering import Propose, Steering, require_text
from schiff.cli.terminal import say, say_json
from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.rollout.agreement import Asked, usable
from schiff.rollout.entry import Entry
from schiff.rollout.progress import Progress
from schiff.rollout.running import Rollout
from schiff.rollout.situation import Append
from schiff.sources.chains import Chains
from schiff.values.names import Environment

HALT_HELP = """\
Example: schiff halt -e prd --reason "customer-a reports lost pods"

Stop the release that rolls out: nothing of it starts any more in this environment, and it goes nowhere else, until
schiff resume or schiff rollback. What moves finishes. It is written to the ledger at once; nobody has to agree.
"""
RESUME_HELP = """\
Example: schiff resume -e prd --reason "the pods were lost by a test"

Let a halted release go on. As many people agree as policy asks for entering (schiff approve resume RELEASE). A cluster
that failed keeps it halted until somebody vouches for it: --ack SITE/CLUSTER, or a management cluster's name; repeat it
for several. It counts again once it is seen healthy, and one that was deleted is gone for good. So is vouched for a
cluster that was done and is unhealthy since, or cannot be seen: until it is well, nothing new starts.
"""
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; the ledger keeps it.")]


def halt(environment: EnvironmentOption = "", reason: ReasonOption = "", as_json: JsonOption = False) -> None:
    """Append `halt`, unless it is halted."""
    why, steering = require_text("--reason", reason, '--reason "lost pods"'), Steering.of(environment)

    def propose(chains: Chains) -> Append | None:
        rollout = steering.rollout(chains)
        if rollout.target is not None:
            raise Refused(f"release {rollout.name} is being taken back; there is nothing to halt", "not-rolling-out")
        body = {"release": rollout.release, "reason": why}
        return None if rollout.halted is not None else Append("halt", body, "")

    entry = steering.append(propose)
    rollout = steering.rollout(steering.read())
    said = f"release {rollout.name} is halted" if entry else f"release {rollout.name} was halted before"
    _tell(steering.environment, f"{said}: {rollout.halted}", [entry] if entry else [], as_json=as_json)


def resume(
    environment: EnvironmentOption = "",
    reason: ReasonOption = "",
    ack: Annotated[list[str] | None, typer.Option("--ack", help="Vouch for a cluster that failed or is away.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Append `ack` for each cluster, and `resume` where it is halted."""
    why, steering = require_text("--reason", reason, '--reason "it was a test"'), Steering.of(environment)
    written = [steering.append(_acknowledge(steering, name, why)) for name in ack or ()]

    def propose(chains: Chains) -> Append | None:
        rollout = steering.rollout(chains)
        if rollout.halted is None:
            return None
        ledger, proofs = chains.ledgers[steering.environment], chains.proofs[steering.environment]
        agreed = usable(ledger.state, proofs, Asked("resume", rollout.release, clock.now()))
        body = {"release": rollout.release, "reason": why, "approvals": list(agreed)}
        return Append("resume", body, "")

    written.append(steering.append(propose))
    rollout = steering.rollout(steering.read())
    said = f"release {rollout.name} {'goes on' if written[-1] else 'is not halted'}"
    _tell(steering.environment, said, [entry for entry in written if entry], as_json=as_json)


def _acknowledge(steering: Steering, name: str, text: str) -> Propose:
    return lambda chains: _ack(steering.rollout(chains), name, text)


def _ack(rollout: Rollout, name: str, text: str) -> Append | None:
    everybody: dict[str, Progress] = {str(key): one for key, one in rollout.clusters.items()}
    everybody |= rollout.management_clusters
    progress = everybody.get(name)
    if progress is None:
        message = f"release {rollout.name} moves no cluster {name}"
        raise InvalidInput([Problem(Place("--ack"), "", message, f"its clusters: {', '.join(sorted(everybody))}")])
    if progress.acked or not (progress.failed or progress.burns):
        return None
    return Append("ack", {"cluster": name, "release": rollout.release, "text": text}, "")


def _tell(environment: Environment, sentence: str, entries: list[Entry], *, as_json: bool) -> None:
    if as_json:
        say_json({"environment": environment, "message": sentence, "entries": [one.as_json() for one in entries]})
    else:
        say(f"{environment}: {sentence}")

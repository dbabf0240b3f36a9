"""`schiff fast-forward`: how a held cluster catches up, and the agreement to let it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.cli import clock
from schiff.cli.approve import Signer
from schiff.cli.options import JsonOption
from schiff.cli.project import parse_environment
from schiff.cli.signing_key import signing_key
from schiff.cli.steering import Steering
from schiff.cli.terminal import say, say_json
from schiff.errors import InvalidInput, InvalidValue, Place, Problem, Refused
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment
from schiff.rollout.assignments import assignments
from schiff.rollout.bodies import Pin
from schiff.rollout.holds import completed_layers
from schiff.rollout.moves import forward_subject
from schiff.rollout.way_back import Standing, way_back
from schiff.sources.approvals import read_approvers
from schiff.sources.fleet_commit import fleet_commit
from schiff.values.durations import Duration
from schiff.values.names import ClusterKey, Environment

PLAN_HELP = """\
Example: schiff fast-forward plan vsphere-site-1/customer-a-1

Say how a cluster that was held catches up: the shortest chain of releases completed in its environment in which every
step of every component and of Kubernetes is legal and nothing is revoked. What stands in the way is named (status 11).
"""
APPROVE_HELP = """\
Example: schiff fast-forward approve vsphere-site-1/customer-a-1

Agree to the way that schiff fast-forward plan shows, once, with your SSH key (as schiff approve does). From then on
schiff step moves the held cluster hop by hop, each after the one before was seen healthy; the hold stays. A hop that
fails ends that: the cluster stays where it is, and needs a new approval once it is healthy.
"""

fast_forward_app = typer.Typer(
    help="Example: schiff fast-forward plan vsphere-site-1/customer-a-1\n\nLet a held cluster catch up.",
    no_args_is_help=True,
)

ClusterArgument = Annotated[str, typer.Argument(help="The cluster, as SITE/CLUSTER.")]
HeldEnvironment = Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")]
_HELD_IN: Environment = "prd"


@fast_forward_app.command("plan", help=PLAN_HELP, short_help="Say how a held cluster catches up.")
def plan(cluster: ClusterArgument, environment: HeldEnvironment = _HELD_IN, as_json: JsonOption = False) -> None:
    """Print the way back."""
    way = _Way.of(Steering.of(environment), cluster)
    if as_json:
        say_json(way.as_json())
        return
    say(way.sentence)
    if way.path:
        say(f"next: schiff fast-forward approve {cluster} -e {environment}")


@fast_forward_app.command("approve", help=APPROVE_HELP, short_help="Agree to let a held cluster catch up.")
def approve(
    cluster: ClusterArgument,
    environment: HeldEnvironment = _HELD_IN,
    key: Annotated[Path | None, typer.Option("--key", help="SSH key; default: Git's user.signingkey.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the way, and append that."""
    chosen = parse_environment(environment)
    steering = Steering.of(environment)
    way = _Way.of(steering, cluster)
    if not way.path:
        raise Refused(way.sentence, "no-path")
    folder = steering.branches.places[chosen].fleet
    approvers = read_approvers(folder, is_rehearsal=steering.branches.places[chosen].is_rehearsal)
    with signing_key(key) as file:
        signer = Signer(chosen, approvers, file, clock.now(), Duration.parse("24h"))
        answer = signer.append(signer.sign("fast-forward", way.subject), fleet_commit(folder) or "none")
    if as_json:
        say_json({**way.as_json(), "approval": answer})
    else:
        say(f"{chosen}: {answer['principal']} agrees: {way.sentence} (entry {answer['seq']})")


@dataclass(frozen=True, slots=True)
class _Way:
    """How one cluster catches up."""

    key: ClusterKey
    now: Assignment
    path: Sequence[Pin]
    fleet: Fleet
    failed: bool = False

    @classmethod
    def of(cls, steering: Steering, cluster: str) -> _Way:
        """Return the way of a cluster; raises `Refused` for one that has none."""
        ledger = steering.read().ledgers[steering.environment]
        assigned = assignments(ledger, steering.fleet, steering.environment).tenants
        key = _key(cluster, assigned)
        run = assigned[key]
        completed = completed_layers(steering.fleet, ledger.state, run.release)
        hops = way_back(Standing(run.release, run.kubernetes), completed, ledger.state.revoked)
        forward = ledger.state.forwards.get(key)
        path = tuple(Pin(release=hop.release, kubernetes=hop.kubernetes) for hop in hops)
        return cls(key, run, path, steering.fleet, forward is not None and forward.progress.failed)

    @property
    def subject(self) -> str:
        """The digest that an approval names."""
        return forward_subject(self.key, self.path)

    @property
    def sentence(self) -> str:
        """What people read."""
        held = "; its last hop failed, so it is held again: it goes on by a new approval, once it is healthy"
        again = held if self.failed else ""
        if not self.path:
            return f"{self.key} runs the newest release completed here; there is nothing to catch up with{again}"
        hops = ", then ".join(f"{self._name(pin.release)} with {pin.kubernetes}" for pin in self.path)
        return (
            f"{self.key} runs {self._name(self.now.release)} with {self.now.kubernetes} and catches up: {hops}{again}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        hops = [{"name": self._name(pin.release), **pin.as_document()} for pin in self.path]
        return {
            "cluster": str(self.key),
            "release": self.now.release,
            "path": hops,
            "subject": self.subject,
            "failed": self.failed,
        }

    def _name(self, release: str) -> str:
        layers = self.fleet.releases.get(release)
        return layers.release.name if layers is not None else release


def _key(text: str, assigned: Mapping[ClusterKey, Assignment]) -> ClusterKey:
    try:
        key = ClusterKey.parse(text)
    except InvalidValue as error:
        raise InvalidInput([Problem(Place("CLUSTER"), "", str(error))]) from None
    if key not in assigned:
        cure = f"its clusters: {', '.join(map(str, assigned)) or 'none'}"
        raise InvalidInput([Problem(Place("CLUSTER"), "", f"the environment has no cluster {text!r}", cure)])
    return key

"""Whether clusters may be moved: the gate of every `move`, by the plan that was frozen when its rollout began.

A move forward (wave, hop, sweep):

1. Its release is the one that rolls out here, not halted, revoked or over its budget of failures.
2. A cluster is moved to its next hop and nothing else, one that is ready: seen Healthy on what it runs, by an
   observation that is still fresh.
3. Management clusters first, one at a time; then the waves in turn, the last sweeps what stayed behind.
4. Within `maxUnavailable`, caps and redundancy groups.
5. No freeze, and a window that is open for as long as the move is expected to take.
6. While something that was done is unhealthy or cannot be seen, more is in doubt than may fail, or more is unknown
   than may be unavailable, nothing new starts: not to know is never better than to know the worst (I16).

A move back needs a revocation, and goes to what the cluster ran before, if that was not revoked since; within the
budget, whatever windows, freezes and halts say. A fast-forward needs an approval
of exactly its clusters and pins, and starts like any other: not in a freeze, and not to a release that is halted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schiff.model.policy import CANARY
from schiff.model.release import Assignment
from schiff.model.windows import FreezeSpec
from schiff.rollout.agreement import Asked, lack_of_agreement
from schiff.rollout.bodies import MoveBody, Pin, Reason
from schiff.rollout.health import Verdict
from schiff.rollout.plan import Wave
from schiff.rollout.progress import Phase, Progress
from schiff.rollout.proofs import Proofs
from schiff.rollout.refusals import Refusal
from schiff.rollout.running import Rollout
from schiff.rollout.stage import Stage
from schiff.rollout.waves import batch, expected_duration, max_unavailable
from schiff.rollout.windows import Scope, closed
from schiff.values.digests import digest
from schiff.values.names import ClusterKey

_WAITING: Final = frozenset({Phase.Pending, Phase.Moving, Phase.Verifying, Phase.Unknown})


@dataclass(frozen=True, slots=True)
class Transfer:
    """A move that is asked about, and the environment on its prefix."""

    body: MoveBody
    at: datetime
    stage: Stage
    proofs: Proofs


def transfer_refusals(transfer: Transfer) -> Iterator[Refusal]:
    """Yield every reason why a move may not be; none when it may."""
    yield from _BY_REASON[transfer.body.why](transfer)


def _forward(transfer: Transfer) -> Iterator[Refusal]:
    rollout = transfer.stage.rollout
    if rollout is None or rollout.target is not None:
        yield Refusal("not-admitted", "no release rolls out here, so nothing moves forward; schiff step promotes")
        return
    if stop := standstill(rollout):
        yield stop
        return
    if stop := stale(rollout, transfer.at):
        yield stop
    yield from _hops(transfer, rollout)
    yield from _in_turn(transfer.body, rollout)
    yield from _in_budget(transfer.body, rollout)
    yield from _open(transfer, rollout)


def stale(rollout: Rollout, at: datetime) -> Refusal | None:
    """Return why what was seen last is too old to start anything on; who was never seen is not ready anyway."""
    if rollout.looked is not None and at - rollout.looked > rollout.plan.policy.soak.max_gap.delta:
        return Refusal("observe", f"nobody looked at the clusters of {rollout.plan.environment} for too long")
    return None


def standstill(rollout: Rollout) -> Refusal | None:
    """Return why nothing of a rollout may start now, whatever it is."""
    reason = rollout.halted or rollout.over_budget
    if reason is not None:
        return Refusal("halted", f"release {rollout.name} is halted: {reason}; schiff resume, or schiff rollback")
    if stop := _burning(rollout):
        return stop
    if doubted := rollout.over_budget_in_doubt:
        names = ", ".join(sorted(doubted))
        return Refusal("unknown", f"{names} cannot be seen and may have failed; nothing new starts until that is known")
    unwell = rollout.unwell.items()
    unseen = sorted(str(key) for key, one in unwell if one.seen is Verdict.Unknown and rollout.counts(key))
    if len(unseen) > max_unavailable(rollout.plan):
        return Refusal("unknown", f"{', '.join(unseen)} cannot be seen; nothing advances until they can")
    return None


def _burning(rollout: Rollout) -> Refusal | None:
    everybody = {str(key): one for key, one in rollout.unwell.items()} | rollout.management_clusters
    burning = {name: one.seen for name, one in everybody.items() if one.burns}
    sick = sorted(name for name, seen in burning.items() if seen is Verdict.Unhealthy)
    if sick:
        return Refusal("unhealthy", f"{', '.join(sick)} was done and is unhealthy; nothing new starts now")
    if burning:
        names, cure = ", ".join(sorted(burning)), "or somebody vouches: schiff resume --ack CLUSTER"
        return Refusal("unknown", f"{names} was done and cannot be seen; nothing new starts until it can, {cure}")
    return None


def _hops(transfer: Transfer, rollout: Rollout) -> Iterator[Refusal]:
    """Yield a refusal for what is not ready, and for a pin that is not the next one of its cluster."""
    for name, pin in transfer.body.management_clusters.items():
        manager = rollout.management_clusters.get(name)
        yield from _hop(name, pin, manager, rollout)
    for key, pin in transfer.body.clusters.items():
        if key in rollout.joined and not rollout.is_member(key):
            yield from _joined(key, pin, transfer.stage, rollout)
        else:
            yield from _hop(key, pin, rollout.clusters.get(key), rollout)


def _hop(key: ClusterKey | str, pin: Pin, progress: Progress | None, rollout: Rollout) -> Iterator[Refusal]:
    if progress is None or (isinstance(key, ClusterKey) and not rollout.is_member(key)):
        yield Refusal("not-admitted", f"{key} is no member of the rollout of release {rollout.name}")
    elif not progress.may_start:
        yield Refusal("progressing", f"{key} is {progress.phase} and cannot be moved now")
    elif rollout.next_pin(key) != Assignment(pin.release, pin.kubernetes):
        due = rollout.next_pin(key)
        yield Refusal("not-admitted", f"{key} moves to {due.release} with {due.kubernetes} next, and to nothing else")


def _joined(key: ClusterKey, pin: Pin, stage: Stage, rollout: Rollout) -> Iterator[Refusal]:
    progress = rollout.clusters.get(key)
    if progress is not None and (progress.held or progress.gone):
        yield Refusal("progressing", f"{key} is {progress.phase} and cannot be moved now")
    elif rollout.completed is None:
        yield Refusal("not-complete", f"{key} joined while release {rollout.name} rolled out; it is swept at the end")
    elif (due := sweep_pin(key, stage, rollout)) is None:
        yield Refusal("no-path", f"{key} is more than one step behind release {rollout.name}: schiff fast-forward plan")
    elif due != Assignment(pin.release, pin.kubernetes):
        yield Refusal("not-admitted", f"{key} is swept to release {rollout.name} and to nothing else")


def sweep_pin(key: ClusterKey, stage: Stage, rollout: Rollout) -> Assignment | None:
    """Return what a cluster is swept to that was no member; None when that is more than one Kubernetes minor away."""
    now = stage.pins.get(key)
    target = max(member.hops[-1] for member in rollout.plan.members.values())
    if key in rollout.clusters and rollout.clusters[key].hop >= 0:
        return None
    if now is None or now.kubernetes.major != target.major or not 0 <= target.minor - now.kubernetes.minor <= 1:
        return None
    return Assignment(rollout.release, target)


def _in_turn(body: MoveBody, rollout: Rollout) -> Iterator[Refusal]:
    """Yield a refusal for whoever moves before those that come first."""
    managers = [name for name, one in rollout.management_clusters.items() if not one.is_done]
    if body.management_clusters:
        if list(body.management_clusters) != managers[:1] or body.clusters:
            yield Refusal("progressing", "management clusters move one at a time, before tenants, in the plan's order")
        return
    if managers:
        yield Refusal("progressing", f"management cluster {managers[0]} moves before the tenants it serves")
    turn = current_wave(rollout)
    for key in body.clusters:
        if rollout.is_member(key) and rollout.plan.wave_of(key) > turn:
            wave = rollout.plan.waves[turn].name
            yield Refusal("progressing", f"{key} is in a later wave than {wave}, which is not through")


def current_wave(rollout: Rollout) -> int:
    """Return the first wave that is not through: somebody of it waits, moves or is being verified.

    Who is held, deferred, gone or failed within the budget keeps no wave open; but a cluster that nobody can see
    does, and so does the canary that is deferred: not to know is never a reason to go on.
    """
    for number, wave in enumerate(rollout.plan.waves):
        for key in wave.clusters:
            one = rollout.clusters.get(key)
            if one is not None and not one.is_done and rollout.is_member(key) and _keeps_open(wave, one):
                return number
    return len(rollout.plan.waves) - 1


def _keeps_open(wave: Wave, progress: Progress) -> bool:
    phase = progress.phase
    if phase is Phase.Deferred:
        return wave.name == CANARY or progress.seen is Verdict.Unknown
    return phase in _WAITING


def _in_budget(body: MoveBody, rollout: Rollout) -> Iterator[Refusal]:
    may = batch(rollout.plan, rollout.in_flight, tuple(body.clusters))
    over = sorted(str(key) for key in body.clusters if key not in may)
    if over:
        flying = f"{len(rollout.in_flight)} are in flight"
        yield Refusal("blast-radius", f"{', '.join(over)} would go over maxUnavailable or a cap: {flying}")


def _open(transfer: Transfer, rollout: Rollout) -> Iterator[Refusal]:
    for key in transfer.body.clusters:
        if refusal := closed_for(rollout, key, transfer.at):
            yield refusal
    for name in transfer.body.management_clusters:
        if refusal := closed_for(rollout, name, transfer.at):
            yield refusal


def closed_for(
    rollout: Rollout, key: ClusterKey | str, at: datetime, more: Sequence[FreezeSpec] = ()
) -> Refusal | None:
    """Return why a cluster may not start at a moment, by the freezes and windows of the frozen policy and `more`."""
    policy, environment = rollout.plan.policy, rollout.plan.environment
    if isinstance(key, str):
        takes = expected_duration(rollout.plan.management_clusters[key], policy)
        windows, scope = policy.environments[environment].windows, Scope(environment)
    elif rollout.is_member(key):
        member = rollout.plan.members[key]
        takes, windows = expected_duration(member, policy), member.windows
        scope = Scope(environment, member.site, member.customer, key)
    else:
        takes, windows = timedelta(), policy.environments[environment].windows
        scope = Scope(environment, key.site, None, key)
    freezes = [freeze for freeze in (*policy.freezes, *more) if digest(freeze.as_document()) not in rollout.overridden]
    if not (windows or freezes):
        return None
    found = closed(windows, freezes, at, takes, scope)
    return None if found is None else Refusal("closed", f"{key}: {found.reason}", found.until)


def _back(transfer: Transfer) -> Iterator[Refusal]:
    rollout = transfer.stage.rollout
    if rollout is None or rollout.target is None:
        yield Refusal("not-admitted", "nothing was revoked here, so nothing moves back; schiff rollback revokes first")
        return
    for key, pin in transfer.body.clusters.items():
        yield from _return(key, pin, rollout.clusters.get(key), transfer.stage)
    for name, pin in transfer.body.management_clusters.items():
        yield from _return(name, pin, rollout.management_clusters.get(name), transfer.stage)
    yield from _in_budget(transfer.body, rollout)


def _return(key: ClusterKey | str, pin: Pin, progress: Progress | None, stage: Stage) -> Iterator[Refusal]:
    if progress is None or progress.hop >= 0:
        yield Refusal("not-admitted", f"{key} was not moved, or is on its way back already")
    elif (due := back_pin(stage, key)) is None:
        yield no_way_back(key)
    elif due != Assignment(pin.release, pin.kubernetes):
        yield Refusal("not-admitted", f"{key} goes back to {due.release} and to nothing else")


def no_way_back(key: ClusterKey | str) -> Refusal:
    """Return the refusal for a cluster of which everything that it could go back to was revoked."""
    return Refusal("no-path", f"{key} cannot go back: all that completed here was revoked; cut a release")


def back_pin(stage: Stage, key: ClusterKey | str) -> Assignment | None:
    """Return what a cluster returns to: the release it ran; None where nothing is left that was not revoked.

    One that joined later, or whose release was revoked since, goes to the
    rollback's target, or, where that was revoked too, to the newest release
    that completed here. Kubernetes never goes down a minor: whoever went up
    keeps the version it has.
    """
    rollout = stage.rollout
    if rollout is None or rollout.target is None:
        return None
    now, start = rollout.runs(key), rollout.start_of(key)
    if start is None or start.release in stage.revoked:
        target = stage.completed if rollout.target in stage.revoked else rollout.target
        return None if target is None else Assignment(target, now.kubernetes)
    lower = (start.kubernetes.major, start.kubernetes.minor) < (now.kubernetes.major, now.kubernetes.minor)
    return Assignment(start.release, now.kubernetes if lower else start.kubernetes)


def _fast_forward(transfer: Transfer) -> Iterator[Refusal]:
    body, stage = transfer.body, transfer.stage
    if len(body.clusters) != 1 or body.management_clusters:
        yield Refusal("blast-radius", "a fast-forward moves one cluster at a time")
        return
    ((key, pin),) = body.clusters.items()
    forward = stage.forwards.get(key)
    if forward is not None and (stop := not_ready(key, forward.progress, anew=bool(body.path))):
        yield stop
    left = body.path or (forward.left if forward is not None else ())
    if not left or left[0] != pin:
        yield Refusal("not-admitted", f"{key} follows the path that was approved, and this is not its next hop")
    if stage.rollout is not None and stage.rollout.target is not None:
        yield Refusal("busy", f"release {stage.rollout.name} is being taken back; nobody catches up meanwhile")
    yield from _stops(key, left, stage)
    if stage.rollout is not None and (refusal := closed_for(stage.rollout, key, transfer.at)):
        yield refusal
    if body.path:
        asked = Asked("fast-forward", forward_subject(key, body.path), transfer.at)
        yield from lack_of_agreement(stage, transfer.proofs, body.approvals, asked, 1)


def not_ready(key: ClusterKey, progress: Progress, *, anew: bool) -> Refusal | None:
    """Return why a cluster that catches up cannot take a hop now; `anew` by a path that was approved after the last.

    A hop that failed re-arms the hold: what was approved ends there, and the cluster has to be healthy where it is.
    """
    if progress.is_done:
        return None
    if not progress.failed:
        return Refusal("progressing", f"{key} is {progress.phase} on its hop before")
    if not anew:
        cure = f"schiff fast-forward approve {key}"
        return Refusal(
            "approval", f"{key} failed on its hop before, so it is held again and needs a new approval: {cure}"
        )
    if progress.seen is not Verdict.Healthy:
        return Refusal("unhealthy", f"{key} failed on its hop before, and catches up once it is healthy where it is")
    return None


def _stops(key: ClusterKey, path: Sequence[Pin], stage: Stage) -> Iterator[Refusal]:
    for pin in path:
        if pin.release in stage.revoked:
            yield Refusal("no-path", f"{key} would catch up over {pin.release}, which was revoked")
        elif pin.release not in stage.completed_releases:
            yield Refusal("no-path", f"{key} would catch up over {pin.release}, which never completed here")
        elif stage.rollout is not None and stage.rollout.release == pin.release and stage.rollout.halted is not None:
            yield Refusal("halted", f"{key} would catch up to {pin.release}, which is halted; schiff resume")


def forward_subject(key: ClusterKey, path: Sequence[Pin]) -> str:
    """Return the digest that an approval of a fast-forward names: the cluster and every hop of its path."""
    return digest({"cluster": str(key), "path": [pin.model_dump(mode="json", by_alias=True) for pin in path]})


_BY_REASON: Final[Mapping[Reason, Callable[[Transfer], Iterator[Refusal]]]] = {
    "wave": _forward,
    "hop": _forward,
    "sweep": _forward,
    "rollback": _back,
    "fast-forward": _fast_forward,
}

"""What comes next in an environment: one legal step, or what it waits for. Pure: equal situations, equal steps.

The rules, in the order in which they are asked; the first that has an answer gives it:

1. What the ledger moved and nobody delivered is delivered: a run that was killed in between goes on here.
2. A removal whose state was observed goes to the next.
3. Who is held, released, gone or new since the rollout began is noted.
4. When it is time, clusters are looked at; what was seen is appended, unless the clocks disagree.
5. Failures over the budget halt the rollout.
6. A revoked release goes back, in batches.
7. Held clusters whose fast-forward was approved catch up, hop by hop.
8. A rollout goes on: management clusters, hops, the wave whose turn it is. One that was admitted and is not let start
   gives way to a newer release.
9. A complete one is swept: who stayed behind or joined.
10. The newest release that may enter does.
11. In `tst`, a train that is due is cut.

The same rules hold in the gate: a step that is proposed here is one that it lets through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from schiff.model.release import Assignment
from schiff.rollout.agreement import Asked, usable
from schiff.rollout.bodies import REMOVALS, Change, Pin, Reason
from schiff.rollout.entering import MOVING, enter
from schiff.rollout.health import Verdict
from schiff.rollout.moments import format_moment
from schiff.rollout.moves import (
    back_pin,
    closed_for,
    current_wave,
    forward_subject,
    no_way_back,
    not_ready,
    stale,
    standstill,
    sweep_pin,
)
from schiff.rollout.progress import Phase
from schiff.rollout.refusals import Refusal
from schiff.rollout.running import ReleaseState, Rollout
from schiff.rollout.situation import Append, Deliver, Look, Observe, Situation, Step, Wait
from schiff.rollout.stage import next_removal
from schiff.rollout.waves import batch
from schiff.values.names import ClusterKey

WHILE_MOVING: Final = timedelta(minutes=15)
"""How often clusters are looked at while something moves; while it soaks, six times in each `maxGap`."""

_OFTEN = 6


def decide(situation: Situation) -> Step:
    """Return the one next step."""
    for rule in _RULES:
        step = rule(situation)
        if step is not None:
            return step
    return Wait(Refusal("no-release", f"nothing to do in {situation.ledger.environment}", _next_look(situation)))


def _deliver(situation: Situation) -> Step | None:
    since = -1 if situation.delivered is None else situation.delivered
    due = [entry for entry in situation.ledger.after(since) if entry.kind in ("genesis", "move", "remove")]
    if not due:
        return None
    return Deliver(f"delivering what the ledger of {situation.ledger.environment} holds since entry {max(since, 0)}")


def _remove(situation: Situation) -> Step | None:
    """Return the next state of a cluster that leaves; while one does, each run looks once."""
    removals = situation.ledger.state.removals
    leaving = {key: state for key, state in sorted(removals.items()) if state != REMOVALS[-1]}
    if not leaving:
        return None
    if situation.look is None:
        return Observe(f"looking at {', '.join(map(str, leaving))} on the way out")
    for key, reached in leaving.items():
        seen = situation.look.removed.get(key)
        if seen is not None and seen.state == reached:
            following = next_removal(reached)
            body = {"cluster": str(key), "state": following, "observation": seen.report}
            return Append("remove", body, f"{key} went through state {reached}: {following} comes next")
    return None


def _note(situation: Situation) -> Step | None:
    rollout = situation.rollout
    if rollout is None:
        return None
    changes = dict(_changes(situation, rollout))
    if not changes:
        return None
    new = [key for key, change in changes.items() if change == "joined" and key not in situation.ledger.state.pins]
    pins = {str(key): _pin(situation.assigned[key]) for key in new}
    said = ", ".join(f"{key} {change}" for key, change in sorted(changes.items()))
    body = {"text": said, "changes": {str(key): change for key, change in changes.items()}, "pins": pins}
    return Append("note", body, said)


def _changes(situation: Situation, rollout: Rollout) -> Iterable[tuple[ClusterKey, Change]]:
    for key, progress in sorted(rollout.clusters.items()):
        if key not in situation.orders:
            if not progress.gone:
                yield key, "gone"
        elif progress.gone:
            if not progress.failed and rollout.target is None and key in situation.assigned:
                yield key, "joined"
        elif progress.held != situation.orders[key]:
            yield key, "held" if situation.orders[key] else "released"
    if rollout.target is None:
        known = rollout.clusters.keys() | rollout.joined
        for key in sorted(situation.orders.keys() - known):
            if key in situation.assigned:
                yield key, "joined"


def _observe(situation: Situation) -> Step | None:
    rollout = situation.rollout
    due = _next_look(situation)
    if rollout is None or due is None or situation.now < due:
        return None
    look = situation.look
    if look is None:
        return Observe(f"looking at {len(rollout.clusters)} clusters of {situation.ledger.environment}")
    if _is_recorded(situation, look):
        return None
    skew = rollout.plan.policy.soak.max_skew.delta
    if look.server is None or abs(look.server - look.at) > skew:
        told = "no API server told its time" if look.server is None else f"an API server says {look.server:%FT%TZ}"
        return Wait(Refusal("skew", f"this machine's clock says {look.at:%FT%TZ}, and {told}; nothing is recorded"))
    held = sum(progress.phase is Phase.Held for progress in rollout.clusters.values())
    body = look.report.body(rollout.release, rollout.population, held=held, plane=look.plane)
    said = f"{body['healthy']} of {body['total']} clusters are healthy on release {rollout.name}"
    objects = {body["report"]: look.report.to_bytes()}
    return Append("observe", body, said, objects, at=look.at, server=look.server)


def _is_recorded(situation: Situation, look: Look) -> bool:
    """Return whether this look was appended: one that did not count would be due again, and never end."""
    newest = next((entry for entry in reversed(situation.ledger.entries) if entry.kind == "observe"), None)
    return newest is not None and newest.at == format_moment(look.at)


def _next_look(situation: Situation) -> datetime | None:
    """Return when clusters are looked at next; None while no release is on its way."""
    rollout = situation.rollout
    if rollout is None or rollout.state is ReleaseState.Revoked:
        return None
    last = max((at for at in (rollout.looked, situation.ledger.state.looked) if at is not None), default=None)
    if last is None or last < rollout.started:
        return rollout.started
    return last + look_interval(rollout)


def look_interval(rollout: Rollout) -> timedelta:
    """Return how often the clusters of a rollout are looked at."""
    pending = any(one.phase in (Phase.Moving, Phase.Verifying) for one in rollout.clusters.values())
    if rollout.state in MOVING or pending:
        return WHILE_MOVING
    return rollout.plan.policy.soak.max_gap.delta / _OFTEN


def _halt(situation: Situation) -> Step | None:
    rollout = situation.rollout
    if rollout is None or rollout.halted is not None or rollout.target is not None or rollout.over_budget is None:
        return None
    reason = rollout.over_budget
    return Append("halt", {"release": rollout.release, "reason": reason}, f"release {rollout.name} halts: {reason}")


def _turn_back(situation: Situation) -> Step | None:
    rollout = situation.rollout
    if rollout is None or rollout.target is None or rollout.is_back:
        return None
    waiting = [key for key, one in rollout.clusters.items() if one.hop < 0 and not one.gone]
    tenants = batch(rollout.plan, rollout.in_flight, waiting)
    if tenants:
        return _back(situation, tenants, (), rollout)
    if not waiting and all(one.is_done or one.gone for one in rollout.clusters.values()):
        for name, one in rollout.management_clusters.items():
            if one.hop < 0:
                return _back(situation, (), (name,), rollout)
    return Wait(Refusal("progressing", f"release {rollout.name} is being taken back", _next_look(situation)))


def _back(situation: Situation, keys: Iterable[ClusterKey], names: Iterable[str], rollout: Rollout) -> Step:
    stage = situation.ledger.state
    tenants, managers = {key: back_pin(stage, key) for key in keys}, {name: back_pin(stage, name) for name in names}
    lost = [
        *(str(key) for key, pin in tenants.items() if pin is None),
        *(n for n, pin in managers.items() if pin is None),
    ]
    if lost:
        return Wait(no_way_back(lost[0]))
    back = {key: pin for key, pin in tenants.items() if pin is not None}
    return _move("rollback", back, {name: pin for name, pin in managers.items() if pin is not None}, rollout)


def _fast_forward(situation: Situation) -> Step | None:
    state = situation.ledger.state
    if state.rollout is None or state.rollout.target is not None:
        return None
    for key, forward in state.forwards.items():
        may = key in situation.orders and _closed(situation, state.rollout, key) is None
        if forward.left and forward.progress.is_done and may:
            return _forward(key, forward.left[0], (), ())
    for key, path in situation.ways.items():
        asked = Asked("fast-forward", forward_subject(key, path), situation.now)
        agreed = usable(state, situation.proofs, asked)
        ready = key not in state.forwards or not not_ready(key, state.forwards[key].progress, anew=True)
        if agreed and ready and _closed(situation, state.rollout, key) is None:
            return _forward(key, path[0], path, agreed[:1])
    return None


def _forward(key: ClusterKey, pin: Pin, path: Sequence[Pin], approvals: Sequence[int]) -> Append:
    body = {
        "clusters": {str(key): pin.as_document()},
        "managementClusters": {},
        "why": "fast-forward",
        "wave": None,
        "approvals": list(approvals),
        "path": [one.as_document() for one in path],
    }
    return Append("move", body, f"{key} catches up: {pin.release} with {pin.kubernetes}")


def _advance(situation: Situation) -> Step | None:
    """Return the next move of a rollout; one that has not started gives way to a newer release that may enter."""
    step = _onward(situation)
    rollout = situation.rollout
    if rollout is not None and rollout.state is ReleaseState.Admitted and isinstance(step, Wait):
        newer = enter(situation)
        return newer if isinstance(newer, Append) else step
    return step


def _onward(situation: Situation) -> Step | None:
    rollout = situation.rollout
    if rollout is None or rollout.target is not None:
        return None
    if stop := standstill(rollout):
        return Wait(stop) if rollout.completed is None or stop.code == "halted" else None
    if rollout.completed is not None:
        return None
    if old := stale(rollout, situation.now):
        return Wait(old)
    return _management(situation, rollout) or _tenants(situation, rollout) or Wait(_reason(situation, rollout))


def _management(situation: Situation, rollout: Rollout) -> Step | None:
    for name, one in rollout.management_clusters.items():
        if one.is_done:
            continue
        if not one.may_start:
            return Wait(Refusal("progressing", f"management cluster {name} is {one.phase}", _next_look(situation)))
        if refusal := _closed(situation, rollout, name):
            return Wait(refusal)
        return _move("wave", {}, {name: rollout.next_pin(name)}, rollout)
    return None


def _tenants(situation: Situation, rollout: Rollout) -> Step | None:
    turn = current_wave(rollout)
    ready = [key for wave in rollout.plan.waves[: turn + 1] for key in wave.clusters if _may_start(rollout, key)]
    hops = [key for key in ready if rollout.clusters[key].hop >= 0]
    chosen = [key for key in hops or ready if _closed(situation, rollout, key) is None]
    starting = batch(rollout.plan, rollout.in_flight, chosen)
    if not starting:
        return None
    pins = {key: rollout.next_pin(key) for key in starting}
    return _move("hop" if hops else "wave", pins, {}, rollout, rollout.plan.waves[turn].name)


def _sweep(situation: Situation) -> Step | None:
    rollout = situation.rollout
    if rollout is None or rollout.completed is None or rollout.target is not None or standstill(rollout):
        return None
    if stale(rollout, situation.now):
        return None
    due = [key for wave in rollout.plan.waves[: current_wave(rollout) + 1] for key in wave.clusters]
    late = [key for key in due if _may_start(rollout, key) and _closed(situation, rollout, key) is None]
    pins = {key: rollout.next_pin(key) for key in late} | dict(_strangers(situation, rollout))
    starting = batch(rollout.plan, rollout.in_flight, pins)
    if not starting:
        return None
    return _move("sweep", {key: pins[key] for key in starting}, {}, rollout)


def _strangers(situation: Situation, rollout: Rollout) -> Iterator[tuple[ClusterKey, Assignment]]:
    """Yield who joined since the rollout began, or was held then, and where it is swept to."""
    for key in sorted(rollout.joined):
        pin = sweep_pin(key, situation.ledger.state, rollout)
        if pin is not None and situation.orders.get(key) is False and _closed(situation, rollout, key) is None:
            yield key, pin


def _may_start(rollout: Rollout, key: ClusterKey) -> bool:
    return key in rollout.clusters and rollout.clusters[key].may_start


def _closed(situation: Situation, rollout: Rollout, key: ClusterKey | str) -> Refusal | None:
    """Return why a cluster may not start: by the frozen policy, or by a freeze that was added since."""
    return closed_for(rollout, key, situation.now, more=situation.policy.freezes)


def _reason(situation: Situation, rollout: Rollout) -> Refusal:
    """Return what a rollout waits for."""
    phases = rollout.phases()
    until = _next_look(situation)
    unknown = sorted(str(key) for key in rollout.population if rollout.clusters[key].seen is Verdict.Unknown)
    if unknown:
        return Refusal("unknown", f"{', '.join(unknown)} cannot be seen; nothing advances until it can", until)
    ready = [key for key in rollout.plan.members if _may_start(rollout, key)]
    for key in ready:
        if refusal := _closed(situation, rollout, key):
            return refusal
    if not rollout.population:
        return Refusal("nothing-to-judge", f"every cluster of {rollout.plan.environment} is held", until)
    moving = sum(phase is Phase.Moving for phase in phases.values())
    baking = sum(phase is Phase.Verifying for phase in phases.values())
    code = "baking" if baking and not moving else "progressing"
    return Refusal(code, f"release {rollout.name}: {moving} moving, {baking} being verified", until)


def _move(
    why: Reason,
    clusters: Mapping[ClusterKey, Assignment],
    managers: Mapping[str, Assignment],
    rollout: Rollout,
    wave: str | None = None,
) -> Append:
    body: dict[str, Any] = {
        "clusters": {str(key): _pin(pin) for key, pin in sorted(clusters.items())},
        "managementClusters": {name: _pin(pin) for name, pin in managers.items()},
        "why": why,
        "wave": wave,
        "approvals": [],
        "path": [],
    }
    names = ", ".join(map(str, (*managers, *sorted(clusters))))
    return Append("move", body, f"{why}{f' {wave}' if wave else ''} of release {rollout.name}: {names}")


def _pin(assignment: Assignment) -> dict[str, str]:
    return {"release": assignment.release, "kubernetes": str(assignment.kubernetes)}


_RULES: Final[tuple[Callable[[Situation], Step | None], ...]] = (
    _deliver,
    _remove,
    _note,
    _observe,
    _halt,
    _turn_back,
    _fast_forward,
    _advance,
    _sweep,
    enter,
)

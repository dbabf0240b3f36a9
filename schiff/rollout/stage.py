"""What the entries of a ledger add up to: a fold, total over every chain that verifies.

1. `genesis` sets the first pins and removals; its release counts as completed, and what it revokes goes nowhere.
2. `promote` begins a rollout by the plan it cites; what its members and the held clusters run is pinned from then on.
3. `move` pins the clusters it names; the last one that names a cluster counts.
4. `observe` moves clusters on, completes rollouts and earns soak; one whose time cannot be believed breaks the soak.
5. `halt`, `resume` and `revoke` stop, continue and turn back the rollout of the release they name.
6. `note` records who is held, gone or new; a new cluster is pinned to the newest completed release. One that is ordered
   under the name of a cluster that has gone is new, unless that one failed and nobody acked it.
7. `remove` goes a, b, c, d, e, one step at a time: deleting all files at once leaves machines behind.
8. After `e` the cluster is gone, and so are its pins: one of the same name that is ordered later starts afresh.
9. `approve` waits to be used, once; `ack` lets a cluster that failed come back.

The fold judges nothing: whether an entry may stand where it stands says `schiff.rollout.gate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from schiff.errors import InvalidValue, Refused
from schiff.model.release import Assignment
from schiff.model.tenant_cluster import Removal
from schiff.rollout.bodies import (
    REMOVALS,
    AckBody,
    ApproveBody,
    Change,
    FirstPin,
    GenesisBody,
    HaltBody,
    MoveBody,
    NoteBody,
    ObserveBody,
    Pin,
    PromoteBody,
    RemoveBody,
    ResumeBody,
    RevokeBody,
)
from schiff.rollout.clock import disbelief
from schiff.rollout.entry import Entry
from schiff.rollout.moments import parse_moment
from schiff.rollout.plan import Plan
from schiff.rollout.progress import Progress
from schiff.rollout.proofs import Receipt
from schiff.rollout.running import ReleaseState, Rollout, verdict_of
from schiff.rollout.sights import Report
from schiff.rollout.soak import Soak
from schiff.values.names import ClusterKey

Objects = Mapping[str, bytes]
"""What entries cite, by digest."""

_Step = Callable[[Progress], Progress]


class Approval(NamedTuple):
    """What somebody agreed to, and the digest of the entry that says so: what signatures are remembered by."""

    entry: str
    body: ApproveBody


class Hurried(NamedTuple):
    """A hotfix that was promoted without the usual soak: when, and whose own change it is."""

    name: str
    at: datetime
    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forward:
    """A held cluster that catches up: the hops that are left after the present one, and how far that is."""

    left: tuple[Pin, ...]
    progress: Progress


@dataclass(slots=True)
class Stage:
    """One environment after some entries. Its dictionaries belong to it: whoever keeps a stage takes a copy."""

    pins: dict[ClusterKey, Pin] = field(default_factory=dict)
    management_pins: dict[str, Pin] = field(default_factory=dict)
    removals: dict[ClusterKey, Removal] = field(default_factory=dict)
    completed_releases: list[str] = field(default_factory=list)
    rollout: Rollout | None = None
    past: dict[str, Rollout] = field(default_factory=dict)
    revoked: dict[str, str] = field(default_factory=dict)
    approvals: dict[int, Approval] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    report: Report = field(default_factory=Report)
    looked: datetime | None = None
    disbelieved: dict[int, str] = field(default_factory=dict)
    expedited: list[str] = field(default_factory=list)
    hurried: dict[str, Hurried] = field(default_factory=dict)
    forwards: dict[ClusterKey, Forward] = field(default_factory=dict)

    def copy(self) -> Stage:
        """Return a stage that goes on without changing this one."""
        return Stage(
            dict(self.pins),
            dict(self.management_pins),
            dict(self.removals),
            list(self.completed_releases),
            self.rollout.copy() if self.rollout else None,
            dict(self.past),
            dict(self.revoked),
            dict(self.approvals),
            set(self.used),
            self.report,
            self.looked,
            dict(self.disbelieved),
            list(self.expedited),
            dict(self.hurried),
            dict(self.forwards),
        )

    @property
    def completed(self) -> str | None:
        """The newest release completed here: what a new cluster starts on; None before the genesis."""
        return self.completed_releases[-1] if self.completed_releases else None

    def rollout_of(self, release: str) -> Rollout | None:
        """Return the rollout of a release, running or past."""
        if self.rollout is not None and self.rollout.release == release:
            return self.rollout
        return self.past.get(release)

    def state_of(self, release: str) -> ReleaseState:
        """Return where a release is in this environment."""
        rollout = self.rollout_of(release)
        if release in self.revoked:
            return ReleaseState.Revoked if rollout is None or rollout is not self.rollout else rollout.state
        if rollout is None:
            return ReleaseState.Superseded if release in self.completed_releases else ReleaseState.Absent
        return rollout.state if rollout is self.rollout else ReleaseState.Superseded

    def take(self, entry: Entry, objects: Objects, receipts: Mapping[int, Receipt] | None) -> None:
        """Add one entry; raises `InvalidValue` for one whose citations are missing, `Refused` for a skipped removal."""
        at = parse_moment(entry.at)
        match entry.said:
            case ObserveBody() as body:
                self._observe(entry, body, at, objects, receipts)
            case GenesisBody() as body:
                self._begin(body)
            case PromoteBody() as body:
                self._promote(entry, body, at, objects)
            case MoveBody() as body:
                self._move(body, at)
            case RemoveBody() as body:
                self._remove(body)
            case AckBody(cluster=ClusterKey() as key):
                self._change(key, Progress.acknowledged)
            case AckBody(cluster=str() as name):
                self._vouch(name)
            case ApproveBody() as body:
                self.approvals[entry.seq] = Approval(entry.digest, body)
            case HaltBody() | ResumeBody() | RevokeBody() as body:
                self._steer(body)
            case NoteBody() as body:
                self._note(body)

    def _begin(self, body: GenesisBody) -> None:
        self.completed_releases.append(body.release)
        self.revoked.update(body.revoked)
        for release, ran in body.expedited.items():
            self.expedited.append(release)
            self.hurried[release] = Hurried(ran.name, parse_moment(ran.at), tuple(ran.authors))
        self.management_pins.update(body.management_clusters)
        for key, first in body.clusters.items():
            self._begin_cluster(key, first)

    def _begin_cluster(self, key: ClusterKey, first: FirstPin) -> None:
        if not first.follows_head:
            self.pins[key] = Pin.model_construct(release=first.release, kubernetes=first.kubernetes)
        if first.removal is not None:
            self.removals[key] = first.removal

    def _promote(self, entry: Entry, body: PromoteBody, at: datetime, objects: Objects) -> None:
        plan = plan_of_promotion(entry, body, objects)
        if self.rollout is not None:
            self.past[self.rollout.release] = self.rollout
        freezes = {self.approvals[seq].body.subject for seq in body.approvals if self._frees(seq)}
        self.used.update(body.approvals)
        self.rollout = Rollout.begun(body.name, plan, entry.seq, at, expedited=body.expedited)
        self.rollout.overridden = frozenset(freezes)
        if body.expedited:
            self.expedited.append(body.release)
            self.hurried[body.release] = Hurried(body.name, at, tuple(body.authors))
        starts = {key: member.start for key, member in plan.members.items()} | dict(plan.held)
        for key, start in starts.items():
            self._stick(key, start)

    def _frees(self, seq: int) -> bool:
        return seq in self.approvals and self.approvals[seq].body.verb == "freeze"

    def _stick(self, key: ClusterKey, start: Assignment) -> None:
        """Pin what a cluster runs only by default, so that the completion of another release moves nobody."""
        if key not in self.pins and start.release.startswith("sha256:"):
            self.pins[key] = Pin.model_construct(release=start.release, kubernetes=start.kubernetes)

    def _move(self, body: MoveBody, at: datetime) -> None:
        self.pins.update(body.clusters)
        self.management_pins.update(body.management_clusters)
        self.used.update(body.approvals)
        if self.rollout is None:
            return
        if body.why == "fast-forward":
            self._forward(body, at, self.rollout)
            return
        for key, pin in body.clusters.items():
            self.rollout.moved(key, Assignment(pin.release, pin.kubernetes), at)
        for name, pin in body.management_clusters.items():
            self.rollout.moved(name, Assignment(pin.release, pin.kubernetes), at)

    def _forward(self, body: MoveBody, at: datetime, rollout: Rollout) -> None:
        """Take one hop of a cluster that catches up; it stays outside the rollout's own counts."""
        for key, pin in body.clusters.items():
            path = body.path or (self.forwards[key].left if key in self.forwards else ())
            rollout.forwarded(key, Assignment(pin.release, pin.kubernetes))
            self.forwards[key] = Forward(tuple(path[1:]), rollout.alone.started(at))

    def _observe(
        self, entry: Entry, body: ObserveBody, at: datetime, objects: Objects, receipts: Mapping[int, Receipt] | None
    ) -> None:
        report = Report.parse(cited(entry, body.report, objects))
        rollout = self.rollout
        if rollout is None or rollout.release != body.release:
            return
        soak = rollout.plan.policy.soak
        code = disbelief(entry, receipts, soak.max_skew.delta, self.looked)
        if code is not None:
            self.disbelieved[entry.seq] = code
            rollout.soak = rollout.soak.interrupted()
            return
        self.report, self.looked = report, at
        was_complete = rollout.completed is not None
        if rollout.plane not in (None, body.plane):
            rollout.soak = Soak()
        rollout.plane, rollout.self_asserted = body.plane, receipts is None
        rollout.saw(at, report)
        for key, forward in self.forwards.items():
            verdict = verdict_of(report.clusters.get(key), rollout.pins.get(key))
            self.forwards[key] = replace(forward, progress=forward.progress.looked(at, verdict))
        if rollout.target is None and rollout.halted is None:
            rollout.soak = rollout.soak.after(
                at,
                covered=soak.coverage.covers(rollout.census.healthy, rollout.census.total),
                unhealthy=rollout.census.unhealthy > 0,
                max_gap=soak.max_gap.delta,
                grace=soak.grace.delta,
            )
        if rollout.completed is not None and not was_complete:
            self.completed_releases.append(rollout.release)

    def _steer(self, body: HaltBody | ResumeBody | RevokeBody) -> None:
        rollout = self.rollout if self.rollout is not None and self.rollout.release == body.release else None
        match body:
            case RevokeBody():
                self.revoked[body.release] = body.reason
                self.completed_releases = [one for one in self.completed_releases if one != body.release]
                if rollout is not None and rollout.target is None:
                    rollout.revert(body.target)
            case HaltBody() if rollout is not None:
                rollout.halted, rollout.soak = body.reason, Soak()
            case ResumeBody() if rollout is not None:
                rollout.halted = None
                self.used.update(body.approvals)

    def _note(self, body: NoteBody) -> None:
        for key, pin in body.pins.items():
            self.pins.setdefault(key, pin)
        for key, change in body.changes.items():
            self._change(key, _CHANGES[change])
            if self.rollout is not None and change == "joined":
                self.rollout.joins(key)
            elif self.rollout is not None and change == "released" and self._was_held(key):
                self.rollout.joined.add(key)

    def _was_held(self, key: ClusterKey) -> bool:
        return self.rollout is not None and key in self.rollout.plan.held

    def _vouch(self, manager: str) -> None:
        if self.rollout is not None and manager in self.rollout.management_clusters:
            managers = self.rollout.management_clusters
            managers[manager] = managers[manager].acknowledged()

    def _change(self, key: ClusterKey, change: _Step) -> None:
        if self.rollout is not None:
            self.rollout.changed(key, change)

    def _remove(self, body: RemoveBody) -> None:
        expected = next_removal(self.removals.get(body.cluster))
        if body.state != expected:
            raise Refused(
                f"cluster {body.cluster} cannot go to removal state {body.state}: the next one is {expected}",
                code="removal-order",
            )
        self.removals[body.cluster] = body.state
        if body.state == REMOVALS[-1]:
            self.pins.pop(body.cluster, None)
            self.forwards.pop(body.cluster, None)


_CHANGES: Mapping[Change, _Step] = {
    "gone": Progress.vanished,
    "held": Progress.held_back,
    "released": Progress.released,
    "joined": lambda progress: progress,
}


def next_removal(current: Removal | None) -> Removal:
    """Return the state that follows; after the last, a cluster of the same name begins again."""
    following = 0 if current is None else REMOVALS.index(current) + 1
    return REMOVALS[following % len(REMOVALS)]


def cited(entry: Entry, digest: str, objects: Objects) -> bytes:
    """Return what an entry cites; raises `InvalidValue` when it does not lie beside the entries."""
    content = objects.get(digest)
    if content is None:
        raise InvalidValue(f"{entry.file_name} cites {digest}, which does not lie on the branch")
    return content


def plan_of_promotion(entry: Entry, body: PromoteBody, objects: Objects) -> Plan:
    """Return the plan that a promotion cites; raises `InvalidValue` for one of another release or policy."""
    plan = parsed_plan(cited(entry, body.plan, objects))
    if (plan.release, plan.environment, plan.policy_digest) != (body.release, entry.env, body.policy):
        raise InvalidValue(f"{entry.file_name} cites a plan of another release, environment or policy")
    return plan


@lru_cache(maxsize=256)
def parsed_plan(content: bytes) -> Plan:
    """Return a plan; the one of a running rollout is asked for at every step."""
    return Plan.parse(content)

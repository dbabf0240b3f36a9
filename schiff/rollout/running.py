"""One release in one environment: its plan, how far each cluster is, and what its observations add up to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from schiff.model.policy import CANARY, DEFAULT_BAKE
from schiff.model.release import Assignment
from schiff.rollout.census import Census, Part
from schiff.rollout.health import Verdict
from schiff.rollout.plan import Plan
from schiff.rollout.progress import IN_FLIGHT, Pace, Phase, Progress
from schiff.rollout.sights import Report, Sight
from schiff.rollout.soak import Soak
from schiff.rollout.waves import deadline
from schiff.values.names import ClusterKey


class ReleaseState(StrEnum):
    """Where a release is in an environment; the spelling is that of ``--json``."""

    Absent = "Absent"
    Admitted = "Admitted"
    RollingOut = "RollingOut"
    Soaking = "Soaking"
    Soaked = "Soaked"
    Halted = "Halted"
    RollingBack = "RollingBack"
    Superseded = "Superseded"
    Revoked = "Revoked"


@dataclass(slots=True)
class Rollout:
    """A rollout while it is added up; `pins` is what moves assigned, `target` where a rollback returns to.

    `joined` came after the plan was made; of them, `anew` were ordered under the
    name of one that had gone, and have nothing of it but the name.

    A look asks only after clusters whose sight is not that of `report`, the
    last one, and after the `stirred`, who changed since or are under way: while
    a release soaks that is nobody, and in a wave few.
    """

    name: str
    plan: Plan
    seq: int
    started: datetime
    expedited: bool = False
    clusters: dict[ClusterKey, Progress] = field(default_factory=dict)
    management_clusters: dict[str, Progress] = field(default_factory=dict)
    pins: dict[ClusterKey | str, Assignment] = field(default_factory=dict)
    joined: set[ClusterKey] = field(default_factory=set)
    anew: set[ClusterKey] = field(default_factory=set)
    soak: Soak = field(default_factory=Soak)
    looked: datetime | None = None
    completed: datetime | None = None
    halted: str | None = None
    target: str | None = None
    plane: str | None = None
    self_asserted: bool = True
    overridden: frozenset[str] = frozenset()
    census: Census = field(default_factory=Census)
    report: Report | None = None
    stirred: set[ClusterKey] = field(default_factory=set)
    _unwell: set[ClusterKey] = field(default_factory=set)

    @classmethod
    def begun(cls, name: str, plan: Plan, seq: int, at: datetime, *, expedited: bool) -> Rollout:
        """Return the rollout of a plan before its first move."""
        canaries = {key for wave in plan.waves if wave.name == CANARY for key in wave.clusters}
        waves = plan.policy.waves
        canary = plan.policy.hotfix.floors.canary.delta if expedited else waves.bake_of(CANARY)
        bakes = {key: canary if key in canaries else waves.bake_of(DEFAULT_BAKE) for key in plan.members}
        grace = plan.policy.soak.grace.delta
        clusters = {
            key: Progress(len(member.hops), Pace(bakes[key], grace, deadline(member, plan.policy)))
            for key, member in plan.members.items()
        }
        managers = {
            name: Progress(len(member.hops), Pace(waves.bake_of(DEFAULT_BAKE), grace, deadline(member, plan.policy)))
            for name, member in plan.management_clusters.items()
        }
        rollout = cls(name, plan, seq, at, expedited, clusters, managers)
        rollout.clusters |= dict.fromkeys(plan.held, rollout.alone.held_back())
        return rollout

    def copy(self) -> Rollout:
        """Return a rollout that goes on without changing this one."""
        return replace(
            self,
            clusters=dict(self.clusters),
            management_clusters=dict(self.management_clusters),
            pins=dict(self.pins),
            joined=set(self.joined),
            anew=set(self.anew),
            census=self.census.copy(),
            stirred=set(self.stirred),
            _unwell=set(self._unwell),
        )

    @property
    def release(self) -> str:
        """The digest of what is rolled out."""
        return self.plan.release

    @property
    def population(self) -> tuple[ClusterKey, ...]:
        """The clusters that count: members and who was swept, not held, and not gone without having failed."""
        return tuple(key for key in self.clusters if self.counts(key))

    def counts(self, key: ClusterKey) -> bool:
        """Whether a cluster is one of the population."""
        one = self.clusters[key]
        is_away = (one.held or one.gone) and one.phase in (Phase.Held, Phase.Gone)
        return (one.hop >= 0 or self.is_member(key)) and not is_away

    def is_member(self, key: ClusterKey) -> bool:
        """Whether a cluster is one of those that the plan was made of."""
        return key in self.plan.members and key not in self.anew

    @property
    def unwell(self) -> Mapping[ClusterKey, Progress]:
        """The clusters that failed, or may have, or were not well when they were seen last."""
        return {key: one for key, one in self.clusters.items() if key in self._unwell} if self._unwell else {}

    def phases(self) -> Mapping[ClusterKey, Phase]:
        """Return where every cluster is."""
        return {key: one.phase for key, one in self.clusters.items()}

    @property
    def in_flight(self) -> frozenset[ClusterKey]:
        """The clusters that count against budget and caps; on the way back a failure that was acked blocks nobody.

        Who is under way is stirred until it is settled, and who failed is not well: nobody else is asked.
        """
        vouched = self.target is not None
        return frozenset(
            key
            for key in self.stirred | self._unwell
            if (one := self.clusters[key]).phase in IN_FLIGHT and not (vouched and one.acked)
        )

    def start_of(self, key: ClusterKey | str) -> Assignment | None:
        """Return what a cluster ran before the rollout; None for one that joined later."""
        if isinstance(key, str):
            return self.plan.management_clusters[key].start
        if key in self.anew:
            return None
        return self.plan.members[key].start if key in self.plan.members else self.plan.held.get(key)

    def runs(self, key: ClusterKey | str) -> Assignment:
        """Return what a cluster was assigned last; raises `KeyError` for one that the rollout does not know."""
        found = self.pins.get(key) or self.start_of(key)
        if found is None:
            raise KeyError(key)
        return found

    def next_pin(self, key: ClusterKey | str) -> Assignment:
        """Return what the next hop of a cluster assigns to it."""
        member = self.plan.management_clusters[key] if isinstance(key, str) else self.plan.members[key]
        progress = self.management_clusters[key] if isinstance(key, str) else self.clusters[key]
        return Assignment(self.release, member.hops[progress.hop + 1])

    def failures(self) -> tuple[str, ...]:
        """Return what failed and nobody acked: tenants and management clusters."""
        tenants = [str(key) for key, one in self.unwell.items() if one.failed and not one.acked]
        return (*tenants, *(name for name, one in self.management_clusters.items() if one.failed and not one.acked))

    @property
    def over_budget(self) -> str | None:
        """Why no further cluster may start, whether or not a halt was written; None within the budget."""
        failed = self.failures()
        if burnt := self._among_canaries(failed):
            return f"{burnt[0]} failed, and nothing may fail before or among the canaries"
        if len(failed) > self.plan.policy.waves.max_failures:
            return f"{', '.join(failed)} failed, and policy allows {self.plan.policy.waves.max_failures}"
        return None

    @property
    def over_budget_in_doubt(self) -> tuple[str, ...]:
        """Who cannot be seen for so long that, had they failed, the budget would be used up; else nobody."""
        tenants = [str(key) for key, one in self.unwell.items() if one.in_doubt and not (one.failed or one.gone)]
        doubted = (*tenants, *(name for name, one in self.management_clusters.items() if one.in_doubt))
        most = self.plan.policy.waves.max_failures - len(self.failures())
        return doubted if self._among_canaries(doubted) or len(doubted) > most else ()

    def _among_canaries(self, names: Collection[str]) -> Sequence[str]:
        if not names:
            return ()
        canaries = {str(key) for wave in self.plan.waves if wave.name == CANARY for key in wave.clusters}
        return sorted((canaries | self.management_clusters.keys()) & set(names))

    @property
    def _is_complete(self) -> bool:
        """Whether enough of the unheld population is done, and no canary failed; nobody is never enough."""
        if not self.plan.policy.complete.covers(self.census.done, self.census.total):
            return False
        managed = all(one.is_done for one in self.management_clusters.values())
        return managed and self.over_budget is None and not self.over_budget_in_doubt

    @property
    def is_back(self) -> bool:
        """Whether a rollback has nothing left to return."""
        everybody = (*self.clusters.values(), *self.management_clusters.values())
        return self.target is not None and all(one.is_done or one.gone or one.acked for one in everybody)

    @property
    def state(self) -> ReleaseState:
        """Where the release is; whether it is superseded its environment knows."""
        if self.target is not None:
            return ReleaseState.Revoked if self.is_back else ReleaseState.RollingBack
        if self.halted is not None:
            return ReleaseState.Halted
        if self.completed is None:
            return ReleaseState.RollingOut if self.pins else ReleaseState.Admitted
        return ReleaseState.Soaked if self.soak.earned >= self.required_soak else ReleaseState.Soaking

    @property
    def alone(self) -> Progress:
        """How a cluster begins that is in no wave: one hop, a day at most."""
        soak, waves = self.plan.policy.soak, self.plan.policy.waves
        return Progress(1, Pace(waves.bake_of(DEFAULT_BAKE), soak.grace.delta, timedelta(days=1)))

    @property
    def required_soak(self) -> timedelta:
        """How much evidence this environment must give, by the policy that was frozen when the rollout began."""
        return self.plan.policy.soak_of(self.plan.environment)

    def moved(self, key: ClusterKey | str, pin: Assignment, at: datetime) -> None:
        """Take one cluster of a move."""
        self.pins[key] = pin
        if isinstance(key, str):
            if key in self.management_clusters:
                self.management_clusters[key] = self.management_clusters[key].started(at)
        elif key in self.clusters or key in self.joined:
            self._stir(key, (self.clusters.get(key) or self.alone).started(at))

    def forwarded(self, key: ClusterKey, pin: Assignment) -> None:
        """Take one hop of a held cluster that catches up; it stays outside the rollout's own counts."""
        self.pins[key] = pin
        if key in self.clusters:
            self.stirred.add(key)

    def joins(self, key: ClusterKey) -> None:
        """Take a cluster that was ordered since; under the name of a failure it waits for an ack."""
        one = self.clusters.get(key)
        if one is not None and (one.failed or not one.gone):
            return
        self.joined.add(key)
        if one is not None:
            del self.clusters[key]
            self.anew.add(key)
            self.census.put(key, None)
            self.stirred.discard(key)
            self._unwell.discard(key)

    def changed(self, key: ClusterKey, change: Callable[[Progress], Progress]) -> None:
        """Take what neither a move nor a look says of a cluster; nothing, where it has no part in the rollout."""
        if key in self.clusters:
            self._stir(key, change(self.clusters[key]))

    def _stir(self, key: ClusterKey, one: Progress) -> None:
        self.stirred.add(key)
        self._put(key, one)

    def _put(self, key: ClusterKey, one: Progress) -> None:
        self.clusters[key] = one
        if one.is_unwell:
            self._unwell.add(key)
        else:
            self._unwell.discard(key)

    def saw(self, at: datetime, report: Report) -> None:
        """Take the sights of an observation that counts; the same once more of settled clusters only passes time."""
        for name, one in self.management_clusters.items():
            seen = verdict_of(report.management_clusters.get(name), self.runs(name))
            self.management_clusters[name] = one.looked(at, seen)
        touched = self._to_look_at(report)
        for key in touched:
            sight = report.clusters.get(key)
            self._put(key, self.clusters[key].looked(at, verdict_of(sight, self.runs(key))))
            self.census.put(key, self._part(key, sight))
        self.looked, self.report = at, report
        if touched:
            self.stirred = {key for key in touched if not self.clusters[key].is_settled}
        if self.completed is None and self.target is None and self._is_complete:
            self.completed = at

    def _to_look_at(self, report: Report) -> Collection[ClusterKey]:
        if self.report is None:
            return tuple(self.clusters)
        if report is self.report:
            return self.stirred
        before, now = self.report.clusters, report.clusters
        other = {key for key, sight in now.items() if before.get(key) is not sight} | (before.keys() - now.keys())
        return self.stirred | {key for key in other if key in self.clusters}

    def _part(self, key: ClusterKey, sight: Sight | None) -> Part | None:
        if not self.counts(key):
            return None
        one, is_healthy = self.clusters[key], sight is not None and sight.is_healthy_on(self.release)
        is_unhealthy = sight is not None and sight.verdict is Verdict.Unhealthy
        return Part(is_healthy, is_unhealthy, one.is_done and not one.failed)

    def revert(self, target: str) -> None:
        """Begin the way back: whatever was moved has one hop to go, and nothing else moves any more."""
        self.target, self.soak, self.halted = target, Soak(), None
        self.census, self.report, self.stirred, self._unwell = Census(), None, set(), set()
        self.clusters = {key: _back(one) for key, one in self.clusters.items() if one.hop >= 0 and not one.gone}
        self.management_clusters = {name: _back(one) for name, one in self.management_clusters.items() if one.hop >= 0}


def _back(progress: Progress) -> Progress:
    return Progress(1, progress.pace)


def verdict_of(sight: Sight | None, assigned: Assignment | None) -> Verdict:
    """Return how a cluster is on what it was assigned; health of anything else is that of a cluster on its way."""
    if sight is None or assigned is None:
        return Verdict.Unknown
    fits = sight.release == assigned.release and sight.kubernetes == str(assigned.kubernetes)
    return sight.verdict if fits or sight.verdict is Verdict.Unknown else Verdict.Progressing

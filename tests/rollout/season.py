"""Three environments in simulated time: the pure core alone, with clusters that answer as they are told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.rollout.bodies import Kind
from schiff.rollout.decide import decide
from schiff.rollout.gate import verify_chains
from schiff.rollout.health import Verdict
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.plan import ManagementMember, Plan
from schiff.rollout.proofs import Proofs, Receipt
from schiff.rollout.sights import Report, Sight
from schiff.rollout.situation import Append, Candidate, Deliver, Look, Observe, Situation, Step, Train, Wait
from schiff.rollout.waves import waves
from schiff.values.digests import HEAD, digest
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from schiff.values.versions import KubernetesVersion
from tests.rollout.plans import a_member
from tests.rollout.small_fleet import head_release

BEGIN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FIRST = digest({"release": "first"})
PLANE = digest({"plane": 1})
VERSION = KubernetesVersion(1, 35, 4)
ANNA, BERT = "anna@platform.example", "bert@platform.example"

Health = Callable[[ClusterKey | str, datetime, Assignment], Verdict | None]


def healthy(_key: ClusterKey | str, _now: datetime, _runs: Assignment) -> Verdict | None:
    """Return that everything is well at once."""
    return Verdict.Healthy


def clusters_of(environment: Environment, count: int, sites: int = 3) -> tuple[ClusterKey, ...]:
    """Return keys that spread over sites."""
    return tuple(ClusterKey(f"site-{number % sites}", f"{environment}-{number}") for number in range(count))


@dataclass
class Season:
    """A fleet of bare keys, its chains, and a clock that stands until it is told to go on."""

    clusters: dict[Environment, tuple[ClusterKey, ...]]
    policy: PolicySpec = field(default_factory=PolicySpec)
    now: datetime = BEGIN
    health: Health = healthy
    releases: list[Candidate] = field(default_factory=list)
    held: set[ClusterKey] = field(default_factory=set)
    managers: dict[Environment, tuple[str, ...]] = field(default_factory=dict)
    witnessed: bool = True
    server_skew: timedelta = timedelta()
    ledgers: dict[Environment, Ledger] = field(default_factory=dict)
    delivered: dict[Environment, int] = field(default_factory=dict)
    receipts: dict[Environment, dict[int, Receipt]] = field(default_factory=dict)
    signers: dict[Environment, dict[str, str]] = field(default_factory=dict)
    plane: str = PLANE
    told: list[str] = field(default_factory=list)
    due: datetime | None = None

    def __post_init__(self) -> None:
        """Begin every chain with its genesis."""
        first = head_release()
        self.releases.insert(0, Candidate(FIRST, first.model_copy(update={"name": "2026.46.0"})))
        for environment in ENVIRONMENTS:
            pin = {"release": FIRST, "kubernetes": str(VERSION)}
            body = {
                "release": FIRST,
                "clusters": {str(key): {**pin, "removal": None} for key in self.clusters.get(environment, ())},
                "managementClusters": dict.fromkeys(self.managers.get(environment, ()), pin),
                "grandfathered": True,
            }
            self.receipts[environment], self.signers[environment] = {}, {}
            self.ledgers[environment] = replace(Ledger.empty(environment), receipts=self._receipts(environment))
            self.append(environment, "genesis", body)
            self.delivered[environment] = 0

    def _receipts(self, environment: Environment) -> dict[int, Receipt] | None:
        return self.receipts[environment] if self.witnessed else None

    def cut(self, name: str, kubernetes: str = "v1.35.4", **fields: Any) -> str:
        """Add a release to the fleet and return its digest."""
        release = head_release(kubernetes).model_copy(update={"kind": "train", "name": name, **fields})
        identity = digest({"release": name})
        self.releases.append(Candidate(identity, release, (ANNA,)))
        return identity

    def append(
        self,
        environment: Environment,
        kind: Kind,
        body: Mapping[str, Any],
        *,
        at: datetime | None = None,
        server: datetime | None = None,
        objects: Mapping[str, bytes] | None = None,
    ) -> None:
        """Write an entry as anybody with the right to push could, and let the witness receive it now."""
        ledger = self.ledgers[environment].with_objects(objects or {})
        spelled = format_moment(server) if server is not None else None
        entry = ledger.append(
            kind, body, at=format_moment(at or self.now), actor="ci:test", fleet="none", server=spelled
        )
        self.receipts[environment][entry.seq] = Receipt(entry.digest, self.now)
        self.ledgers[environment] = ledger.extended(entry)

    def approve(self, environment: Environment, verb: str, subject: str, who: str = BERT, hours: int = 24) -> None:
        """Let somebody agree, with a signature that was verified."""
        expires = format_moment(self.now + timedelta(hours=hours))
        body = {"verb": verb, "subject": subject, "expires": expires, "principal": who, "signature": "-"}
        self.append(environment, "approve", body)
        self.signers[environment][self.ledgers[environment].entries[-1].digest] = who

    def proofs(self, environment: Environment) -> Proofs:
        """Return what is established of a chain."""
        return Proofs(self._receipts(environment), self.signers[environment])

    def situation(self, environment: Environment, look: Look | None = None) -> Situation:
        """Return everything a decision depends on."""
        number = ENVIRONMENTS.index(environment)
        ledger = self.ledgers[environment]
        assigned = {key: self.runs(environment, key) for key in self.clusters.get(environment, ())}
        return Situation(
            ledger=ledger,
            before=self.ledgers[ENVIRONMENTS[number - 1]] if number else None,
            proofs=self.proofs(environment),
            now=self.now,
            policy=self.policy,
            releases=self.releases,
            plan=lambda release: self.plan(environment, release),
            orders={key: key in self.held for key in self.clusters.get(environment, ())},
            assigned=assigned,
            delivered=self.delivered[environment],
            revoked={
                release: reason
                for name in ENVIRONMENTS[:number]
                for release, reason in self.ledgers[name].state.revoked.items()
            },
            look=look,
            train=Train(self.due, changed=True) if self.due is not None and not number else None,
        )

    def runs(self, environment: Environment, key: ClusterKey | str) -> Assignment:
        """Return what a cluster is assigned."""
        state = self.ledgers[environment].state
        pin = state.management_pins.get(key) if isinstance(key, str) else state.pins.get(key)
        if pin is None:
            return Assignment(state.completed or HEAD, VERSION)
        return Assignment(pin.release, pin.kubernetes)

    def plan(self, environment: Environment, release: str) -> Plan:
        """Return the plan of a release, one hop for everybody."""
        target = next(one for one in self.releases if one.digest == release).release.kubernetes.version
        keys = self.clusters.get(environment, ())
        members = {
            key: a_member(
                str(key), start=self.runs(environment, key), hops=(target,), customer=f"customer-{number % 4}"
            )
            for number, key in enumerate(keys)
            if key not in self.held
        }
        managers = {
            name: ManagementMember(name, 3, self.runs(environment, name), (target,))
            for name in self.managers.get(environment, ())
        }
        held = {key: self.runs(environment, key) for key in keys if key in self.held}
        return Plan(environment, release, self.policy, members, managers, waves(members, self.policy, release), held)

    def look(self, environment: Environment) -> Look:
        """Return what clusters say now of what was delivered last."""
        sights = {key: self._sight(environment, key) for key in self.clusters.get(environment, ())}
        managers = {name: self._sight(environment, name) for name in self.managers.get(environment, ())}
        report = Report(
            {key: sight for key, sight in sights.items() if sight is not None},
            {name: sight for name, sight in managers.items() if sight is not None},
        )
        return Look(self.now, self.now + self.server_skew, report, self.plane)

    def _sight(self, environment: Environment, key: ClusterKey | str) -> Sight | None:
        runs = self.runs(environment, key)
        verdict = self.health(key, self.now, runs)
        return None if verdict is None else Sight(runs.release, str(runs.kubernetes), verdict)

    def step(self, environment: Environment) -> Wait:
        """Do what is legal until it must wait."""
        look = None
        for _ in range(200):
            step = decide(self.situation(environment, look))
            if isinstance(step, Wait):
                return step
            look = self._done(environment, step, look)
        raise AssertionError(f"{environment} never waits: {self.told[-5:]}")

    def _done(self, environment: Environment, step: Step, look: Look | None) -> Look | None:
        match step:
            case Append():
                at = step.at or self.now
                self.append(environment, step.kind, step.body, at=at, server=step.server, objects=step.objects)
            case Deliver():
                self.delivered[environment] = self.ledgers[environment].entries[-1].seq
            case Observe():
                return self.look(environment)
            case _:
                raise AssertionError(step)
        self.told.append(f"{format_moment(self.now)} {environment} {step.sentence}")
        return look

    def go(self, span: timedelta, every: timedelta = timedelta(hours=1)) -> dict[Environment, Wait]:
        """Let time pass, with a step of every environment now and then; return what each waits for at the end."""
        waits: dict[Environment, Wait] = {}
        end = self.now + span
        while self.now < end:
            self.now = min(end, self.now + every)
            for environment in ENVIRONMENTS:
                waits[environment] = self.step(environment)
        return waits

    def verify(self) -> None:
        """Hold the gate against all chains."""
        verify_chains(self.ledgers, {environment: self.proofs(environment) for environment in ENVIRONMENTS})


def a_season(tst: int = 4, ref: int = 6, prd: int = 12, **fields: Any) -> Season:
    """Return a season of three environments."""
    counts: dict[Environment, int] = {"tst": tst, "ref": ref, "prd": prd}
    return Season({name: clusters_of(name, count) for name, count in counts.items()}, **fields)

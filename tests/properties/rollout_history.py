"""One random history of three environments: people, clusters, clocks and the bot do what they like, by a seed."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from schiff.errors import InvalidValue
from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.rollout.bodies import REMOVALS
from schiff.rollout.decide import decide
from schiff.rollout.entry import Entry
from schiff.rollout.gate import entry_refusals
from schiff.rollout.health import Verdict
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.plan import Plan
from schiff.rollout.proofs import NO_PROOFS, Receipt
from schiff.rollout.running import ReleaseState
from schiff.rollout.sights import Report, Sight
from schiff.rollout.situation import Append, Cut, Look, Observe, Wait
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from schiff.values.versions import KubernetesVersion
from tests.properties.rollout_oracle import NEXT_CLUSTER, NEXT_RELEASE, Rules, frozen_at, moment, soak
from tests.rollout.forgery import SOME_DIGEST, promotion
from tests.rollout.season import ANNA, BERT, PLANE, Season, clusters_of
from tests.rollout.small_fleet import head_release

HOUR = timedelta(hours=1)
POLICY: Mapping[str, Any] = {
    "environments": {
        "tst": {"candidates": {"soak": "12h"}},
        "ref": {"soak": "12h", "minClusters": 2},
        "prd": {"soak": "12h"},
    },
    "soak": {"maxGap": "12h", "grace": "2h"},
    "complete": "75%",
    "waves": {
        "order": ["canary", "50%", "100%"],
        "bake": {"canary": "1h", "default": "30m"},
        "deadlinePerMachine": "30m",
        "maxUnavailable": 3,
        "caps": {"site": 2, "customer": "100%"},
    },
}
RULES = Rules(timedelta(hours=12), timedelta(hours=2), 90)
FORWARD = ("wave", "hop", "sweep")


class RollingSeason(Season):
    """A season whose clusters may go through two hops."""

    def plan(self, environment: Environment, release: str) -> Plan:
        """Return the plan; a higher minor is reached by way of a patch."""
        plan = super().plan(environment, release)
        stop = KubernetesVersion(1, 35, 9)
        members = {
            key: replace(member, hops=(stop, *member.hops))
            if member.start.kubernetes < stop < member.hops[-1]
            else member
            for key, member in plan.members.items()
        }
        return replace(plan, members=members)


@dataclass
class History:
    """A season, the dice, and what was seen and counted."""

    seed: int
    tally: Counter[str]
    steps: int = 0
    sick: dict[ClusterKey | str, Verdict | None] = field(default_factory=dict)
    states: dict[tuple[Environment, str], str] = field(default_factory=dict)
    phases: dict[tuple[Environment, str, ClusterKey], str] = field(default_factory=dict)
    good: dict[tuple[Environment, str], list[tuple[datetime, str]]] = field(default_factory=dict)
    planes: dict[tuple[Environment, str], str] = field(default_factory=dict)
    cuts: int = 0
    left: list[tuple[Environment, ClusterKey]] = field(default_factory=list)
    policy: dict[str, Any] = field(default_factory=lambda: deepcopy(dict(POLICY)))

    def __post_init__(self) -> None:
        """Begin with a fleet of its own size."""
        self.dice = random.Random(self.seed)  # noqa: S311 -- a history that can be told again, no secret
        counts: dict[Environment, int] = {"tst": self.dice.randint(2, 4), "ref": self.dice.randint(2, 4), "prd": 4}
        clusters = {name: clusters_of(name, count) for name, count in counts.items()}
        managers: dict[Environment, tuple[str, ...]] = {"prd": ("mgmt-1",)} if self.dice.random() < 0.3 else {}
        if self.dice.random() < 0.5:
            self.policy["environments"]["prd"]["witness"] = "required"
        self.season = RollingSeason(
            clusters,
            policy=PolicySpec.model_validate(self.policy),
            managers=managers,
            witnessed=self.dice.random() < 0.7,
        )
        self.season.health = self._health
        self.cut()

    def _health(self, key: ClusterKey | str, _now: datetime, _runs: Assignment) -> Verdict | None:
        return self.sick.get(key, Verdict.Healthy)

    # --- what happens

    def run(self, steps: int) -> None:
        """Let things happen until so many steps were made."""
        while self.steps < steps:
            event = self.dice.choices(_EVENTS, _WEIGHTS)[0]
            event(self)

    def time(self) -> None:
        """Let hours pass, with a step of every environment, each perhaps killed on the way."""
        self.season.now += self.dice.choice((HOUR / 4, HOUR, HOUR, 3 * HOUR, 6 * HOUR))
        for environment in ENVIRONMENTS:
            if environment == "prd" and self.dice.random() < 0.5:
                self.agree()
            self.step(environment, kill=self.dice.random() < 0.1)

    def step(self, environment: Environment, *, kill: bool = False) -> None:
        """Do what is legal until it must wait; a kill ends it anywhere, and loses what was only seen."""
        left = self.dice.randint(0, 3) if kill else 60
        look: Look | None = None
        self.steps += 1
        while left:
            left -= 1
            step = decide(self.season.situation(environment, look))
            if isinstance(step, Wait):
                self.tally[step.refusal.code] += 1
                self._idempotent(environment, look)
                break
            if isinstance(step, Cut):
                self.cut()
                continue
            before = self.season.ledgers[environment]
            look = self.season._done(environment, step, look)
            if isinstance(step, Append):
                self._appended(environment, before.state.pins)
        else:
            assert kill, f"{environment} never waits, seed {self.seed}"
        self.check(environment)

    def _idempotent(self, environment: Environment, look: Look | None) -> None:
        """I14: the same command on the same head adds nothing."""
        again = decide(self.season.situation(environment, look))
        assert isinstance(again, Wait | Observe), (self.seed, again)

    def sicken(self) -> None:
        """Let one cluster be in trouble, or a whole site."""
        environment = self.dice.choice(ENVIRONMENTS)
        keys = self.season.clusters[environment]
        verdict = self.dice.choice((Verdict.Unhealthy, Verdict.Unhealthy, Verdict.Progressing, Verdict.Unknown, None))
        if keys:
            key = self.dice.choice(keys)
            chosen = [one for one in keys if one.site == key.site] if self.dice.random() < 0.2 else [key]
            self.sick.update(dict.fromkeys(chosen, verdict))

    def heal(self) -> None:
        """Let everybody be well."""
        self.sick.clear()

    def hold(self) -> None:
        """Let a customer change its mind."""
        environment = self.dice.choice(ENVIRONMENTS)
        if environment == "ref" and self.dice.random() < 0.15:
            self.season.held |= set(self.season.clusters["ref"])
        elif keys := self.season.clusters[environment]:
            self.season.held ^= {self.dice.choice(keys)}

    def unhold(self) -> None:
        """Let everybody go on."""
        self.season.held.clear()

    def cut(self) -> None:
        """Cut a train or a hotfix, now and then without what a hotfix brought."""
        self.cuts += 1
        kind = "hotfix" if self.dice.random() < 0.45 and self.cuts > 1 else "train"
        more: dict[str, Any] = {"kind": kind, **({"changes": ("calico",)} if kind == "hotfix" else {})}
        if self.dice.random() < 0.4:
            more["components"] = head_release(calico=f"v3.3{self.dice.randint(0, 2)}.0").components
        newest = max(one.release.kubernetes.version for one in self.season.releases)
        version = "v1.36.1" if newest.minor == 36 or self.dice.random() < 0.1 else "v1.35.4"
        self.season.cut(f"2026.{self.cuts}.0", version, **more)
        self.season.due = self.season.now + 2 * 24 * HOUR if self.dice.random() < 0.5 else None

    def agree(self) -> None:
        """Let somebody agree to a release, mostly somebody who may."""
        release = self.season.releases[-1] if self.dice.random() < 0.5 else self.dice.choice(self.season.releases)
        who = self.dice.choice((BERT, BERT, BERT, ANNA))
        self.season.approve(
            "prd", self.dice.choice(("promote", "promote", "skip", "resume", "review", "review")), release.digest, who
        )

    def stop(self) -> None:
        """Halt, resume, vouch for what failed, or take a release back."""
        environment = self.dice.choice(ENVIRONMENTS)
        rollout = self.season.ledgers[environment].state.rollout
        if rollout is None:
            return
        release = rollout.release
        match self.dice.randint(0, 5):
            case 0:
                self.append(environment, "halt", {"release": release, "reason": "x"})
            case 1 if self.dice.random() < 0.5:
                self._disown(environment, release)
                done = [one for one in self.season.ledgers[environment].state.completed_releases if one != release]
                if done:
                    body = {"release": release, "reason": "x", "target": done[-1], "verdict": "full"}
                    self.append(environment, "revoke", body)
            case _:
                failed = [key for key, one in rollout.clusters.items() if one.failed]
                for key in failed:
                    self.append(environment, "ack", {"cluster": str(key), "release": release, "text": "x"})
                self.season.approve(environment, "resume", release)
                seq = self.season.ledgers[environment].entries[-1].seq
                self.append(environment, "resume", {"release": release, "reason": "x", "approvals": [seq]})

    def _disown(self, environment: Environment, running: str) -> None:
        """Take back the release that completed before the one that runs, now and then."""
        done = [one for one in self.season.ledgers[environment].state.completed_releases if one != running]
        if len(done) > 1 and self.dice.random() < 0.5:
            body = {"release": done[-1], "reason": "x", "target": done[-2], "verdict": "full"}
            self.append(environment, "revoke", body)

    def come_and_go(self) -> None:
        """Delete a cluster, or order a new one, perhaps under a name that there was."""
        environment = self.dice.choice(ENVIRONMENTS)
        keys = self.season.clusters[environment]
        if len(keys) > 2 and self.dice.random() < 0.5:
            gone = self.dice.choice(keys)
            self.season.clusters[environment] = tuple(key for key in keys if key != gone)
            self.left.append((environment, gone))
            if self.dice.random() < 0.5:
                self._remove(environment, gone)
        elif self.left and len(keys) < 6 and self.dice.random() < 0.6:
            environment, again = self.left.pop(self.dice.randrange(len(self.left)))
            self.season.clusters[environment] = (*self.season.clusters[environment], again)
            self.tally["ordered anew"] += 1
        elif len(keys) < 6:
            self.season.clusters[environment] = (
                *keys,
                ClusterKey("site-0", f"n{self.steps}-{self.dice.randint(0, 999)}"),
            )

    def _remove(self, environment: Environment, key: ClusterKey) -> None:
        """Let a cluster go through all states of its removal, once the rollout knows that it leaves."""
        self.step(environment)
        for state in REMOVALS:
            body = {"cluster": str(key), "state": state, "observation": SOME_DIGEST}
            self.season.append(environment, "remove", body)

    def clock(self) -> None:
        """Let the runner's clock be wrong for a while."""
        self.season.server_skew = self.dice.choice((timedelta(), timedelta(), timedelta(days=-14)))

    def back_date(self) -> None:
        """Let the bot write an observation of a time at which nobody looked (I20)."""
        environment = self.dice.choice(ENVIRONMENTS)
        rollout = self.season.ledgers[environment].state.rollout
        if rollout is None:
            return
        look = self.season.look(environment)
        body = look.report.body(rollout.release, rollout.population, held=0, plane=look.plane)
        at = self.season.now - self.dice.choice((20 * HOUR, -20 * HOUR))
        if self.season.witnessed:
            objects = {body["report"]: look.report.to_bytes()}
            self.season.append(environment, "observe", body, at=at, server=at, objects=objects)
            self._appended(environment, self.season.ledgers[environment].state.pins)

    def freeze(self) -> None:
        """Write a freeze into policy, or take all out of it."""
        at = self.season.now
        one = {"from": format_moment(at), "until": format_moment(at + 20 * HOUR), "reason": "x"}
        freezes = [one] if self.dice.random() < 0.6 else []
        self.season.policy = PolicySpec.model_validate({**self.policy, "freezes": freezes})

    def repolicy(self) -> None:
        """Ask for less than before."""
        ref = {"soak": self.dice.choice(("6h", "12h")), "minClusters": 2}
        stages = {**self.policy["environments"], "ref": ref}
        self.season.policy = PolicySpec.model_validate({**self.policy, "environments": stages})

    def race(self) -> None:
        """I15: of two writers of one number one wins, and the other's entry follows nothing."""
        ledger = self.season.ledgers[self.dice.choice(ENVIRONMENTS)]
        at = format_moment(self.season.now)
        one, two = (ledger.append("note", {"text": text}, at=at, actor="a", fleet="x") for text in ("one", "two"))
        won = ledger.extended(one)
        try:
            won.extended(two)
        except InvalidValue:
            self.tally["conflict"] += 1
        else:
            raise AssertionError(f"two successors of one head, seed {self.seed}")

    def forge(self) -> None:
        """Ask the gate about entries that anybody could write; what it says no to is counted."""
        environment = self.dice.choice(ENVIRONMENTS)
        ledger, season = self.season.ledgers[environment], self.season
        release = self.dice.choice(season.releases)
        number = ENVIRONMENTS.index(environment)
        before = season.ledgers[ENVIRONMENTS[number - 1]].state if number else None
        body, plan = promotion(season, environment, release.digest, firstIn=[])
        if self.dice.random() < 0.4 and plan.members:
            odd = {key: replace(member, zone="internet") for key, member in plan.members.items()}
            body, plan = promotion(season, environment, release.digest, planned=replace(plan, members=odd), firstIn=[])
        keys = self.dice.sample(season.clusters[environment], min(3, len(season.clusters[environment])))
        pins = {str(key): {"release": release.digest, "kubernetes": "v1.35.4"} for key in keys}
        why = self.dice.choice((*FORWARD, "rollback", "fast-forward"))
        running = ledger.state.rollout
        if running is not None and self.dice.random() < 0.5:
            ready = [key for key in running.plan.members if key in running.clusters and running.clusters[key].may_start]
            pins = {str(key): _pin(running.next_pin(key)) for key in ready} or pins
            why = "wave"
        forged: list[tuple[Any, Mapping[str, Any]]] = [
            ("promote", body),
            ("resume", {"release": release.digest, "reason": "x"}),
            ("revoke", {"release": release.digest, "reason": "x", "target": SOME_DIGEST, "verdict": "full"}),
        ]
        if pins:
            forged.append(("move", {"clusters": pins, "managementClusters": {}, "why": why}))
        proofs = replace(season.proofs(environment), releases={one.digest: one for one in season.releases})
        for kind, data in forged:
            seq, prev = (ledger.head.seq + 1, ledger.head.digest) if ledger.head else (0, None)
            late = season.now + self.dice.choice((timedelta(), timedelta(), 3 * 12 * HOUR))
            entry = Entry(seq, prev, environment, kind, format_moment(late), None, "forger", "x", data)
            objects = {**ledger.objects, plan.digest: plan.to_bytes()}
            for refusal in entry_refusals(entry, ledger.state, before, proofs, objects):
                self.tally[refusal.code] += 1
                assert refusal.error().status in (10, 11), refusal

    def append(self, environment: Environment, kind: Any, body: Mapping[str, Any]) -> None:
        """Write what people write, if the gate lets it stand."""
        ledger, season = self.season.ledgers[environment], self.season
        entry = ledger.append(kind, body, at=format_moment(season.now), actor="user:a", fleet="x")
        refusals = list(entry_refusals(entry, ledger.state, None, season.proofs(environment), ledger.objects))
        self.tally.update(refusal.code for refusal in refusals)
        if not refusals:
            season.append(environment, kind, body)
            self._appended(environment, ledger.state.pins)

    # --- what must hold

    def _appended(self, environment: Environment, before: Mapping[ClusterKey, Any]) -> None:
        """Hold the newest entry against the oracle."""
        ledger = self.season.ledgers[environment]
        entry, state = ledger.entries[-1], ledger.state
        rollout = state.rollout
        data = entry.as_json()
        body = data["body"]
        if entry.kind == "promote" and environment != "tst" and not body["expedited"]:
            self._no_skip(environment, body)
        if entry.kind in ("halt", "revoke") and rollout is not None and rollout.release == body["release"]:
            self.good.setdefault((environment, rollout.release), []).append((moment(data["at"]), "reset"))
        if entry.kind == "move" and rollout is not None:
            self._moved(environment, data, before)
        if entry.kind == "observe" and rollout is not None and body["release"] == rollout.release:
            self._observed(environment, data, entry.seq)
        if entry.kind == "note" and rollout is not None:
            for name in (name for name, change in body.get("changes", {}).items() if change == "joined"):
                self.phases.pop((environment, rollout.release, ClusterKey.parse(name)), None)

    def _no_skip(self, environment: Environment, body: Mapping[str, Any]) -> None:
        """I1, I17: it completed before, and soaked there by the oracle's own count; nothing is vacuously true."""
        earlier = ENVIRONMENTS[ENVIRONMENTS.index(environment) - 1]
        chain = self.season.ledgers[earlier]
        rollout = chain.state.rollout_of(body["release"])
        assert rollout is not None
        assert rollout.completed is not None
        assert rollout.population
        assert soak(self.good[earlier, body["release"]], RULES) >= rollout.required_soak
        assert body["release"] not in {one.body.get("release") for one in chain.entries if one.kind == "revoke"}

    def _moved(self, environment: Environment, data: Mapping[str, Any], before: Mapping[ClusterKey, Any]) -> None:
        """I7, I8, I9, I12, I13: after a move."""
        ledger = self.season.ledgers[environment]
        rollout, body, at = ledger.state.rollout, data["body"], moment(data["at"])
        assert rollout is not None
        named = {ClusterKey.parse(text) for text in body["clusters"]}
        changed = {key for key, pin in ledger.state.pins.items() if before.get(key) != pin}
        assert changed <= named, "a move changes only its batch (I13)"
        assert len(rollout.in_flight) <= 3 or not named, f"over maxUnavailable (I7), seed {self.seed}"
        for site in {key.site for key in named}:
            assert sum(key.site == site for key in rollout.in_flight) <= 2, f"over a cap (I7), seed {self.seed}"
        if body["why"] == "rollback":
            back = {pin["release"] for pin in (*body["clusters"].values(), *body["managementClusters"].values())}
            assert not back & ledger.state.revoked.keys(), f"back to what was revoked (I11), seed {self.seed}"
        if body["why"] in FORWARD:
            assert not (named & self.season.held), f"a held cluster moved (I12), seed {self.seed}"
            frozen = rollout.plan.policy.complete_document()["freezes"]
            assert not frozen_at(frozen, at), f"a start in a freeze (I9), seed {self.seed}"
            assert self._running(environment, rollout.release), f"a start after a halt (I8), seed {self.seed}"

    def _running(self, environment: Environment, release: str) -> bool:
        stopped = False
        for entry in self.season.ledgers[environment].entries:
            if entry.kind in ("halt", "resume", "revoke") and entry.body["release"] == release:
                stopped = entry.kind != "resume"
        return not stopped

    def _observed(self, environment: Environment, data: Mapping[str, Any], seq: int) -> None:
        """I5, I20: what an observation earns, by the oracle's own count."""
        state = self.season.ledgers[environment].state
        rollout, body = state.rollout, data["body"]
        assert rollout is not None
        key = (environment, rollout.release)
        tale = self.good.setdefault(key, [])
        if seq in state.disbelieved:
            self.tally[f"disbelieved: {state.disbelieved[seq]}"] += 1
            tale.append((moment(data["at"]), "break"))
        elif rollout.target is None and rollout.halted is None:
            tale.append((moment(data["at"]), self._kind(environment, body)))
        earned = soak(tale, RULES)
        assert rollout.soak.earned == earned, f"soak (I5), seed {self.seed}: {rollout.soak.earned} and {earned}"
        assert timedelta() <= rollout.soak.earned

    def _kind(self, environment: Environment, body: Mapping[str, Any]) -> str:
        """Judge an observation by its report alone; its counts are of those who were no failure then."""
        rollout = self.season.ledgers[environment].state.rollout
        assert rollout is not None
        verdicts = self._verdicts(environment, body["report"], rollout.release)
        seen = [verdicts.get(str(key), "Unknown") for key in rollout.population]
        if "Unhealthy" in seen:
            return "bad"
        return "good" if seen and seen.count("Healthy") * 100 >= RULES.coverage * len(seen) else "poor"

    def _verdicts(self, environment: Environment, report: str, release: str) -> Mapping[str, str]:
        found = json.loads(self.season.ledgers[environment].objects[report])["clusters"]
        return {
            key: "Progressing" if one["verdict"] == "Healthy" and one["release"] != release else one["verdict"]
            for key, one in found.items()
        }

    def check(self, environment: Environment) -> None:
        """Section 10: whatever changed went one of the ways that are drawn there."""
        state = self.season.ledgers[environment].state
        for release in self.season.releases:
            now = str(state.state_of(release.digest))
            before = self.states.get((environment, release.digest), now)
            assert now == before or _reachable(NEXT_RELEASE, before, now), f"{before} -> {now}, seed {self.seed}"
            self.states[environment, release.digest] = now
            self.tally[f"release {now}"] += 1
        rollout = state.rollout
        if rollout is None:
            return
        for key, phase in rollout.phases().items():
            self.tally[f"cluster {phase}"] += 1
            if rollout.target is None:
                before = self.phases.get((environment, rollout.release, key), str(phase))
                ok = phase == before or _reachable(NEXT_CLUSTER, before, str(phase))
                assert ok, f"{key} {before} -> {phase}, seed {self.seed}"
                self.phases[environment, rollout.release, key] = str(phase)
        rollout.plan.require_partition()

    def doubted(self) -> None:
        """I16: who may move after a look that missed somebody may move however it was."""
        environment = self.dice.choice(ENVIRONMENTS)
        season, ledger = self.season, self.season.ledgers[environment]
        rollout = ledger.state.rollout
        if rollout is None or rollout.target is not None or not rollout.clusters:
            return
        whole = season.look(environment).report
        either: tuple[ClusterKey | str, ...] = (*rollout.clusters, *rollout.management_clusters)
        missed = self.dice.choice(either)
        self.tally["missed a done one"] += missed in rollout.clusters and rollout.clusters[missed].is_done
        less = _but(whole, missed, None)
        movable = self._movable(environment, less)
        runs = season.runs(environment, missed)
        for verdict in Verdict:
            seen = _but(whole, missed, Sight(runs.release, str(runs.kubernetes), verdict))
            assert movable <= self._movable(environment, seen), f"I16: {missed} was {verdict}, seed {self.seed}"

    def _movable(self, environment: Environment, report: Report) -> set[ClusterKey]:
        """Return who may be moved on after one more observation."""
        season, ledger = self.season, self.season.ledgers[environment]
        rollout = ledger.state.rollout
        assert rollout is not None
        body = report.body(rollout.release, rollout.population, held=0, plane=PLANE)
        at = format_moment(season.now)
        seen = replace(ledger.with_objects({body["report"]: report.to_bytes()}), receipts=None)
        seen = seen.extended(seen.append("observe", body, at=at, actor="a", fleet="x", server=at))
        after = seen.state.rollout
        assert after is not None
        return {
            key
            for key in after.plan.members
            if key in after.clusters
            and after.clusters[key].may_start
            and not list(entry_refusals(_a_move(seen, key, after.next_pin(key)), seen.state, None, NO_PROOFS, {}))
        }

    def shifted(self) -> None:
        """I20: the same chain at another time adds up to the same."""
        ledger = self.season.ledgers[self.dice.choice(ENVIRONMENTS)]
        by = timedelta(days=self.dice.randint(1, 4000))
        receipts = ledger.receipts
        later = None
        if receipts is not None:
            later = {seq: Receipt(one.digest, one.received + by) for seq, one in receipts.items()}
        moved = replace(Ledger.empty(ledger.environment), objects=ledger.objects, receipts=later)
        for entry in ledger.entries:
            at, server = _later(entry.at, by), None if entry.server is None else _later(entry.server, by)
            moved = moved.extended(
                moved.append(entry.kind, entry.body, at=at, actor=entry.actor, fleet=entry.fleet, server=server)
            )
        for release in self.season.releases:
            assert moved.state.state_of(release.digest) is ledger.state.state_of(release.digest)
        one, other = ledger.state.rollout, moved.state.rollout
        if one is not None and other is not None:
            assert (one.soak.earned, one.phases(), one.pins) == (other.soak.earned, other.phases(), other.pins)

    def end(self) -> None:
        """I4 and the gate hold the whole chain; I19: from here everything can be taken back."""
        self.season.verify()
        self.shifted()
        self.sick.clear()
        self.season.server_skew = timedelta()
        for environment in ENVIRONMENTS:
            self._take_back(environment)
        self.season.verify()

    def _take_back(self, environment: Environment) -> None:
        rollout = self.season.ledgers[environment].state.rollout
        if rollout is None or rollout.target is not None:
            return
        done = [one for one in self.season.ledgers[environment].state.completed_releases if one != rollout.release]
        if not done:
            return
        release = rollout.release
        self.season.append(
            environment, "revoke", {"release": release, "reason": "x", "target": done[-1], "verdict": "full"}
        )
        self._appended(environment, self.season.ledgers[environment].state.pins)
        self.season.held.clear()
        for _ in range(60):
            if self.season.ledgers[environment].state.state_of(release) is ReleaseState.Revoked:
                return
            self.season.now += HOUR
            self.step(environment)
        raise AssertionError(f"{release} is not taken back in {environment} (I19), seed {self.seed}")


def _but(report: Report, key: ClusterKey | str, sight: Sight | None) -> Report:
    """Return a report in which one cluster was seen otherwise, or not at all."""
    clusters, managers = dict(report.clusters), dict(report.management_clusters)
    if isinstance(key, str):
        managers.pop(key, None)
        managers |= {} if sight is None else {key: sight}
    else:
        clusters.pop(key, None)
        clusters |= {} if sight is None else {key: sight}
    return Report(clusters, managers)


def _later(text: str, by: timedelta) -> str:
    return format_moment(moment(text) + by)


def _a_move(ledger: Ledger, key: ClusterKey, pin: Assignment) -> Entry:
    seq, prev = (ledger.head.seq + 1, ledger.head.digest) if ledger.head else (0, None)
    at = ledger.entries[-1].at
    return Entry(seq, prev, ledger.environment, "move", at, None, "a", "x", {"clusters": {str(key): _pin(pin)}})


def _pin(pin: Assignment) -> dict[str, str]:
    return {"release": pin.release, "kubernetes": str(pin.kubernetes)}


def _reachable(table: Mapping[str, frozenset[str]], before: str, now: str) -> bool:
    """Say whether one step of a run, which may be several entries, leads there."""
    seen, front = {before}, {before}
    while front:
        front = {after for one in front for after in table[one]} - seen
        seen |= front
    return now in seen


_PLAN = (
    (History.time, 60),
    (History.sicken, 12),
    (History.heal, 6),
    (History.hold, 2),
    (History.unhold, 2),
    (History.cut, 3),
    (History.stop, 3),
    (History.come_and_go, 2),
    (History.clock, 1),
    (History.back_date, 3),
    (History.freeze, 2),
    (History.repolicy, 1),
    (History.race, 1),
    (History.forge, 14),
    (History.doubted, 3),
)
_EVENTS = tuple(event for event, _ in _PLAN)
_WEIGHTS = tuple(weight for _, weight in _PLAN)

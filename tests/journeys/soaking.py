"""Ledgers of a real project that tell of weeks in which a release soaked: clusters and clock are simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schiff.cli.approve import Signer
from schiff.cli.ledger_branches import LedgerBranches
from schiff.cli.situations import Facts, situation_of
from schiff.cli.step_loop import Done, run_steps
from schiff.model.fleet import Fleet
from schiff.rollout.admission import Request
from schiff.rollout.bodies import Kind
from schiff.rollout.entering import request_of
from schiff.rollout.plan import Plan
from schiff.rollout.situation import Append
from schiff.sources.approvals import read_approvers
from schiff.sources.chains import ChainPlace
from schiff.sources.fleet_files import load_fleet
from schiff.sources.ledger_branch import read_ledger
from schiff.values.durations import Duration
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from tests.cli.simulated_world import SimulatedWorld
from tests.journeys.pulumi_project import PulumiProject
from tests.ssh.signers import Person

BEGIN = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_SOON = timedelta(hours=2)


@dataclass
class SoakingWorld(SimulatedWorld):
    """A simulated world whose fleet and ledgers are those of a project that plain pulumi reads."""

    committed: Fleet | None = None

    @classmethod
    def of(cls, project: PulumiProject, cache: Path, begin: datetime = BEGIN) -> SoakingWorld:
        """Return the world around a project whose ledgers hold their genesis, at the moment when it begins."""
        fleet = project.root / "stacks" / "fleet"
        place = ChainPlace(str(project.root / ".schiff" / "ledger.git"), fleet)
        branches = LedgerBranches(dict.fromkeys(ENVIRONMENTS, place), cache, "ci:test", lambda: begin)
        world = cls(branches, {}, begin, committed=load_fleet(fleet))
        world.branches = replace(branches, now=world.now)
        for environment in ENVIRONMENTS:
            world.deliver(environment)
        world.since = dict.fromkeys(world.since, begin - DAY)
        return world

    def fleet(self) -> Fleet:
        assert self.committed is not None
        return self.committed

    def identity(self, name: str) -> str:
        """Return the digest of a release."""
        layers = self.fleet().release_named(name)
        assert layers is not None
        return layers.digest

    def earned(self, environment: Environment) -> timedelta:
        """Return how long the release that rolled out last soaked there."""
        rollout = self.ledger(environment).state.rollout
        return timedelta() if rollout is None else rollout.soak.earned

    def soak(self, environment: Environment, lasting: timedelta) -> None:
        """Let a run of steps pass now and then, once it soaks once a day, until a release earned so much there."""
        while (earned := self.earned(environment)) < lasting:
            self.clock += min(DAY if earned else _SOON, lasting - earned)
            self.step(environment)

    def approve(self, person: Person, release: str, lasting: str) -> None:
        """Let somebody agree to a promotion to prd, with a signature of the real program."""
        approvers = read_approvers(self.branches.places["prd"].fleet)
        signer = Signer("prd", approvers, person.key, self.clock, Duration.parse(lasting))
        self.write("approve", signer.sign("promote", release))

    def promotion(self, release: str) -> Request:
        """Return the promotion to prd that cites the newest evidence, whether or not it may be."""
        fleet = self.fleet()
        chains = self.chains("prd", fleet)
        situation = situation_of("prd", chains, Facts(fleet, self.authors, self.delivered("prd"), self.clock))
        return request_of(situation, next(one for one in situation.releases if one.digest == release))

    def promote(self, release: str) -> Plan:
        """Write a promotion to prd by hand, well hashed, and return its plan."""
        request = self.promotion(release)
        self.write("promote", request.body.as_document(), {request.plan.digest: request.plan.to_bytes()})
        return request.plan

    def move(self, plan: Plan, key: ClusterKey) -> None:
        """Write the move of one cluster by hand."""
        pin = {"release": plan.release, "kubernetes": str(plan.members[key].hops[0])}
        self.write("move", {"clusters": {str(key): pin}, "managementClusters": {}, "why": "wave", "wave": "canary"})

    def write(self, kind: Kind, body: Mapping[str, Any], objects: Mapping[str, bytes] | None = None) -> None:
        """Push an entry to prd as anybody could who may push: nobody asks the gate."""
        ledger = read_ledger(self.branches.places["prd"].ledger, "prd", self.branches.cache)
        assert self.branches.append(ledger, Append(kind, body, "by hand", objects or {}), self.clock)

    def observe(self, environment: Environment) -> None:
        """Let a run of steps go as far as its first observation."""
        for done in run_steps(environment, self):
            if isinstance(done, Done) and done.entry is not None and done.entry.kind == "observe":
                return
        raise AssertionError(f"{environment} was not observed")

"""A season: simulated time goes by, and every few hours the schedule runs the steps of each environment.

Something moves: every four hours. Nothing does: twice a day. A run that died before it delivered is made up for within
the hour, as a schedule does that runs more often than this one. At the end of each day everything is read anew and held
against what must hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from schiff.cli.rehearsal.faults import Faults
from schiff.cli.rehearsal.invariants import Invariants
from schiff.cli.rehearsal.people import People
from schiff.cli.rehearsal.story import Story
from schiff.cli.rehearsal.world import Killed, RehearsalWorld
from schiff.cli.step_loop import run_steps
from schiff.rollout.progress import Phase
from schiff.rollout.running import ReleaseState, Rollout
from schiff.rollout.situation import Wait
from schiff.sources.chains import Chains
from schiff.values.names import ENVIRONMENTS, Environment

_OFTEN: Final = 4
_SELDOM: Final = (8, 20)
_WRONG: Final = timedelta(days=14)
_TOLD: Final = frozenset({"skew", "unknown", "unhealthy", "closed", "halted", "no-path", "no-capacity", "revoked"})
_UNDER_WAY: Final = (Phase.Moving, Phase.Verifying, Phase.Unknown)


@dataclass(slots=True)
class Season:
    """One season while it goes by."""

    world: RehearsalWorld
    story: Story
    people: People
    faults: Faults
    invariants: Invariants
    end: datetime
    misled: bool = False
    died: set[Environment] = field(default_factory=set)
    told: set[tuple[Environment, str, str]] = field(default_factory=set)
    waits: dict[Environment, str] = field(default_factory=dict)
    states: dict[Environment, tuple[str, ReleaseState] | None] = field(default_factory=dict)

    def run(self) -> Chains:
        """Let the season go by, and return the chains that it leaves."""
        chains = self._first_day()
        before = self.world.clock.now - timedelta(hours=1)
        while self.world.clock.now < self.end:
            now = self.world.clock.now
            self._trouble(before, now)
            if not self.faults.off.lasts(now):
                self._runs()
            before, self.world.clock.now = now, self._next(now)
            if self.world.clock.now.date() != now.date():
                chains = self.invariants.check(self.people.held)
        return chains

    def _first_day(self) -> Chains:
        """Begin the ledgers, and deliver what they begin with."""
        self.world.begin()
        for environment in ENVIRONMENTS:
            self.world.deliver(environment)
            entry = self.world.ledgers[environment].entries[0]
            name = self.world.known.releases[entry.body["release"]].release.name
            said = f"the ledger begins: {len(entry.body['clusters'])} clusters, release {name}; delivered"
            self.story.say(self.world.clock.now, environment, said)
        return self.invariants.check(None)

    def _trouble(self, before: datetime, now: datetime) -> None:
        """Tell of the troubles that begin, and arm those that strike in the middle of a run."""
        for sentence in self.faults.begun(before, now):
            self.story.say(now, "fault", sentence)
        self.world.dies |= self.faults.deaths(before, now)
        self.misled = self.faults.misleads(before, now)

    def _runs(self) -> None:
        for environment in self.people.work():
            self.world.deliver(environment)
        for environment in ENVIRONMENTS:
            if self.world.put_late(environment):
                self.story.say(
                    self.world.clock.now, environment, "the witness is told late what it was not told in time"
                )
            self.world.wrong_by = _WRONG if self.misled and environment == ENVIRONMENTS[0] else timedelta()
            self._steps(environment)
            if self.waits.get(environment) == "approval" and self.people.approve(environment):
                self._steps(environment)

    def _steps(self, environment: Environment) -> None:
        try:
            for done in run_steps(environment, self.world):
                if isinstance(done, Wait):
                    self._waits(environment, done)
                elif done.moves and (done.doing != "deliver" or environment in self.died):
                    self.story.say(self.world.clock.now, environment, done.sentence)
                    self.died.discard(environment)
                self._progress(environment)
        except Killed as where:
            if where.undelivered:
                self.died.add(environment)
            self.story.say(self.world.clock.now, "fault", f"the run in {environment} dies {where}; the next goes on")

    def _waits(self, environment: Environment, wait: Wait) -> None:
        """Say why an environment waits: once for each release and reason that people care about."""
        refusal = wait.refusal
        rollout = self.world.ledgers[environment].state.rollout
        reason = (environment, refusal.code, "" if rollout is None else rollout.release)
        if refusal.code in _TOLD and reason not in self.told:
            self.told.add(reason)
            self.story.say(self.world.clock.now, environment, f"waits: {refusal.sentence}")
        self.waits[environment] = refusal.code

    def _progress(self, environment: Environment) -> None:
        """Say when a release is complete, and when it has shown enough."""
        rollout = self.world.ledgers[environment].state.rollout
        now = None if rollout is None else (rollout.release, rollout.state)
        if now == self.states.get(environment) or rollout is None:
            return
        self.states[environment] = now
        if rollout.state is ReleaseState.Soaking:
            said = f"release {rollout.name} runs on {len(rollout.population)} clusters; its soak begins"
            self.story.say(self.world.clock.now, environment, said)
        elif rollout.state is ReleaseState.Soaked:
            days = rollout.soak.earned.days
            self.story.say(self.world.clock.now, environment, f"release {rollout.name} has soaked for {days} days")

    def _next(self, now: datetime) -> datetime:
        if self.died:
            return now + timedelta(hours=1)
        rollouts = (ledger.state.rollout for ledger in self.world.ledgers.values())
        if any(one is not None and _is_under_way(one) for one in rollouts):
            return now + timedelta(hours=_OFTEN - now.hour % _OFTEN)
        later = [hour for hour in _SELDOM if hour > now.hour]
        midnight = now.replace(hour=0)
        return midnight + (timedelta(hours=later[0]) if later else timedelta(days=1, hours=_SELDOM[0]))


def _is_under_way(rollout: Rollout) -> bool:
    everybody = (*rollout.clusters.values(), *rollout.management_clusters.values())
    return any(one.phase in _UNDER_WAY for one in everybody)

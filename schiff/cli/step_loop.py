"""The loop around `decide`: read, decide, do one thing, and ask again until nothing is left but to wait.

1. Every decision is made on chains that were read and verified just before it.
2. An entry is held against the gate before it is written: a chain with one that may not stand delivers nothing more.
3. It is written on exactly the head that was decided on. Another writer won: read again, decide again.
4. Nothing is remembered between runs. A run that was killed anywhere is continued by the next, from what the
   ledgers and the repositories hold; the same command on the same head adds nothing.
5. A run ends: after so many steps the next one goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, Protocol

from schiff.cli.situations import Facts, situation_of
from schiff.delivery.delivered import DeliveredManifest
from schiff.errors import Conflict, Refused, Waiting
from schiff.model.fleet import Fleet
from schiff.rollout.decide import decide
from schiff.rollout.entry import Entry
from schiff.rollout.gate import entry_refusals
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.refusals import Refusal
from schiff.rollout.situation import Append, Cut, Deliver, Look, Observe, Situation, Step, Wait
from schiff.sources.chains import Chains
from schiff.values.digests import digest_of_bytes
from schiff.values.names import Environment

MOST_STEPS: Final = 500
_ATTEMPTS: Final = 10

Doing = Literal["append", "deliver", "look", "cut"]


@dataclass(frozen=True, slots=True)
class Done:
    """One thing that a run did, and what it wrote to the ledger, if anything."""

    doing: Doing
    sentence: str
    entry: Entry | None = None

    @property
    def moves(self) -> bool:
        """Whether something went on by it: to look, and to write down what was seen, is to wait with open eyes."""
        return self.doing != "look" and (self.entry is None or self.entry.kind != "observe")


class World(Protocol):
    """What a run of steps sees and does: the real one, or a rehearsal's."""

    def now(self) -> datetime:
        """Return the moment, in UTC and whole seconds."""
        ...

    def fleet(self) -> Fleet:
        """Read the fleet."""
        ...

    def authors(self, release: str) -> tuple[str, ...]:
        """Return the e-mail addresses of those whose own change a release is."""
        ...

    def chains(self, environment: Environment, fleet: Fleet) -> Chains:
        """Read the chains of an environment and of all before it; raises for one that does not hold."""
        ...

    def entry(self, ledger: Ledger, step: Append, at: datetime) -> Entry:
        """Return the entry that would be written."""
        ...

    def append(self, ledger: Ledger, step: Append, at: datetime) -> Entry | None:
        """Write one entry on top of the ledger's head; None when another one stands there by now.

        Raises `Waiting` for a decision of a machine whose clock is wrong.
        """
        ...

    def delivered(self, environment: Environment) -> Sequence[DeliveredManifest | None]:
        """Return what stands delivered: the manifests of every stack in both repositories, None for a missing one."""
        ...

    def deliver(self, environment: Environment) -> None:
        """Do what `schiff up` does."""
        ...

    def look(self, environment: Environment, fleet: Fleet) -> Look:
        """Look at the real clusters once."""
        ...

    def cut(self) -> str:
        """Cut a release from head and return its name; raises `Waiting` while people have to bring it to the branch."""
        ...


def run_steps(environment: Environment, world: World, most: int = MOST_STEPS) -> Iterator[Done | Wait]:
    """Do every legal step, yield each as it is done, and end with what the environment waits for."""
    run = _Run(environment, world, world.fleet())
    for _ in range(most):
        done = run.next()
        if done is not None:
            yield done
        if isinstance(done, Wait):
            return
    yield Wait(Refusal("busy", f"{most} steps are done; the next run goes on", world.now()))


@dataclass(slots=True)
class _Run:
    """One run: what it read of the fleet, its last look, and the head it delivered."""

    environment: Environment
    world: World
    fleet: Fleet
    look: Look | None = None
    delivered: Head | None = None
    lost: int = field(default=0)

    def next(self) -> Done | Wait | None:
        """Do one step; None when another writer was faster."""
        chains = self.world.chains(self.environment, self.fleet)
        if chains.ledgers[self.environment].head is None:
            begin = f"begin it: schiff ledger init -e {self.environment}"
            raise Refused(f"{self.environment} has no ledger yet; {begin}", "no-ledger")
        manifests = self.world.delivered(self.environment)
        facts = Facts(self.fleet, self.world.authors, manifests, self.world.now(), self.look)
        situation = situation_of(self.environment, chains, facts)
        return self._do(decide(situation), situation)

    def _do(self, step: Step, situation: Situation) -> Done | Wait | None:
        match step:
            case Append():
                return self._append(step, situation)
            case Observe():
                self.look = self.world.look(self.environment, self.fleet)
                return Done("look", step.sentence)
            case Deliver():
                return self._deliver(step, situation.ledger)
            case Cut():
                return self._cut()
            case Wait():
                return step

    def _append(self, step: Append, situation: Situation) -> Done | Wait | None:
        step, at = self._cited(step), step.at or situation.now
        if (refusal := self._refusal(step, situation, at)) is not None:
            return Wait(refusal)
        try:
            entry = self.world.append(situation.ledger, step, at)
        except Waiting as error:
            return Wait(Refusal(error.code, str(error)))
        if entry is None:
            self.lost += 1
            if self.lost >= _ATTEMPTS:
                raise Conflict(f"others appended to the ledger of {self.environment} {_ATTEMPTS} times in between")
            return None
        if step.kind == "observe":
            self.look = None
        return Done("append", step.sentence, entry)

    def _cited(self, step: Append) -> Append:
        """Return a removal with the report that it cites, so that both lie on the branch."""
        if step.kind != "remove" or self.look is None:
            return step
        content = self.look.report.to_bytes()
        return replace(step, objects={digest_of_bytes(content): content})

    def _refusal(self, step: Append, situation: Situation, at: datetime) -> Refusal | None:
        """Return what the gate has against an entry: nothing, where it and `decide` go by the same rules."""
        ledger, before = situation.ledger, situation.before
        entry = self.world.entry(ledger, step, at)
        objects = {**ledger.objects, **step.objects}
        earlier = None if before is None else before.state
        return next(entry_refusals(entry, ledger.state, earlier, situation.proofs, objects), None)

    def _deliver(self, step: Deliver, ledger: Ledger) -> Done | Wait:
        if self.delivered == ledger.head:
            said = f"what the ledger of {self.environment} holds was sent and does not stand in both repositories yet"
            return Wait(Refusal("behind", f"{said}; a proposal waits to be merged, or a push was lost"))
        self.world.deliver(self.environment)
        self.delivered = ledger.head
        return Done("deliver", step.sentence)

    def _cut(self) -> Done | Wait:
        try:
            name = self.world.cut()
        except Waiting as error:
            return Wait(Refusal(error.code, str(error)))
        self.fleet = self.world.fleet()
        return Done("cut", f"release {name} is cut from head")

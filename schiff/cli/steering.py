"""What people append to a ledger by hand: at once, on a verified chain, and only what the gate lets through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schiff.cli import clock
from schiff.cli.chains import seen_by_deliveries
from schiff.cli.ledger_branches import LedgerBranches
from schiff.cli.project import parse_environment
from schiff.cli.stack_world import branches_of
from schiff.errors import Conflict, InvalidInput, Place, Problem, Refused
from schiff.model.fleet import Fleet
from schiff.rollout.entry import Entry
from schiff.rollout.gate import entry_refusals
from schiff.rollout.running import Rollout
from schiff.rollout.situation import Append
from schiff.rollout.stage import Stage
from schiff.sources.chains import Chains, up_to
from schiff.sources.fleet_files import load_fleet
from schiff.values.names import ENVIRONMENTS, Environment

_ATTEMPTS: Final = 10

Propose = Callable[[Chains], Append | None]
"""Says what to append to chains as they are; None when they say it already."""


@dataclass(frozen=True, slots=True)
class Steering:
    """One environment, as a person steers it."""

    environment: Environment
    branches: LedgerBranches
    fleet: Fleet

    @classmethod
    def of(cls, environment: str) -> Steering:
        """Read the fleet of the current project, and find its ledgers."""
        chosen = parse_environment(environment)
        seen = seen_by_deliveries(up_to(chosen))
        branches = branches_of(chosen, {name: one.heads for name, one in seen.items()})
        return cls(chosen, branches, load_fleet(branches.places[chosen].fleet))

    def read(self) -> Chains:
        """Return the chains up to the environment; raises `Refused` where its ledger was not begun."""
        chains = self.branches.read(self.environment, self.fleet)
        if chains.ledgers[self.environment].head is None:
            begin = f"begin it: schiff ledger init -e {self.environment}"
            raise Refused(f"{self.environment} has no ledger yet; {begin}", "no-ledger")
        return chains

    def append(self, propose: Propose) -> Entry | None:
        """Append what is proposed; None when nothing was to be said. Raises what the gate has against it."""
        for _ in range(_ATTEMPTS):
            chains, now = self.read(), clock.now()
            step = propose(chains)
            if step is None:
                return None
            ledger = chains.ledgers[self.environment]
            entry = self.branches.entry(ledger, step, now)
            before = self._before(chains)
            for refusal in entry_refusals(
                entry, ledger.state, before, chains.proofs[self.environment], {**ledger.objects, **step.objects}
            ):
                raise refusal.error()
            if (written := self.branches.append(ledger, step, now)) is not None:
                return written
        raise Conflict(f"others appended to the ledger of {self.environment} {_ATTEMPTS} times; run it again")

    def rollout(self, chains: Chains) -> Rollout:
        """Return what rolls out, or did last; raises `Refused` where nothing ever did."""
        rollout = chains.ledgers[self.environment].state.rollout
        if rollout is None:
            raise Refused(f"no release was promoted in {self.environment} since its ledger began", "no-rollout")
        return rollout

    def _before(self, chains: Chains) -> Stage | None:
        number = ENVIRONMENTS.index(self.environment)
        found = chains.ledgers.get(ENVIRONMENTS[number - 1]) if number else None
        return None if found is None else found.state


def require_text(option: str, text: str, example: str) -> str:
    """Return a text that people gave; raises `InvalidInput` for none: a ledger says why."""
    if not text.strip():
        raise InvalidInput([Problem(Place(option), "", "nothing is given", f"write e.g. {example}")])
    return text.strip()

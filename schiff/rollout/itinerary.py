"""When each release may enter each environment at the earliest, by policy and by what has been shown so far.

1. A release leaves an environment when it has soaked there for as long as policy asks; what it earned already counts.
2. `tst` and `ref` take one release at a time: the next enters when the one before has soaked.
3. The next train is cut at the calendar's next moment, and not while `tst` is taken.
4. What is halted goes nowhere until somebody resumes it, and nothing passes it there; what is revoked, or was
   overtaken by a newer release, never enters anything any more.

These are lower bounds: rollouts take time, people approve, clusters are unwell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from schiff.model.policy import PolicySpec
from schiff.values.names import ENVIRONMENTS, Environment

NEXT_TRAIN: Final = "next train"
"""Stands for the digest and the name of the release that is cut next."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A release in one environment that it has entered: since when, what it has earned, and what stops it."""

    since: datetime
    soak: timedelta = timedelta()
    needed: timedelta | None = None
    halted: str | None = None


@dataclass(frozen=True, slots=True)
class Traveller:
    """A release under way: where it has been, by environment; `revoked` wherever that happened."""

    name: str
    digest: str
    passages: Mapping[Environment, Passage]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """When a release entered an environment or may at the earliest; or why nobody can say."""

    traveller: Traveller
    at: datetime | None
    reason: str = ""


Itinerary = Mapping[Environment, Sequence[Entry]]


def itinerary(travellers: Sequence[Traveller], policy: PolicySpec, train: datetime, now: datetime) -> Itinerary:
    """Return the entries of every environment, in the order of `travellers` (oldest first), the next train last.

    `train` is the moment before which no train is cut.
    """
    walk = _Walk(policy, now, travellers)
    for traveller in travellers:
        walk.take(traveller, now)
    upcoming = Traveller(NEXT_TRAIN, NEXT_TRAIN, {})
    ready = walk.free(ENVIRONMENTS[0])
    walk.take(upcoming, None if ready is None else max(train, ready))
    return walk.entries


class _Walk:
    """The releases one after the other through the environments; None stands for a moment nobody can say."""

    def __init__(self, policy: PolicySpec, now: datetime, travellers: Iterable[Traveller]) -> None:
        self._policy = policy
        self._now = now
        self._free: dict[Environment, datetime | None] = dict.fromkeys(ENVIRONMENTS, now)
        self._why: dict[Environment, str] = dict.fromkeys(ENVIRONMENTS, "")
        going = [one for one in travellers if not one.revoked]
        self._entered = {name: [one.digest for one in going if name in one.passages] for name in ENVIRONMENTS}
        self._order = [one.digest for one in going]
        self.entries: dict[Environment, list[Entry]] = {name: [] for name in ENVIRONMENTS}

    def free(self, environment: Environment) -> datetime | None:
        """Return when an environment takes the next release."""
        return self._free[environment]

    def take(self, traveller: Traveller, ready: datetime | None) -> None:
        """Take one release through all environments, as far as it comes."""
        if traveller.revoked:
            return
        why = ""
        for environment in ENVIRONMENTS:
            passage = traveller.passages.get(environment)
            if passage is None and self._is_overtaken(traveller, environment):
                return
            if passage is None:
                ready, why = self._enter(traveller, environment, ready, why)
            else:
                ready, why = self._stay(traveller, environment, passage)

    def _enter(
        self, traveller: Traveller, environment: Environment, ready: datetime | None, why: str
    ) -> tuple[datetime | None, str]:
        """Note the entry to come, and return when the release may leave again."""
        free = self._free[environment]
        if ready is None or free is None:
            reason = why or self._why[environment]
            self.entries[environment].append(Entry(traveller, None, reason))
            return None, reason
        at = max(ready, free)
        self.entries[environment].append(Entry(traveller, at))
        return self._take_place(environment, at, at + self._policy.soak_of(environment)), ""

    def _stay(self, traveller: Traveller, environment: Environment, passage: Passage) -> tuple[datetime | None, str]:
        """Note the entry that was, and return when the release may leave."""
        if passage.halted is not None:
            why = f"release {traveller.name} is halted in {environment}: {passage.halted}"
            self.entries[environment].append(Entry(traveller, None, why))
            self._free[environment], self._why[environment] = None, why
            return None, why
        self.entries[environment].append(Entry(traveller, passage.since))
        needed = self._policy.soak_of(environment) if passage.needed is None else passage.needed
        missing = max(timedelta(), needed - passage.soak)
        return self._take_place(environment, self._now, self._now + missing), ""

    def _take_place(self, environment: Environment, at: datetime, leaves: datetime) -> datetime:
        """Let the next release wait for this one, and return when this one leaves; in the last stage nobody waits."""
        free = self._free[environment]
        until = at if environment == ENVIRONMENTS[-1] else leaves
        self._free[environment] = None if free is None else max(free, until)
        return leaves

    def _is_overtaken(self, traveller: Traveller, environment: Environment) -> bool:
        if traveller.digest not in self._order:
            return False
        place = self._order.index(traveller.digest)
        return any(self._order.index(other) > place for other in self._entered[environment])

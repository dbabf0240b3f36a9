"""A reference model of a chain, written from the specification's sections 5, 7, 10 and 11 and nothing else.

It reads entries as plain data and knows none of the core's types: what it adds
up to is compared with what the core says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

NEXT_RELEASE: Mapping[str, frozenset[str]] = {
    "Absent": frozenset({"Admitted", "RollingOut", "Revoked", "Superseded", "Halted"}),
    "Admitted": frozenset({"RollingOut", "Superseded", "Halted", "RollingBack", "Revoked"}),
    "RollingOut": frozenset({"Soaking", "Soaked", "Halted", "RollingBack", "Revoked"}),
    "Soaking": frozenset({"Soaked", "Halted", "RollingBack", "Superseded", "Revoked"}),
    "Soaked": frozenset({"Soaking", "Superseded", "Halted", "RollingBack", "Revoked"}),
    "Halted": frozenset({"Admitted", "RollingOut", "Soaking", "Soaked", "RollingBack", "Revoked"}),
    "RollingBack": frozenset({"Revoked"}),
    "Superseded": frozenset({"Revoked"}),
    "Revoked": frozenset(),
}
"""Section 10; a clock that jumps may skip what lies between, a plane that changes begins the soak anew."""

NEXT_CLUSTER: Mapping[str, frozenset[str]] = {
    "Pending": frozenset({"Held", "Deferred", "Moving", "Gone"}),
    "Held": frozenset({"Pending", "Deferred", "Verifying", "Moving", "Gone", "Failed"}),
    "Deferred": frozenset({"Pending", "Held", "Gone", "Moving"}),
    "Moving": frozenset({"Verifying", "Done", "Failed", "Unknown", "Held"}),
    "Verifying": frozenset({"Moving", "Done", "Failed", "Unknown", "Held"}),
    "Unknown": frozenset({"Moving", "Verifying", "Done", "Failed", "Held"}),
    "Failed": frozenset({"Verifying", "Done", "Gone"}),
    "Done": frozenset({"Gone"}),
    "Gone": frozenset(),
}


@dataclass(frozen=True)
class Rules:
    """The numbers of the policy that a rollout was frozen with."""

    gap: timedelta
    grace: timedelta
    coverage: int


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def soak(observations: Sequence[tuple[datetime, str]], rules: Rules) -> timedelta:
    """Add up the time between neighbours that are both good; `reset` and long trouble begin anew."""
    earned, good, bad = timedelta(), None, None
    for at, kind in observations:
        if kind == "reset":
            earned, good, bad = timedelta(), None, None
        elif kind == "good":
            if good is not None and at - good <= rules.gap:
                earned += at - good
            good, bad = at, None
        elif kind == "bad":
            bad = at if bad is None else bad
            good = None
            if at - bad > rules.grace:
                earned = timedelta()
        else:
            good = None
    return earned


def frozen_at(freezes: Iterable[Mapping[str, Any]], at: datetime) -> bool:
    """Say whether a freeze of everything holds."""
    return any(moment(one["from"]) <= at < moment(one["until"]) for one in freezes)

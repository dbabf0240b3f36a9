"""Conditions, and the first row of the table: freshness.

1. An object that is being deleted, or that no controller has spoken of, is not judged by what it says.
2. ``status.observedGeneration`` equals ``metadata.generation``. Flux says -1 there until its first success, so of
   Flux objects the condition's own ``observedGeneration`` counts instead, and has to be there.
3. A condition's ``observedGeneration``, where one is set, equals the generation.
4. Nothing has changed after the moment it was seen: then one of the two clocks is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schiff.rollout.health.reading import at, key_of, maps, named, number, one_line, text
from schiff.rollout.health.verdicts import Finding, Verdict

MAX_SKEW: Final = timedelta(seconds=120)
"""How far a server's clock may be ahead of the observer's."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of ``status.conditions``; what is missing is empty."""

    status: str
    reason: str
    message: str
    observed: int | None


def condition(live: Any, name: str) -> Condition | None:
    """Return the condition of a type; none when it is missing or there twice."""
    found = [item for item in maps(live, "status", "conditions") if text(item, "type") == name]
    if len(found) != 1:
        return None
    item = found[0]
    observed = number(item, "observedGeneration")
    return Condition(text(item, "status"), text(item, "reason"), text(item, "message"), observed)


def found(verdict: Verdict, reason: str, message: str, live: Any) -> Finding:
    """Return a finding on an object, its message on one line."""
    return Finding(verdict, reason, one_line(message), named(key_of(live)))


def says(what: str, one: Condition) -> str:
    """Return a sentence with the controller's own words, where it has any."""
    words = one.message or one.reason
    return f"{what}: {words}" if words else what


def not_there(delivered: Mapping[str, Any], live: Any) -> Iterator[Finding]:
    """Yield that the server has no such object, or gave another one."""
    key = key_of(delivered)
    if live is None:
        yield Finding(Verdict.Progressing, "NotFound", "it was delivered and is not there", named(key))
    elif key_of(live) != key:
        yield Finding(Verdict.Unknown, "NotReadable", "the server gave something else than this object", named(key))


def absent(live: Any) -> Iterator[Finding]:
    """Yield that an object is on its way out, or that no controller has written a status."""
    if at(live, "metadata", "deletionTimestamp") is not None:
        yield found(Verdict.Unhealthy, "Deleting", "the object is being deleted, though it was delivered", live)
    elif not at(live, "status"):
        yield found(Verdict.Unknown, "NotReported", "no controller has reported a status", live)


def generation_not_observed(live: Any) -> Iterator[Finding]:
    """Yield that the status speaks of another generation than the present one."""
    generation, observed = number(live, "metadata", "generation"), number(live, "status", "observedGeneration")
    if generation is None:
        yield found(Verdict.Unknown, "NotReported", "the object has no generation", live)
    elif observed != generation:
        yield _behind(live, "the status", generation, observed)


def condition_not_observed(live: Any, name: str, one: Condition, *, required: bool = False) -> Iterator[Finding]:
    """Yield that a condition speaks of another generation; `required`: that it does not say of which."""
    generation = number(live, "metadata", "generation")
    if (one.observed is not None or required) and one.observed != generation:
        yield _behind(live, f"condition {name}", generation, one.observed)


def from_the_future(live: Any, moment: datetime) -> Iterator[Finding]:
    """Yield that a condition changed after the moment at which it was seen."""
    for item in maps(live, "status", "conditions"):
        changed = _moment(text(item, "lastTransitionTime"))
        if changed is not None and changed - moment > MAX_SKEW:
            name, told = text(item, "type"), changed.strftime("%Y-%m-%dT%H:%M:%SZ")
            message = f"condition {name} changed at {told}, after it was seen: a clock is wrong"
            yield found(Verdict.Unknown, "ClockSkew", message, live)
            return


def _behind(live: Any, what: str, generation: int | None, observed: int | None) -> Finding:
    spoken = "no generation" if observed is None else f"generation {observed}"
    message = f"{what} speaks of {spoken}, the object is at generation {generation}"
    return found(Verdict.Progressing, "NotObserved", message, live)


def _moment(written: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)

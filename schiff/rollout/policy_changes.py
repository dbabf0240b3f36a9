"""In what ways a policy asks for less than the one before: each is a sentence, and somebody must agree to it.

Asking for less is: less evidence, fewer people, shorter floors; longer silence
or trouble that still counts as well; more clusters at once; a wave left out; a
freeze that goes, or covers less; more time in which something may start; no
witness. Whatever is stricter gives nothing. What cannot be compared (candidates
chosen by other labels, windows of another zone) counts as less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schiff.model.policy import EnvironmentPolicy, PolicySpec, WavesPolicy
from schiff.model.spec import Spec
from schiff.model.windows import FreezeScope, FreezeSpec, WindowSpec
from schiff.values.names import ENVIRONMENTS, Environment
from schiff.values.shares import Allowance
from schiff.values.wall_time import WEEKDAYS

_DAY = 24 * 60
_WEEK = 7 * _DAY
_LEAST = ("min_clusters", "sites", "approvals")
_LONGEST = ("max_gap", "grace", "max_skew")
_CAPS = ("site", "customer", "management_cluster")


def loosened(before: PolicySpec, after: PolicySpec, now: datetime | None = None) -> tuple[str, ...]:
    """Return every way in which `after` asks for less; freezes that were over by `now` may go."""
    return tuple(_loosened(before, after, now))


def _loosened(before: PolicySpec, after: PolicySpec, now: datetime | None) -> Iterator[str]:
    for name in ENVIRONMENTS:
        yield from _environment(name, before, after)
    old, new = before.soak, after.soak
    yield from _Field("soak.coverage", old.coverage, new.coverage).less()
    for field in _LONGEST:
        yield from _field("soak", old, new, field).more()
    yield from _Field("complete", before.complete, after.complete).less()
    yield from _Field("trains.every", before.trains.every, after.trains.every).less()
    yield from _waves(before.waves, after.waves)
    for floor in ENVIRONMENTS[:2]:
        yield from _field("hotfix.floors", before.hotfix.floors, after.hotfix.floors, floor).less()
    yield from _field("hotfix.floors", before.hotfix.floors, after.hotfix.floors, "canary").less()
    yield from _freezes(before.freezes, after.freezes, now)


@dataclass(frozen=True, slots=True)
class _Field:
    """One value of both policies, by the path people write it at."""

    path: str
    before: Any
    after: Any

    def less(self) -> Iterator[str]:
        """Give a sentence if it went down."""
        if self.after < self.before:
            yield self._sentence()

    def more(self) -> Iterator[str]:
        """Give a sentence if it went up."""
        if self.after > self.before:
            yield self._sentence()

    def allows(self) -> Iterator[str]:
        """Give a sentence if some number of clusters is allowed more of."""
        if _allows_more(self.before, self.after):
            yield self._sentence()

    def _sentence(self) -> str:
        return f"{self.path} goes from {self.before} to {self.after}"


def _field(prefix: str, before: Spec, after: Spec, name: str) -> _Field:
    alias = type(before).model_fields[name].alias or name
    return _Field(f"{prefix}.{alias}", getattr(before, name), getattr(after, name))


def _allows_more(before: Allowance, after: Allowance) -> bool:
    return max(1, after.number) > max(1, before.number) or after.percent > before.percent


def _environment(name: Environment, before: PolicySpec, after: PolicySpec) -> Iterator[str]:
    old, new, path = before.environment(name), after.environment(name), f"environments[{name}]"
    if name == ENVIRONMENTS[0]:
        yield from _Field(f"{path}.candidates.soak", before.candidates.soak, after.candidates.soak).less()
        if before.candidates.selector != after.candidates.selector:
            yield f"{path}.candidates.selector chooses other clusters"
    elif old.soak is not None and new.soak is not None:
        yield from _Field(f"{path}.soak", old.soak, new.soak).less()
    for field in _LEAST:
        yield from _field(path, old, new, field).less()
    yield from _orders(path, old, new)
    yield from _windows(path, old.windows, new.windows)
    if (old.witness, new.witness) == ("required", "optional"):
        yield f"{path}.witness goes from required to optional"


def _orders(path: str, before: EnvironmentPolicy, after: EnvironmentPolicy) -> Iterator[str]:
    if before.orders is None:
        return
    if after.orders is None:
        yield f"{path}.orders is gone, so orders have no budget"
        return
    for field in ("max_clusters", "max_machines"):
        yield from _field(f"{path}.orders", before.orders, after.orders, field).more()


def _waves(before: WavesPolicy, after: WavesPolicy) -> Iterator[str]:
    if gone := [wave for wave in before.order if wave not in after.order]:
        yield f"waves.order leaves out {', '.join(gone)}"
    for wave in sorted({*before.bake, *after.bake}):
        old, new = (policy.bake.get(wave, policy.bake["default"]) for policy in (before, after))
        yield from _Field(f"waves.bake[{wave}]", old, new).less()
    yield from _field("waves", before, after, "deadline_per_machine").more()
    yield from _field("waves", before, after, "max_unavailable").allows()
    yield from _field("waves", before, after, "max_failures").more()
    for cap in _CAPS:
        yield from _field("waves.caps", before.caps, after.caps, cap).allows()


# --- when something may start


def _windows(path: str, before: Sequence[WindowSpec], after: Sequence[WindowSpec]) -> Iterator[str]:
    if before and not after:
        yield f"{path}.windows are gone, so rollouts may start at any time"
    elif before:
        for zone in sorted({window.zone for window in after}):
            if _open_minutes(after, zone) & ~_open_minutes(before, zone):
                yield f"{path}.windows are open longer, or at other times ({zone})"


def _open_minutes(windows: Sequence[WindowSpec], zone: str) -> int:
    """Return the minutes of a week in which windows of one zone are open, as bits."""
    minutes = 0
    for window in windows:
        for day in window.days if window.zone == zone else ():
            opens = WEEKDAYS.index(day) * _DAY + window.from_.minutes
            minutes |= ((1 << window.minutes) - 1) << opens
    return (minutes | minutes >> _WEEK) & ((1 << _WEEK) - 1)


def _freezes(before: Sequence[FreezeSpec], after: Sequence[FreezeSpec], now: datetime | None) -> Iterator[str]:
    for old in before:
        over = now is not None and old.until.moment <= now
        if not over and not any(_contains(new, old) for new in after):
            yield f"the freeze from {old.from_} until {old.until} ({old.reason}) is gone, shorter or covers less"


def _contains(new: FreezeSpec, old: FreezeSpec) -> bool:
    return new.from_ <= old.from_ and old.until <= new.until and _scope_contains(new.scope, old.scope)


def _scope_contains(new: FreezeScope, old: FreezeScope) -> bool:
    return all(
        not wide or (bool(narrow) and set(narrow) <= set(wide))
        for wide, narrow in (
            (new.environment, old.environment),
            (new.site, old.site),
            (new.customer, old.customer),
            (new.cluster, old.cluster),
        )
    )

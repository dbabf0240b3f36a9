"""What holding costs: how far a cluster has fallen behind, and what that takes from it.

- *Releases behind*: those completed in `prd` after the one it runs, without revoked ones.
- *Days behind*: since the first of these was cut. That is the age of the oldest
  change it does not have, whenever it could have had it.
- *Minors behind*: of Kubernetes, to the newest of these.
- *Support*: days until upstream stops looking after its minor; negative when that is over.
- *Losing*: what the newest release no longer goes together with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from schiff.model.fleet import SharedLayers
from schiff.rollout.moments import parse_moment
from schiff.rollout.skew import skew_problem
from schiff.rollout.support import end_of_support
from schiff.rollout.way_back import Standing


@dataclass(frozen=True, slots=True)
class Debt:
    """What a held cluster owes; `machines` are those that will roll when it catches up."""

    releases: int
    days: int
    minors: int
    support_ends: date | None
    support_days: int | None
    losing: tuple[str, ...]
    machines: int

    @property
    def is_none(self) -> bool:
        """Whether it has missed nothing so far."""
        return self.releases == 0

    def as_json(self) -> dict[str, Any]:
        """Return the debt for ``--json``; what is not known is null."""
        return {
            "releasesBehind": self.releases,
            "daysBehind": self.days,
            "minorsBehind": self.minors,
            "supportEnds": None if self.support_ends is None else self.support_ends.isoformat(),
            "supportDays": self.support_days,
            "losing": list(self.losing),
            "machines": self.machines,
        }

    def sentence(self) -> str:
        """Return the debt for people."""
        if self.is_none:
            return f"behind by nothing; {self._support()}"
        behind = (
            f"{_many(self.releases, 'release')}, {_many(self.days, 'day')} and {_many(self.minors, 'minor')} behind"
        )
        loses = f"; {'; '.join(self.losing)}" if self.losing else ""
        return f"{behind}; {self._support()}{loses}; {_many(self.machines, 'machine')} will roll"

    def _support(self) -> str:
        if self.support_days is None:
            return "the end of its Kubernetes support is not known"
        if self.support_days < 0:
            return f"its Kubernetes has been without support for {_many(-self.support_days, 'day')}"
        return f"{_many(self.support_days, 'day')} to the end of its Kubernetes support"


def debt(
    standing: Standing, completed: Sequence[SharedLayers], revoked: Collection[str], now: datetime, machines: int
) -> Debt:
    """Return what a cluster owes at `now`; `completed` are the releases completed in `prd`, oldest first."""
    missed = _missed(standing, completed, revoked)
    ends = end_of_support(standing.kubernetes)
    return Debt(
        releases=len(missed),
        days=_days_since(missed[0], now) if missed else 0,
        minors=_minors(standing, missed[-1]) if missed else 0,
        support_ends=ends,
        support_days=None if ends is None else (ends - now.date()).days,
        losing=tuple(_losing(standing, missed[-1])) if missed else (),
        machines=machines if missed else 0,
    )


def _missed(standing: Standing, completed: Sequence[SharedLayers], revoked: Collection[str]) -> list[SharedLayers]:
    digests = [layers.digest for layers in completed]
    after = digests.index(standing.release) + 1 if standing.release in digests else 0
    return [layers for layers in completed[after:] if layers.digest not in revoked]


def _days_since(layers: SharedLayers, now: datetime) -> int:
    cut = layers.release.cut
    return 0 if cut is None else max(0, (now - parse_moment(cut)).days)


def _minors(standing: Standing, newest: SharedLayers) -> int:
    return max(0, newest.release.kubernetes.version.minor - standing.kubernetes.minor)


def _losing(standing: Standing, newest: SharedLayers) -> Iterator[str]:
    release = newest.release
    if message := skew_problem(release.management_plane, standing.kubernetes):
        yield f"the management plane of release {release.name} cannot look after it: {message}"
    for name, pin in sorted(release.components.items()):
        if pin.kubernetes is not None and not pin.kubernetes.contains(standing.kubernetes):
            yield f"{name} {pin.version} of release {release.name} needs Kubernetes {pin.kubernetes}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"

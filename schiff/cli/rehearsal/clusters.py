"""Simulated clusters: what they run is what was delivered, and how they are follows from when it was.

A cluster whose release or Kubernetes version changed is Progressing while its
machines are replaced, one after the other, and Healthy afterwards. Faults make
it slower, unhealthy for a while, or hide it. No API server is asked: what was
delivered is read from the manifests in the real repositories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schiff.cli.rehearsal.faults import Faults
from schiff.delivery.delivered import Line
from schiff.rollout.health import Verdict
from schiff.rollout.sights import Report, Sight
from schiff.values.names import ClusterKey

_MACHINE = timedelta(minutes=12)
_SELF = "self-definitions"


@dataclass(frozen=True, slots=True)
class Running:
    """What one cluster runs, and since when it was told to."""

    release: str
    kubernetes: str
    since: datetime
    through: datetime


@dataclass(slots=True)
class Clusters:
    """All clusters of all environments; `machines` is the size of each, tenants by key, management clusters by name."""

    machines: Mapping[str, int]
    faults: Faults
    tenants: dict[ClusterKey, Running] = field(default_factory=dict)
    managers: dict[str, Running] = field(default_factory=dict)

    def delivered(self, lines: Iterable[Line], now: datetime) -> None:
        """Take what stands delivered now; the very first delivery finds everything built."""
        for line in lines:
            if line.kind == "cluster" and not line.removal:
                key = ClusterKey.parse(line.name)
                self.tenants[key] = self._after(self.tenants.get(key), line, line.name, now)
            elif line.kind == "cluster":
                self.tenants.pop(ClusterKey.parse(line.name), None)
            elif line.path.endswith(f"/{_SELF}"):
                name = line.path.split("/", 1)[0]
                self.managers[name] = self._after(self.managers.get(name), line, name, now)

    def _after(self, before: Running | None, line: Line, name: str, now: datetime) -> Running:
        if before is None:
            return Running(line.release, line.kubernetes, now, now)
        if (before.release, before.kubernetes) == (line.release, line.kubernetes):
            return before
        takes = self.machines.get(name, 1) * _MACHINE * self.faults.slowness(name)
        return Running(line.release, line.kubernetes, now, now + takes)

    def report(self, keys: Iterable[ClusterKey], managers: Iterable[str], now: datetime) -> Report:
        """Return how clusters are now, as somebody would report who looks at their API servers."""
        return Report(
            {key: self._sight(str(key), self.tenants[key], now) for key in sorted(keys) if key in self.tenants},
            {name: self._sight(name, self.managers[name], now) for name in sorted(managers) if name in self.managers},
        )

    def _sight(self, name: str, running: Running, now: datetime) -> Sight:
        verdict, reason = self._verdict(name, running, now)
        return Sight(running.release, running.kubernetes, verdict, reason)

    def _verdict(self, name: str, running: Running, now: datetime) -> tuple[Verdict, str]:
        if self.faults.hides(name, now):
            return Verdict.Unknown, "its API server does not answer"
        if self.faults.sickens(name, now):
            return Verdict.Unhealthy, "a machine is not ready"
        if now < running.through:
            return Verdict.Progressing, "machines are being replaced"
        return Verdict.Healthy, ""

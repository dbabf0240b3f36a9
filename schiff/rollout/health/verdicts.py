"""What is said of a cluster: a verdict, a reason, the controller's own words, and the object that says so.

Only Healthy is green, so the order of the other three decides nothing but what is
shown: a failure before what could not be seen, and that before what is still
moving. Findings of equal verdict keep the order in which they were made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

Layer = Literal["capi", "flux", "tenant"]
LAYERS: tuple[Layer, ...] = ("capi", "flux", "tenant")


class Verdict(StrEnum):
    """The four words of the health table; their spelling is that of ``--json``."""

    Healthy = "Healthy"
    Progressing = "Progressing"
    Unhealthy = "Unhealthy"
    Unknown = "Unknown"


WORST_FIRST = (Verdict.Unhealthy, Verdict.Unknown, Verdict.Progressing, Verdict.Healthy)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen: `reason` is a stable word, `message` a sentence, `object` is ``Kind/namespace/name``."""

    verdict: Verdict
    reason: str
    message: str
    object: str

    def as_json(self) -> dict[str, str]:
        """Return the finding as plain data for ``--json``."""
        return {"verdict": self.verdict, "reason": self.reason, "message": self.message, "object": self.object}


@dataclass(frozen=True, slots=True)
class ClusterHealth:
    """The verdict on one cluster: that of its worst layer, with the finding that made it."""

    verdict: Verdict
    reason: str
    message: str
    object: str
    layers: Mapping[Layer, Finding]

    def as_json(self) -> dict[str, Any]:
        """Return the verdict and its three layers as plain data for ``--json``."""
        whole = Finding(self.verdict, self.reason, self.message, self.object).as_json()
        return {**whole, "layers": {layer: finding.as_json() for layer, finding in self.layers.items()}}


def worst(findings: Iterable[Finding]) -> Finding | None:
    """Return the first of the worst findings; none when there is nothing to judge."""
    return min(findings, key=_rank, default=None)


def _rank(finding: Finding) -> int:
    return WORST_FIRST.index(finding.verdict)

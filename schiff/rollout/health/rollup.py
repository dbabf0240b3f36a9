"""From clusters to customers, sites and environments: the worst verdict of each, and how many have which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from schiff.rollout.health.verdicts import WORST_FIRST, ClusterHealth, Verdict

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Counted:
    """The worst verdict of a group, and the clusters of each verdict; a group without clusters is Unknown."""

    verdict: Verdict
    clusters: Mapping[Verdict, int]

    @property
    def total(self) -> int:
        """Return how many clusters were judged."""
        return sum(self.clusters.values())

    def as_json(self) -> dict[str, object]:
        """Return verdict and numbers as plain data for ``--json``."""
        counts = {verdict.value.lower(): number for verdict, number in self.clusters.items()}
        return {"verdict": self.verdict, "total": self.total, **counts}


def counted(healths: Iterable[ClusterHealth]) -> Counted:
    """Return the worst of these; nothing to judge is not healthy."""
    verdicts = [health.verdict for health in healths]
    worst = next((verdict for verdict in WORST_FIRST if verdict in verdicts), Verdict.Unknown)
    return Counted(worst, {verdict: verdicts.count(verdict) for verdict in Verdict})


def roll_up(healths: Mapping[Key, ClusterHealth], group: Callable[[Key], str]) -> dict[str, Counted]:
    """Return the clusters counted by what `group` says of each, such as its customer, in the order of the names."""
    members: defaultdict[str, list[ClusterHealth]] = defaultdict(list)
    for key, health in healths.items():
        members[group(key)].append(health)
    return {name: counted(members[name]) for name in sorted(members)}

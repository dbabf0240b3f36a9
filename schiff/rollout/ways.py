"""The legal way of every cluster to a release; what is missing is named when it is planned, not half way.

1. Kubernetes goes up one minor at a time, and every component of the release runs on every hop.
2. What a cluster runs now may be followed by the release's components; on a management cluster by its plane too.
3. What a management cluster will run knows the Kubernetes version of each tenant: before, on the way and after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeVar

from schiff.errors import Refused
from schiff.layers.pins import unsupported
from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedEnvironment
from schiff.rollout.listing import few
from schiff.rollout.skew import component_hop_problems, hops, plane_hop_problems, skew_problem
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

Way = tuple[KubernetesVersion, ...]
_K = TypeVar("_K", ClusterKey, str)


class WayFinder:
    """Finds the ways of many clusters, and remembers those that start alike."""

    def __init__(self, fleet: Fleet, release: SharedLayers) -> None:
        self._fleet = fleet
        self._release = release
        self._problems: dict[str, list[str]] = defaultdict(list)
        self._way = cache(self._way_from)

    def ways(self, starts: Mapping[_K, Assignment], *, management: bool = False) -> dict[_K, Way]:
        """Return the hops of each; one that has none gets no hops, and `require` says why."""
        ways: dict[_K, Way] = {}
        for name, start in starts.items():
            ways[name], problems = self._way(start, management)
            for problem in problems:
                self._problems[problem].append(str(name))
        return ways

    def _way_from(self, start: Assignment, management: bool) -> tuple[Way, tuple[str, ...]]:
        before, after = self._fleet.layers_of(start.release).release, self._release.release
        problems = list(component_hop_problems(before, after))
        if management:
            problems += plane_hop_problems(before.management_plane, after.management_plane)
        try:
            way = hops(start.kubernetes, after)
        except Refused as refused:
            return (), (str(refused), *problems)
        if management:
            capi = after.management_plane.capi
            problems += [said for version in way if (said := unsupported(version, capi, management=True))]
        return way, tuple(problems)

    def look_after(self, resolved: ResolvedEnvironment, versions: Mapping[ClusterKey, Way]) -> None:
        """Note every tenant that its management cluster would not know at one of these versions."""
        for key, way in versions.items():
            manager = resolved.tenants[key].management.name
            plane = resolved.management_clusters[manager].layers.release.management_plane
            for version in way:
                if problem := skew_problem(plane, version):
                    self._problems[f"management cluster {manager}: {problem}"].append(str(key))

    def require(self) -> None:
        """Raise `Refused` with everything that was found, and the clusters it concerns."""
        if self._problems:
            raise Refused("; ".join(self._sentences()), "no-path")

    def _sentences(self) -> Iterator[str]:
        for problem, names in sorted(self._problems.items()):
            yield f"{few(names)}: {problem}"

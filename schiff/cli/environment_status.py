"""How the clusters of an environment are: what was delivered, what their servers say, and the verdict on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lightkube.config.kubeconfig import SingleConfig

from schiff.cli.delivered_before import stacks_of
from schiff.cli.project import Project
from schiff.delivery.api_server import kubeconfig_file, read_context
from schiff.delivery.commit_trees import trees_of
from schiff.delivery.expected_clusters import ExpectedCluster, cluster_names, expected_clusters
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.stack import StackSettings
from schiff.delivery.workspace import is_embedded
from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.git.clone import CachedClone
from schiff.manifests.flux import COMPONENTS, DEFINITIONS
from schiff.model.fleet import Fleet
from schiff.rollout.health import (
    ClusterHealth,
    Finding,
    Observation,
    Seen,
    Verdict,
    cluster_health,
    commits_named,
)
from schiff.rollout.health.rollup import Counted, counted, roll_up
from schiff.rollout.moments import format_moment
from schiff.sources.cluster_status import Access, Look, Subject, look_at
from schiff.values.names import Environment

News = Callable[[str], None]
_REASONS = {"no-kubeconfig": "KubeconfigMissing", "no-context": "ContextUnknown"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One cluster with its verdict."""

    cluster: ExpectedCluster
    health: ClusterHealth

    @property
    def name(self) -> str:
        """``<site>/<cluster>``, or a management cluster's name."""
        return self.cluster.expected.cluster

    def as_json(self) -> dict[str, Any]:
        """Return the entry as plain data for ``--json``."""
        return {
            "name": self.name,
            "customer": self.cluster.customer,
            "site": self.cluster.site,
            "managementCluster": self.cluster.management,
            "kind": "managementCluster" if self.cluster.is_management else "tenant",
            **self.health.as_json(),
        }


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """All clusters of an environment at one moment.

    `ahead` is how far the clock of a management cluster is before this machine's: of several the one that is
    furthest away; None where nobody told a time.
    """

    environment: Environment
    entries: tuple[Entry, ...]
    at: datetime
    ahead: timedelta | None = None

    @property
    def whole(self) -> Counted:
        """The worst verdict, and how many clusters have which."""
        return counted(entry.health for entry in self.entries)

    def by(self, group: Callable[[ExpectedCluster], str]) -> dict[str, Counted]:
        """Return the clusters counted by what `group` says of each."""
        clusters = {entry.name: entry.cluster for entry in self.entries}
        return roll_up({entry.name: entry.health for entry in self.entries}, lambda name: group(clusters[name]))

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data for ``--json``."""
        customers, sites = self.by(lambda one: one.customer), self.by(lambda one: one.site)
        whole = self.whole.as_json()
        return {
            "environment": self.environment,
            "verdict": whole.pop("verdict"),
            "clusters": [entry.as_json() for entry in self.entries],
            "customers": {name: group.as_json() for name, group in customers.items()},
            "sites": {name: group.as_json() for name, group in sites.items()},
            "counts": whole,
            "at": format_moment(self.at),
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of each look: one cluster or all, by which account, how long each server may take."""

    cluster: str = ""
    admin: bool = False
    seconds: float = 20.0

    @property
    def purpose(self) -> str:
        """The end of the name of the secret with a tenant's kubeconfig."""
        return "kubeconfig" if self.admin else "status"


def environment_status(
    project: Project, fleet: Fleet, environment: Environment, wanted: Wanted, news: News
) -> EnvironmentStatus:
    """Look once at an environment."""
    news("reading what was delivered")
    stacks = [_Stack.of(project, str(name), settings) for name, settings in stacks_of(project, environment)]
    _require_known(stacks, wanted.cluster)
    entries: list[Entry] = []
    clocks: list[timedelta] = []
    for stack in stacks:
        clusters = stack.clusters(environment, wanted.cluster)
        access = Access(
            {name: stack.context(fleet, name) for name in sorted({one.management for one in clusters})},
            wanted.purpose,
            wanted.seconds,
        )
        looks = look_at([Subject(one.expected, one.management) for one in clusters], access, news)
        clocks += [one.ahead for one in looks.values() if one.ahead is not None]
        entries += stack.judged(clusters, looks)
    ordered = sorted(entries, key=lambda one: (one.cluster.site, one.cluster.customer, one.name))
    return EnvironmentStatus(environment, tuple(ordered), datetime.now(UTC), max(clocks, key=abs, default=None))


@dataclass(frozen=True, slots=True)
class _Stack:
    """What one stack delivered to both repositories, as it stands there now."""

    definitions: Snapshot
    components: Snapshot
    kubeconfig: str
    root: Path

    @classmethod
    def of(cls, project: Project, name: str, settings: StackSettings) -> _Stack:
        """Read the manifests at the heads of both branches."""
        places = (settings.definitions, settings.components)
        definitions, components = (_snapshot(project, place, settings.branch, name) for place in places)
        return cls(definitions, components, settings.kubeconfig, project.root)

    def context(self, fleet: Fleet, name: str) -> SingleConfig | Finding:
        """Return what leads to a management cluster, or why nothing does."""
        management = fleet.management_clusters.get(name)
        if management is None:
            message = f"the fleet has no management cluster {name} any more, which would say how it is reached"
            return Finding(Verdict.Unknown, "ContextUnknown", message, name)
        context = management.spec.facts.api_context
        try:
            return read_context(kubeconfig_file(self.kubeconfig, self.root), context)
        except Refused as error:
            reason = _REASONS.get(error.code, "KubeconfigInvalid")
            return Finding(Verdict.Unknown, reason, str(error), f"Context/{context}")

    def clusters(self, environment: Environment, only: str) -> list[ExpectedCluster]:
        """Return what was delivered."""
        return expected_clusters(self.definitions, self.components, environment, only)

    def names(self) -> tuple[str, ...]:
        """Return the names of all clusters."""
        return cluster_names(self.definitions, self.components)

    def judged(self, clusters: Sequence[ExpectedCluster], looks: Mapping[str, Look]) -> Iterator[Entry]:
        """Return the verdict on each cluster, with the trees of every commit that its Flux reports."""
        seen = {one.expected.cluster: _as_delivered(one, looks[one.expected.cluster]) for one in clusters}
        named = {
            one.expected.cluster: commits_named(
                one.expected, seen[one.expected.cluster].management, seen[one.expected.cluster].tenant
            )
            for one in clusters
        }
        clones = {DEFINITIONS: self.definitions.clone, COMPONENTS: self.components.clone}
        trees = trees_of(clones, {each for asked in named.values() for each in asked})
        now = datetime.now(UTC)
        for one in clusters:
            sides = seen[one.expected.cluster]
            found = {each: trees[each] for each in named[one.expected.cluster] if each in trees}
            observation = Observation(sides.management, sides.tenant, found, now)
            yield Entry(one, cluster_health(one.expected, observation))


def _as_delivered(cluster: ExpectedCluster, sides: Look) -> Look:
    """Return what was seen, or why it can be held against nothing."""
    if not cluster.edited:
        return sides
    message = "its folder is not the one that was delivered: somebody else changed it; schiff preview shows it"
    trouble = Finding(Verdict.Unknown, "EditedByOthers", message, cluster.expected.cluster)
    return Look(Seen(trouble=trouble), Seen(trouble=trouble))


def _snapshot(project: Project, setting: str, branch: str, stack: str) -> Snapshot:
    """Return what stands in a repository; an embedded one that was never delivered to has nothing."""
    url = project.workspace.place(setting)
    clone = CachedClone(url, branch, project.workspace.cache)
    if is_embedded(setting) and not (Path(url) / "HEAD").is_file():
        return Snapshot(clone, stack, None, {})
    clone.refresh()
    return look(clone, stack)


def _require_known(stacks: Sequence[_Stack], cluster: str) -> None:
    known = sorted({name for stack in stacks for name in stack.names()})
    if cluster and cluster not in known:
        cure = f"name one of {', '.join(known)}" if known else "nothing was delivered to it yet: schiff up comes first"
        message = f"{cluster!r} is not a delivered cluster of the environment"
        raise InvalidInput([Problem(Place("--cluster"), "", message, cure)])

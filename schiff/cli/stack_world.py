"""The real world of a run of steps: the stacks of an environment, the engine, and living clusters."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from schiff.cli import clock
from schiff.cli.actor import actor
from schiff.cli.chains import chain_place, seen_by_deliveries
from schiff.cli.engine import Engine
from schiff.cli.environment_status import EnvironmentStatus, Wanted, environment_status
from schiff.cli.ledger_branches import LedgerBranches
from schiff.cli.project import Project
from schiff.cli.terminal import Progress, warn
from schiff.cli.up import deliver
from schiff.delivery.delivered import DeliveredManifest, Line
from schiff.delivery.release_branch import bring_release, proposed_releases, uncommitted_releases
from schiff.delivery.release_folder import write_release
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.workspace import is_embedded
from schiff.errors import Waiting
from schiff.git.clone import CachedClone
from schiff.model.fleet import Fleet
from schiff.rollout.entry import Entry
from schiff.rollout.health.removal import REACHED
from schiff.rollout.ledger import Ledger
from schiff.rollout.release import free_name, freeze
from schiff.rollout.sights import Report, Sight
from schiff.rollout.situation import Append, Look, Through
from schiff.sources.chains import Anchors, Chains, up_to
from schiff.sources.fleet_authors import authors_of
from schiff.sources.fleet_commit import fleet_commit
from schiff.sources.fleet_files import load_fleet, read_folder
from schiff.sources.program import running_program
from schiff.values.digests import digest, digest_of_bytes
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment


@dataclass(slots=True)
class StackWorld:
    """What `schiff step` sees and does for one environment; `show` hears what takes long."""

    project: Project
    environment: Environment
    branches: LedgerBranches
    show: Progress
    _authors: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project, environment: Environment, show: Progress) -> StackWorld:
        """Return the world of the project that a command works in."""
        project.stacks(environment)
        seen = seen_by_deliveries(up_to(environment))
        branches = branches_of(environment, {name: one.heads for name, one in seen.items()})
        return cls(project, environment, branches, show)

    @property
    def folder(self) -> Path:
        """The fleet's folder."""
        return self.branches.places[self.environment].fleet

    def now(self) -> datetime:
        """Return the moment by this machine's clock."""
        return clock.now()

    def fleet(self) -> Fleet:
        """Read the fleet; a release that was cut and not committed is none yet."""
        fleet = load_fleet(self.folder)
        waiting = uncommitted_releases(self.folder)
        known = {name: layers for name, layers in fleet.releases.items() if layers.release.name not in waiting}
        return replace(fleet, releases=known)

    def authors(self, release: str) -> tuple[str, ...]:
        """Return who changed the folder of a release lately."""
        if release not in self._authors:
            self._authors[release] = tuple(sorted(authors_of(self.folder, [f"releases/{release}"])))
        return self._authors[release]

    def chains(self, environment: Environment, fleet: Fleet) -> Chains:
        """Read the chains; what a run that was killed did not tell the witness is put now."""
        return self.branches.read_witnessed(environment, fleet)

    def entry(self, ledger: Ledger, step: Append, at: datetime) -> Entry:
        """Return the entry that would be written."""
        return self.branches.entry(ledger, step, at)

    def append(self, ledger: Ledger, step: Append, at: datetime) -> Entry | None:
        """Write one entry."""
        return self.branches.append(ledger, step, at)

    def delivered(self, environment: Environment) -> Sequence[DeliveredManifest | None]:
        """Return what every stack delivered to both repositories."""
        return [snapshot.manifest if snapshot else None for snapshot in self._snapshots(environment)]

    def deliver(self, environment: Environment) -> None:
        """Do what `schiff up` does."""
        engine = Engine(self.project, {})
        for number, stack in enumerate(self.project.stacks(environment)):
            deliver(self.project, engine, stack, self.show, is_first=number == 0)

    def look(self, environment: Environment, fleet: Fleet) -> Look:
        """Look at every delivered cluster, and at the clocks of their management clusters."""
        status = environment_status(self.project, fleet, environment, Wanted(), self.show)
        at = status.at.replace(microsecond=0)
        report = report_of(status)
        server = None if status.ahead is None else at + status.ahead
        return Look(at, server, report, self._plane(environment, fleet), _removed(status, report))

    def cut(self) -> str:
        """Cut a release and bring it to the branch."""
        fleet, moment, program = load_fleet(self.folder), self.now(), running_program()
        if proposed := sorted(name for name in proposed_releases(self.folder) if fleet.release_named(name) is None):
            raise Waiting(f"release {', '.join(proposed)} waits to be merged", "no-release")
        if waiting := sorted(uncommitted_releases(self.folder)):
            paths = " ".join(str(self.folder / "releases" / name) for name in waiting)
            raise Waiting(f"release {', '.join(waiting)} is cut and not committed: git add {paths}", "no-release")
        name = free_name(fleet, moment, hotfix=False)
        texts = read_folder(self.folder).texts
        files = freeze(fleet, name, cut=moment, schiff=program.version, texts=texts, wheel=program.wheel)
        write_release(self.folder, name, files)
        bring_release(self.folder, name)
        return name

    def _snapshots(self, environment: Environment) -> Iterator[Snapshot | None]:
        workspace = self.project.workspace
        for stack in self.project.stacks(environment):
            settings = self.project.settings(stack)
            for setting in (settings.definitions, settings.components):
                url = workspace.place(setting)
                if is_embedded(setting) and not (Path(url) / "HEAD").is_file():
                    yield None
                    continue
                clone = CachedClone(url, settings.branch, workspace.cache)
                clone.refresh()
                yield look(clone, str(stack))

    def _plane(self, environment: Environment, fleet: Fleet) -> str:
        manifests = [
            manifest
            for snapshot in self._snapshots(environment)
            if snapshot is not None
            for manifest in snapshot.manifests.values()
        ]
        return plane_of(environment, fleet, [line for manifest in manifests for line in manifest.lines])


def branches_of(environment: Environment, anchors: Anchors | None = None) -> LedgerBranches:
    """Return the ledgers of the current project, with the heads that deliveries saw."""
    places = {name: chain_place(name) for name in ENVIRONMENTS}
    chosen, cache = places[environment]
    return LedgerBranches(
        {name: place for name, (place, _) in places.items()},
        cache,
        actor(os.environ),
        clock.now,
        lambda: fleet_commit(chosen.fleet) or "none",
        anchors or {},
        warn,
    )


def report_of(status: EnvironmentStatus) -> Report:
    """Return what was seen of each cluster, on what it was delivered with."""
    sights = {
        entry.name: Sight(
            entry.cluster.expected.release, entry.cluster.expected.kubernetes, entry.health.verdict, entry.health.reason
        )
        for entry in status.entries
    }
    managers = {entry.name for entry in status.entries if entry.cluster.is_management}
    return Report(
        {ClusterKey.parse(name): sight for name, sight in sights.items() if name not in managers},
        {name: sight for name, sight in sights.items() if name in managers},
    )


def plane_of(environment: Environment, fleet: Fleet, lines: Sequence[Line]) -> str:
    """Return the digest of what the management clusters of an environment run, as it stands delivered.

    A list, a site object or a size is none of it: evidence does not begin anew for those.
    """
    runs = {line.path.partition("/")[0]: line for line in lines if line.path.endswith("/self-definitions")}
    serving = [name for name, one in fleet.management_clusters.items() if environment in one.spec.environments]
    return digest({name: _running(fleet, runs.get(name)) for name in sorted(serving)})


def _running(fleet: Fleet, line: Line | None) -> Mapping[str, object]:
    if line is None:
        return {}
    layers = fleet.releases.get(line.release)
    plane = layers.release.management_plane.as_document() if layers is not None else line.release
    return {"managementPlane": plane, "kubernetes": line.kubernetes}


def _removed(status: EnvironmentStatus, report: Report) -> Mapping[ClusterKey, Through]:
    """Return the clusters whose state of removal was seen to be reached."""
    content = digest_of_bytes(report.to_bytes())
    return {
        ClusterKey.parse(entry.name): Through(entry.cluster.expected.removal, content)  # type: ignore[arg-type]
        for entry in status.entries
        if entry.cluster.expected.removal and entry.health.reason == REACHED
    }

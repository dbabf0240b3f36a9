"""Reading a fleet and a ledger for commands that deliver nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schiff.cli.project import Project, parse_environment
from schiff.delivery.stack import StackSettings
from schiff.delivery.workspace import Workspace
from schiff.errors import Refused
from schiff.model.fleet import Fleet
from schiff.model.release import Assignments
from schiff.rollout.assignments import assignments
from schiff.rollout.genesis import with_genesis
from schiff.sources.fleet_files import load_fleet
from schiff.sources.ledger_branch import read_ledger
from schiff.sources.other_versions import OtherVersions


@dataclass(frozen=True, slots=True)
class Reading:
    """A fleet, and where its ledger is. Outside a project the embedded ledger of the current folder is meant."""

    fleet: Fleet
    settings: StackSettings
    workspace: Workspace

    @classmethod
    def of(cls, environment: str, fleet: Path | None, ledger: str) -> Reading:
        """Read the fleet of an environment; options win over the stack's settings."""
        workspace, settings = settings_of(environment, ledger)
        return cls(load_fleet(fleet or workspace.root / settings.fleet), settings, workspace)

    @property
    def versions(self) -> OtherVersions:
        """The other versions of schiff that compile what runs on their releases."""
        return versions_in(self.workspace, self.settings)

    def assigned(self, environment: str) -> tuple[Assignments, bool]:
        """Return what the clusters of an environment run, and whether a ledger says so or only its beginning would."""
        chosen = parse_environment(environment)
        ledger = read_ledger(self.workspace.place(self.settings.ledger), chosen, self.workspace.cache)
        return assignments(with_genesis(ledger, self.fleet), self.fleet, chosen), ledger.head is not None


def versions_in(workspace: Workspace, settings: StackSettings) -> OtherVersions:
    """Return where other versions of schiff are, and where their wheels come from."""
    return OtherVersions(workspace.programs, (workspace.root / settings.versions).absolute(), workspace.cache)


def settings_of(environment: str, ledger: str = "") -> tuple[Workspace, StackSettings]:
    """Return where a command works and what its stack says; a ledger named by option wins."""
    workspace, settings = _project(environment)
    if ledger:
        settings = StackSettings.parse({**_as_given(settings), "ledger": ledger}, "--ledger")
    return workspace, settings


def _project(environment: str) -> tuple[Workspace, StackSettings]:
    try:
        project = Project.here()
        settings = project.settings(project.stacks(parse_environment(environment))[0])
    except Refused:
        return Workspace(Path.cwd()), StackSettings.parse({}, "defaults")
    return project.workspace, settings


def _as_given(settings: StackSettings) -> dict[str, str]:
    return {name: getattr(settings, name) for name in StackSettings.names()}

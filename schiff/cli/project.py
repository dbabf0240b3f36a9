"""The Pulumi project a command works in: its stacks, their settings, the environment the engine runs in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from schiff.cli.stand_in import stand_in_for
from schiff.delivery.stack import StackName, StackSettings
from schiff.delivery.stack_files import read_settings, stacks_of
from schiff.delivery.workspace import Workspace, find_workspace
from schiff.errors import InvalidInput, Place, Problem, Refused
from schiff.values.names import ENVIRONMENTS, Environment

PASSPHRASE = "schiff"  # noqa: S105 -- what the committed salts belong to; no stack of the project holds a secret

ENGINE_DEFAULTS = {
    "PULUMI_SKIP_CHECKPOINTS": "true",
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
}


_EMBEDDED = "/.schiff/state"


@dataclass(frozen=True, slots=True)
class Project:
    """The nearest Pulumi project."""

    workspace: Workspace
    is_stand_in: bool = False

    @classmethod
    def here(cls) -> Project:
        """Return the project of the current folder, or the one that stands in for it and says so."""
        workspace = find_workspace(Path.cwd())
        other = stand_in_for(workspace.root)
        if other is None:
            return cls(workspace)
        _say_where(other)
        return cls(Workspace(other), is_stand_in=True)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.workspace.root

    def stacks(self, environment: Environment) -> tuple[StackName, ...]:
        """Return the stacks of an environment that have settings; raises `Refused` when there is none."""
        found = stacks_of(self.root, environment)
        if not found:
            raise Refused(f"{self.root} has no settings for {environment}: Pulumi.{environment}.yaml", "no-stack")
        return found

    def settings(self, stack: StackName) -> StackSettings:
        """Return the settings of a stack."""
        return read_settings(self.root, stack)

    def engine_environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the variables the engine runs with: what is set already stays, the rest is the embedded default.

        Two states are never mixed. What a shell set for Pulumi belongs to the project it works in, not to one that
        stands in for it. A state embedded in another checkout, whose ``.schiff/env`` a shell has read, is that one's.
        """
        if self.is_stand_in:
            given = {name: value for name, value in given.items() if not name.startswith("PULUMI_")}
        own = self.root / ".schiff"
        defaults = {**ENGINE_DEFAULTS, "PULUMI_BACKEND_URL": f"file://{self.root}{_EMBEDDED}"}
        if (own / "pulumi-home").is_dir():
            defaults["PULUMI_HOME"] = str(own / "pulumi-home")
        if not given.keys() & {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"}:
            defaults["PULUMI_CONFIG_PASSPHRASE"] = PASSPHRASE
        chosen = {name: given.get(name) or value for name, value in defaults.items()}
        if chosen["PULUMI_BACKEND_URL"].startswith("file://") and chosen["PULUMI_BACKEND_URL"].endswith(_EMBEDDED):
            chosen["PULUMI_BACKEND_URL"] = defaults["PULUMI_BACKEND_URL"]
        path = [str(Path(sys.executable).parent), given.get("PATH", os.defpath), str(self.root / "build" / "bin")]
        return {**chosen, "PATH": os.pathsep.join(path)}


@cache
def _say_where(folder: Path) -> None:
    """Say once a run that a command works elsewhere than where it was typed."""
    print(f"in {os.path.relpath(folder)}, which stands in for this project while it runs", file=sys.stderr)


def search_path() -> str | None:
    """Return where programs are looked for: ``PATH``, and what the project of the current folder built itself."""
    try:
        return Project.here().engine_environment(os.environ)["PATH"]
    except Refused:
        return None


def parse_environment(text: str) -> Environment:
    """Return the environment an option names; raises `InvalidInput`."""
    for environment in ENVIRONMENTS:
        if text == environment:
            return environment
    message = f"{text!r} is not an environment" if text else "no environment is named"
    raise InvalidInput([Problem(Place("--environment"), "", message, f"name one of {', '.join(ENVIRONMENTS)}")])

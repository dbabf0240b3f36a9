"""The project of a rehearsal: a folder of its own with a copy of the fleet, three stacks and everything embedded."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from schiff.cli.project import Project
from schiff.cli.rehearsal.bucket import KEYS
from schiff.delivery.wishes import REHEARSAL
from schiff.delivery.workspace import CACHE_VARIABLE, Workspace
from schiff.git.process import run_git
from schiff.rollout.moments import format_moment
from schiff.sources.approvals import FILE, rehearsal_file
from schiff.values.names import ENVIRONMENTS

_PROGRAM = '''\
"""One program for every stack: its name chooses the environment."""

from schiff.resources.program import run

run()
'''
_PROJECT = """\
name: schiff
description: a rehearsal
main: stacks/
runtime: {name: python, options: {virtualenv: .venv}}
plugins: {providers: [{name: schiff, path: .schiff/plugin}]}
"""
_PLUGIN = """\
#!{python}
from schiff.cli.rehearsal.plugin import main

main()
"""
_IGNORED = ".schiff/\n.venv\nbuild\n__pycache__/\n"
_AUTHOR = ("lena", "lena@rehearsal.example")


@dataclass(frozen=True, slots=True)
class RehearsalProject:
    """The folder, and what is committed to it."""

    root: Path

    @property
    def fleet(self) -> Path:
        """The copy of the fleet, which the people of the story edit."""
        return self.root / "stacks" / "fleet"

    @property
    def project(self) -> Project:
        """The project for the engine; nothing that a shell set for Pulumi is meant for it."""
        return Project(Workspace(self.root), is_stand_in=True)

    def commit(self, message: str, now: datetime) -> str:
        """Commit the checkout as it stands, at a simulated moment, and return the commit."""
        name, address = _AUTHOR
        who = ("-c", f"user.name={name}", "-c", f"user.email={address}", "-c", "commit.gpgSign=false")
        moment = format_moment(now)
        with patch.dict(os.environ, {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}):
            run_git("-C", str(self.root), "add", "--all")
            run_git("-C", str(self.root), *who, "commit", "--quiet", "--allow-empty", "-m", message)
        return run_git("-C", str(self.root), "rev-parse", "HEAD").decode().strip()


@contextmanager
def rehearsal_project(fleet: Path, origin: Project | None) -> Iterator[RehearsalProject]:
    """Make the project around a copy of a fleet, and take it away again.

    `origin` is the project that the command is run in: what it built of the
    engine is used from there.
    """
    with TemporaryDirectory(prefix="schiff-rehearsal-") as name:
        root = Path(name).resolve()
        shutil.copytree(fleet, root / "stacks" / "fleet")
        (root / "stacks" / "fleet" / FILE).write_bytes(rehearsal_file(FILE))
        _write(root)
        _lend(root, origin)
        variables = {**KEYS, REHEARSAL: "1", CACHE_VARIABLE: str(root / ".schiff" / "cache")}
        with patch.dict(os.environ, variables):
            run_git("-C", str(root), "init", "--quiet", "--template=", "-b", "main")
            yield RehearsalProject(root)


def name_witness(project: RehearsalProject, setting: str) -> None:
    """Write the settings of the three stacks."""
    for environment in ENVIRONMENTS:
        file = project.root / f"Pulumi.{environment}.yaml"
        file.write_text(f'config:\n  schiff:witness: "{setting}"\n', encoding="utf-8")


def _write(root: Path) -> None:
    plugin = root / ".schiff" / "plugin" / "pulumi-resource-schiff"
    plugin.parent.mkdir(parents=True)
    for file, text in (
        (root / "Pulumi.yaml", _PROJECT),
        (root / ".gitignore", f"{_IGNORED}Pulumi.*.yaml\n"),
        (root / "stacks" / "__main__.py", _PROGRAM),
        (plugin, _PLUGIN.format(python=sys.executable)),
    ):
        file.write_text(text, encoding="utf-8")
    plugin.chmod(0o755)
    (root / ".venv").symlink_to(Path(sys.executable).parent.parent)


def _lend(root: Path, origin: Project | None) -> None:
    """Let the engine find its program and its plugins where the project that the command is run in has them.

    The home is a new one with a plain file called ``logs``, which keeps the
    engine from writing its own: they cost it two fifths of its time.
    """
    home = root / ".schiff" / "pulumi-home"
    home.mkdir()
    (home / "logs").touch()
    given = os.environ.get("PULUMI_HOME")
    own = origin.root / ".schiff" / "pulumi-home" if origin is not None else Path()
    plugins = (Path(given) if given else own if own.is_dir() else Path.home() / ".pulumi") / "plugins"
    if plugins.is_dir():
        (home / "plugins").symlink_to(plugins.resolve())
    if origin is not None and (origin.root / "build").is_dir():
        (root / "build").symlink_to((origin.root / "build").resolve())

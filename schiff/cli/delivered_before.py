"""What the stacks of an environment delivered before, read from the repositories that their settings name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schiff.cli.project import Project
from schiff.delivery.delivered_files import delivered_files
from schiff.delivery.stack import StackName, StackSettings
from schiff.delivery.workspace import is_embedded
from schiff.errors import Failed, Refused
from schiff.values.names import Environment


def stacks_of(project: Project, environment: Environment) -> Iterator[tuple[StackName, StackSettings]]:
    """Yield the stacks of an environment that have settings."""
    try:
        stacks = project.stacks(environment)
    except Refused:
        return
    for name in stacks:
        yield name, project.settings(name)


def delivered_before(project: Project, environment: Environment) -> dict[str, bytes] | None:
    """Return what stands delivered, by ``<repository>/<path>``; None when nothing does, or nothing can be read."""
    found: dict[str, bytes] = {}
    seen = False
    for name, settings in stacks_of(project, environment):
        for repository, setting in (("definitions", settings.definitions), ("components", settings.components)):
            files = _files(project, setting, settings.branch, str(name))
            seen = seen or files is not None
            found.update({f"cluster-{repository}/{path}": content for path, content in (files or {}).items()})
    return found if seen else None


def _files(project: Project, setting: str, branch: str, stack: str) -> dict[str, bytes] | None:
    url = project.workspace.place(setting)
    if is_embedded(setting) and not (Path(url) / "HEAD").is_file():
        return None
    try:
        return delivered_files(url, branch, stack, project.workspace.cache)
    except Failed:
        return None

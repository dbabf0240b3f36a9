"""What the stacks of an environment delivered before, read from the repositories that their settings name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from schiff.delivery.delivered_files import delivered_files
from schiff.delivery.stack import StackName, StackSettings
from schiff.delivery.workspace import Workspace, is_embedded
from schiff.errors import Failed, InvalidInput, InvalidValue, Place, Problem

_PREFIX = "schiff:"


def stacks_of(workspace: Workspace, environment: str) -> Iterator[tuple[StackName, StackSettings]]:
    """Yield the stacks of an environment that have a settings file, sorted by name."""
    for path in sorted(workspace.root.glob("Pulumi.*.yaml")):
        try:
            name = StackName.parse(path.name.removeprefix("Pulumi.").removesuffix(".yaml"))
        except InvalidValue:
            continue
        if name.environment == environment:
            yield name, StackSettings.parse(_settings(path), path.name)


def delivered_before(workspace: Workspace, environment: str) -> dict[str, bytes] | None:
    """Return what stands delivered, by ``<repository>/<path>``; None when nothing does, or nothing can be read."""
    found: dict[str, bytes] = {}
    seen = False
    for name, settings in stacks_of(workspace, environment):
        for repository, setting in (("definitions", settings.definitions), ("components", settings.components)):
            files = _files(workspace, setting, settings.branch, str(name))
            seen = seen or files is not None
            found.update({f"cluster-{repository}/{path}": content for path, content in (files or {}).items()})
    return found if seen else None


def _files(workspace: Workspace, setting: str, branch: str, stack: str) -> dict[str, bytes] | None:
    url = workspace.place(setting)
    if is_embedded(setting) and not (Path(url) / "HEAD").is_file():
        return None
    try:
        return delivered_files(url, branch, stack, workspace.cache)
    except Failed:
        return None


def _settings(path: Path) -> Mapping[str, str]:
    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError):
        message = "cannot be read as the settings of a stack"
        raise InvalidInput([Problem(Place(path.name), "", message, "write valid YAML")]) from None
    config = data.get("config") if isinstance(data, dict) else None
    given = config if isinstance(config, dict) else {}
    return {key.removeprefix(_PREFIX): str(value) for key, value in given.items() if str(key).startswith(_PREFIX)}

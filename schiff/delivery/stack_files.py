"""The files ``Pulumi.<stack>.yaml`` of a project: which stacks it has, and what each says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schiff.delivery.stack import StackName, StackSettings
from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.yaml_documents import read_document
from schiff.values.names import Environment


def stacks_of(root: Path, environment: Environment) -> tuple[StackName, ...]:
    """Return the stacks of an environment that have settings: the environment's own, or its shards."""
    files = [_file(root, environment), *sorted(root.glob(f"Pulumi.{environment}-*.yaml"))]
    return tuple(StackName.parse(file.name[len("Pulumi.") : -len(".yaml")]) for file in files if file.is_file())


def read_settings(root: Path, stack: StackName) -> StackSettings:
    """Return the settings of a stack; raises `InvalidInput` with every problem."""
    file = _file(root, str(stack))
    config = read_document(_content(file), file.name).data.get("config") or {}
    if not isinstance(config, Mapping):
        raise InvalidInput([Problem(Place(file.name), "config", "is not a map", "write one setting a line")])
    given = {key.removeprefix("schiff:"): str(value) for key, value in config.items() if key[:7] == "schiff:"}
    return StackSettings.parse(given, file.name)


def _file(root: Path, stack: str) -> Path:
    return root / f"Pulumi.{stack}.yaml"


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput([Problem(Place(file.name), "", f"cannot be read: {error.strerror}", "mend it")]) from error

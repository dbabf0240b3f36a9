"""Infrastructures and components that installed packages offer, found by entry point.

The groups are ``schiff.providers`` and ``schiff.components``; the name of an
entry point is the name that sites and releases use. What comes with schiff is
found the same way.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from schiff.compiler.parts import Parts
from schiff.errors import Failed

PROVIDERS = "schiff.providers"
COMPONENTS = "schiff.components"


def load_parts() -> Parts:
    """Return everything that is installed; raises `Failed` for a part that cannot be loaded or is offered twice."""
    return Parts(providers=_load(PROVIDERS), components=_load(COMPONENTS))


def _load(group: str) -> dict[str, Any]:
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=group), key=lambda each: (each.name, each.value)):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise Failed(
                f"{entry.name} is offered twice in {group}: {other.value} and {entry.value}; remove one package"
            )
    return {name: _loaded(entry) for name, entry in found.items()}


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise Failed(f"{entry.name} of {entry.group} cannot be loaded from {entry.value}: {error}") from error

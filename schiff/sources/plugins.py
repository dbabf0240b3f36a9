"""Infrastructures and components: schiff's own, and those that installed packages offer by entry point.

The groups are ``schiff.providers`` and ``schiff.components``; the name of an
entry point is the name that sites and releases use. A component of schiff's own
is a module of ``schiff.components`` with a `COMPONENT`, so adding one touches
no other file.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from typing import Any

import schiff.components
from schiff.compiler.parts import Parts
from schiff.components.protocol import Component
from schiff.errors import Failed

PROVIDERS = "schiff.providers"
COMPONENTS = "schiff.components"


def load_parts() -> Parts:
    """Return everything that is installed; raises `Failed` for a part that cannot be loaded or is offered twice."""
    own, others = own_components(), _load(COMPONENTS)
    if taken := sorted(name for name in own.keys() & others.keys() if own[name] is not others[name]):
        raise Failed(f"{taken[0]} comes with schiff, and another package offers it too; remove that package")
    return Parts(providers=_load(PROVIDERS), components={**own, **others})


@cache
def own_components() -> dict[str, Component]:
    """Return the components that come with schiff, by name."""
    names = (module.name for module in iter_modules(schiff.components.__path__, "schiff.components."))
    found = (getattr(import_module(name), "COMPONENT", None) for name in names)
    return {component.name: component for component in found if component is not None}


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

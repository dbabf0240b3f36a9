"""What changes between two releases: versions, images, and the shared layers value by value.

Releases are compared as data, so comments, order and white space are no change.
A list is one value, as it is for layers; a value that is `null` is another than
one that is absent, because `null` removes what an earlier layer wrote.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from schiff.model.fleet import SharedLayers
from schiff.model.spec import Spec

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Absent(Enum):
    """Stands where one of two releases has no value."""

    ABSENT = "-"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs: where it is, and what it was and is; `ABSENT` on one side for what came or went."""

    path: str
    before: Any
    after: Any

    def as_json(self) -> dict[str, Any]:
        """Return it as data; a side that has no value has no key."""
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path, **{name: value for name, value in sides.items() if value is not ABSENT}}

    def __str__(self) -> str:
        if self.before is ABSENT:
            return f"{self.path}: {_shown(self.after)} is new"
        if self.after is ABSENT:
            return f"{self.path}: {_shown(self.before)} is gone"
        return f"{self.path}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs between two releases, sorted.

    `components` has versions by name; `kubernetes` the version, its stops and
    images; `management_plane` what management clusters run; `documents` the
    layers and the catalogue, by file of the release.
    """

    before: SharedLayers
    after: SharedLayers
    components: tuple[Change, ...]
    kubernetes: tuple[Change, ...]
    management_plane: tuple[Change, ...]
    documents: Mapping[str, tuple[Change, ...]]

    @property
    def is_empty(self) -> bool:
        """Whether clusters would be the same on both."""
        return not (self.components or self.kubernetes or self.management_plane or self.documents)

    def as_json(self) -> dict[str, Any]:
        """Return the difference for ``--json``."""
        return {
            "before": _named(self.before),
            "after": _named(self.after),
            "components": [change.as_json() for change in self.components],
            "kubernetes": [change.as_json() for change in self.kubernetes],
            "managementPlane": [change.as_json() for change in self.management_plane],
            "documents": {file: [it.as_json() for it in changes] for file, changes in self.documents.items()},
        }

    def sentences(self) -> tuple[str, ...]:
        """Return one line a change; none for releases that say the same."""
        versions = {
            "components": self.components,
            "kubernetes": self.kubernetes,
            "managementPlane": self.management_plane,
        }
        parts = {**versions, **self.documents}.items()
        return tuple(f"{part}: {change}" for part, changes in parts for change in changes)


def release_difference(before: SharedLayers, after: SharedLayers) -> Difference:
    """Return what differs between two releases, or between one and head."""
    old, new = _documents(before), _documents(after)
    files = {file: tuple(_changes(old.get(file, {}), new.get(file, {}))) for file in sorted({*old, *new})}
    return Difference(
        before,
        after,
        components=tuple(_changes(_components(before), _components(after))),
        kubernetes=tuple(_changes(_data(before.release.kubernetes), _data(after.release.kubernetes))),
        management_plane=tuple(_changes(_data(before.release.management_plane), _data(after.release.management_plane))),
        documents={file: changes for file, changes in files.items() if changes},
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any], above: str = "") -> Iterator[Change]:
    """Yield every value that differs, by path; two maps are compared key by key."""
    for key in sorted({*before, *after}):
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        path = _below(above, key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, path)
        elif old is ABSENT or new is ABSENT or _json(old) != _json(new):
            yield Change(path, old, new)


def _below(above: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{above}[{key}]"
    return f"{above}.{key}" if above else key


def _components(layers: SharedLayers) -> dict[str, Any]:
    return {name: _data(pin) for name, pin in layers.release.components.items()}


def _documents(layers: SharedLayers) -> dict[str, Mapping[str, Any]]:
    """Return the data of every shared document but the versions, by its path in a release."""
    folders = {
        "environments": layers.environments,
        "providers": layers.providers,
        "zones": layers.zones,
        "classes": layers.classes,
        "sites": layers.sites,
    }
    return {
        "defaults.yaml": layers.defaults.data,
        "fleet.yaml": _data(layers.settings),
        **{f"components/{name}.yaml": _data(entry) for name, entry in layers.catalogue.items()},
        **{f"{folder}/{name}.yaml": it.data for folder, items in folders.items() for name, it in items.items()},
    }


def _data(spec: Spec) -> dict[str, Any]:
    """Return all that a spec says, defaults too: what was left out is the same as its default."""
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def _named(layers: SharedLayers) -> dict[str, str]:
    return {"name": layers.release.name, "digest": layers.digest}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """Return a value in one spelling; true is not 1, which Python would hold for equal."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)

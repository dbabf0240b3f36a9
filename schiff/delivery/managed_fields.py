"""Who wrote which field of a live object, from the record that server-side apply keeps (``metadata.managedFields``).

The part of a live object that schiff's manager owns is exactly what was last
sent: defaults, finalizers and status belong to others. That makes an API
server answer the question Git answers with a tree: what was delivered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MANAGER = "pulumi-kubernetes"
"""The Kubernetes provider's field managers are called so, with a random end for each resource."""

_IDENTITY = ("apiVersion", "kind")
Fields = Mapping[str, Any]


def is_ours(live: Mapping[str, Any]) -> bool:
    """Whether the Kubernetes provider applied an object."""
    return any(_is_manager(entry) for entry in _entries(live))


def owned_part(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the Kubernetes provider applied last, as it stands on the server."""
    owned: dict[str, Any] = {}
    for entry in _entries(live):
        if _is_manager(entry):
            owned = _joined(owned, _part(live, entry.get("fieldsV1") or {}))
    names = {name: live["metadata"][name] for name in ("name", "namespace") if name in live["metadata"]}
    metadata = {**names, **owned.get("metadata", {})}
    return {**{name: live[name] for name in _IDENTITY if name in live}, **owned, "metadata": metadata}


def contested(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Name the wanted fields that somebody else has set to another value since.

    Who sets a field to another value takes it from its owner: what is still
    ours beside somebody else's, as after an adoption, was changed by nobody.
    """
    ours: Fields = {}
    for entry in filter(_is_manager, _entries(live)):
        ours = _joined(ours, entry.get("fieldsV1") or {})
    found: set[str] = set()
    for entry in _entries(live):
        if not _is_manager(entry) and not entry.get("subresource"):
            found.update(_differing(wanted, live, entry.get("fieldsV1") or {}, ours))
    return sorted(found)


def _entries(live: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return live["metadata"].get("managedFields") or []


def _is_manager(entry: Mapping[str, Any]) -> bool:
    return entry.get("operation") == "Apply" and str(entry.get("manager", "")).startswith(MANAGER)


def _part(value: Any, fields: Fields) -> Any:
    """Return the part of a value that a field set names; a set without children owns all below."""
    below = {key: sub for key, sub in fields.items() if key != "."}
    if not below:
        return value if "." not in fields else type(value)()
    if isinstance(value, Mapping):
        names = ((key.removeprefix("f:"), sub) for key, sub in below.items())
        return {name: _part(value[name], sub) for name, sub in names if name in value}
    if isinstance(value, list):
        return [_part(item, sub) for item in value for key, sub in below.items() if _is_item(item, key)]
    return value


def _joined(one: Any, other: Any) -> Any:
    """Return both parts of one value; two managers of ours are left behind when a state was lost."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **other, **{key: _joined(one[key], other[key]) for key in one if key in other}}
    return other


def _differing(wanted: Any, live: Any, fields: Fields, ours: Fields, path: str = "") -> Iterator[str]:
    for key, sub in fields.items():
        if key.startswith("f:") and isinstance(wanted, Mapping) and isinstance(live, Mapping):
            name = key.removeprefix("f:")
            if name not in wanted or name not in live:
                continue
            place = f"{path}.{name}" if path else name
            if not sub and key not in ours and wanted[name] != live[name]:
                yield place
            yield from _differing(wanted[name], live[name], sub, ours.get(key, {}), place)
        elif key.startswith("k:") and isinstance(wanted, list) and isinstance(live, list):
            mine, theirs = (next((item for item in items if _is_item(item, key)), None) for items in (wanted, live))
            if mine is not None and theirs is not None:
                yield from _differing(mine, theirs, sub, ours.get(key, {}), f"{path}[{key.removeprefix('k:')}]")


def _is_item(item: Any, key: str) -> bool:
    """Whether a list's item is the one that a key names: by its key fields, or by its whole value."""
    if key.startswith("k:") and isinstance(item, Mapping):
        return bool(json.loads(key[2:]).items() <= item.items())
    return key.startswith("v:") and bool(json.loads(key[2:]) == item)

"""Properties as the engine sends them, and what differs between two objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
_SERVERS_OWN = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink")


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Return properties as data: secrets unwrapped, whole numbers whole, as the wire knows only fractions."""
    found: dict[str, Any] = _plain(json_format.MessageToDict(properties))
    return found


def wrapped(data: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return data as properties."""
    return json_format.ParseDict(dict(data), struct_pb2.Struct())


def has_unknown(data: Any) -> bool:
    """Say whether a preview left something open."""
    if isinstance(data, dict):
        return any(map(has_unknown, data.values()))
    return any(map(has_unknown, data)) if isinstance(data, list) else data == UNKNOWN


def stored(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a live object goes into the state."""
    metadata = {key: value for key, value in live["metadata"].items() if key not in _SERVERS_OWN}
    return {**live, "metadata": metadata}


def projected(live: Any, like: Any) -> Any:
    """Return the part of a live value that the inputs name; a list of another length is taken whole."""
    if isinstance(live, dict) and isinstance(like, dict):
        return {key: projected(live[key], value) for key, value in like.items() if key in live}
    if isinstance(live, list) and isinstance(like, list) and len(live) == len(like):
        return [projected(one, other) for one, other in zip(live, like, strict=True)]
    return live


def differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every place that differs, and how: ADD, DELETE or UPDATE."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            place = f"{path}.{key}" if path and key.isidentifier() else f'{path}["{key}"]' if path else key
            if key in old and key in new:
                yield from differences(old[key], new[key], place)
            else:
                yield place, "ADD" if key in new else "DELETE"
    elif old != new:
        yield path, "UPDATE"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _plain(value["value"])
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value

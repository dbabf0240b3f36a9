"""The identity of a release: one digest over everything its clusters read from it.

A frozen folder holds documents; what counts is their data, so comments, white
space and the order of keys change nothing, and any other change does (the name
of a release is a label: it is the folder's, and not part of the identity).
Vendored component folders are no documents: there every byte counts.

The canonical form of digests has no null, yet a layer may say null to remove a
value. A document is therefore digested as its data without nulls and the list
of paths where they stood, from which the data can be told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schiff.errors import InvalidValue, Tampered
from schiff.values.digests import canonical, digest, digest_of_bytes

LOCK_FILE = "release.lock"
RELEASE_FILE = "release.yaml"
LOCK_VERSION = 1

_Path = tuple[str | int, ...]


def document_digest(data: Mapping[str, Any]) -> str:
    """Return the digest of one document's data; raises `InvalidValue` for what digests cannot hold (fractions)."""
    removed = sorted((list(path) for path in _nulls(data, ())), key=canonical)
    return digest({"data": _without_nulls(data), "removed": removed})


def vendored_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest of one vendored component folder: names and bytes of its files."""
    return digest({name: digest_of_bytes(content) for name, content in files.items()})


def lock_of(documents: Mapping[str, Mapping[str, Any]], vendored: Mapping[str, str]) -> dict[str, Any]:
    """Return what `release.lock` holds for these documents, by path in the release's folder.

    `vendored` is the digest of each component folder the release pins, by
    ``<component>/<version>``. A release that an installed schiff cut says here
    too which one: its version and the digest of its files, which release.yaml holds.
    """
    files = {path: document_digest(_nameless(path, data)) for path, data in documents.items() if path != LOCK_FILE}
    whole = digest({"files": files, "vendored": dict(vendored), "v": LOCK_VERSION})
    program = _program(documents.get(RELEASE_FILE, {}))
    return {"v": LOCK_VERSION, "digest": whole, "files": files, "vendored": dict(vendored), **program}


def _program(release: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a lock says of the program; nothing of a source checkout, which can change."""
    plane = release.get("managementPlane")
    if not isinstance(plane, Mapping) or plane.get("schiffWheel") is None:
        return {}
    return {"schiff": {"version": plane.get("schiff"), "wheel": plane["schiffWheel"]}}


def frozen_digest(documents: Mapping[str, Mapping[str, Any]], vendored: Mapping[str, str]) -> str:
    """Return the identity of a release."""
    return str(lock_of(documents, vendored)["digest"])


def verify_lock(
    name: str, documents: Mapping[str, Mapping[str, Any]], vendored: Mapping[str, str], lock: Mapping[str, Any]
) -> str:
    """Return the identity of a release that is what its lock says; raises `Tampered` naming what is not."""
    if not lock:
        raise Tampered(f"releases/{name}/{LOCK_FILE} is missing; restore it from Git: a release is cut once")
    actual = lock_of(documents, vendored)
    if lock.get("v") != LOCK_VERSION:
        raise Tampered(f"releases/{name}/{LOCK_FILE} has form {lock.get('v')!r} (expected {LOCK_VERSION})")
    wrong = [*_differences(lock, actual, "files", f"releases/{name}/")]
    wrong += _differences(lock, actual, "vendored", "components/")
    if wrong:
        raise Tampered(f"release {name} is frozen, yet {'; '.join(wrong)}; take the change back or cut a new release")
    if lock != actual:
        raise Tampered(f"releases/{name}/{LOCK_FILE} was edited: its content adds up to {actual['digest']}")
    return str(actual["digest"])


def _differences(lock: Mapping[str, Any], actual: Mapping[str, Any], part: str, folder: str) -> Iterator[str]:
    """Yield a phrase for every file or folder that is missing, changed or not in the lock."""
    locked, found = lock.get(part), actual[part]
    locked = locked if isinstance(locked, Mapping) else {}
    for path in sorted({*locked, *found}):
        if path not in found:
            yield f"{folder}{path} is missing"
        elif path not in locked:
            yield f"{folder}{path} was added"
        elif locked[path] != found[path]:
            yield f"{folder}{path} was changed"


def _nameless(path: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in data.items() if key != "name"} if path == RELEASE_FILE else data


def _nulls(value: Any, path: _Path) -> Iterator[_Path]:
    if value is None:
        yield path
    for key, item in _items(value):
        yield from _nulls(item, (*path, key))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_text_key(key): _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        yield from ((_text_key(key), item) for key, item in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from enumerate(value)


def _text_key(key: Any) -> str:
    if not isinstance(key, str):
        raise InvalidValue(f"{key!r} cannot be a key of digested data (expected text)")
    return key

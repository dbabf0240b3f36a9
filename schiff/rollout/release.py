"""Cutting a release: layers 1 to 6, catalogue and versions of head as files that never change again.

Where the text of a layer is known it is copied byte for byte, with its comments;
what is known as data only (a fleet built in Python, the values of a site, which
stand beside its facts at head) is written anew. Either way the identity is the
digest of the data (`schiff.model.frozen`), recorded in `release.lock`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from schiff.errors import Refused
from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Document, Fleet, SharedLayers
from schiff.model.frozen import LOCK_FILE, RELEASE_FILE, lock_of, vendored_digest
from schiff.model.release import ReleaseSpec
from schiff.rollout.genesis import newest_release
from schiff.rollout.irreversible import require_one_irreversible
from schiff.rollout.moments import format_moment
from schiff.rollout.names import release_name, require_release_name

_REPLACED = ("kind", "name", "parent", "cut")


def freeze(
    fleet: Fleet, name: str, *, cut: datetime, schiff: str, texts: Mapping[str, bytes], wheel: str | None = None
) -> Mapping[str, bytes]:
    """Return the files of ``releases/<name>/``, by path in that folder.

    `texts` holds files of the fleet folder as they were read, by path relative
    to it; `wheel` is the digest of the program that cuts, when it is installed.
    Raises `Refused` when the fleet has a release of that name: a release
    is written once.
    """
    require_new(fleet, name)
    parent = newest_release(fleet)
    if parent is not None:
        require_one_irreversible(name, parent.release, fleet.head.release)
    documents = _documents(fleet.head)
    data = {path: dict(document.data) for path, document in documents.items()}
    data[RELEASE_FILE] = _release(fleet, format_moment(cut), _program(schiff, wheel))
    files = {path: _text(documents.get(path), content, texts) for path, content in data.items()}
    files[LOCK_FILE] = lock_text(lock_of(data, pinned_digests(fleet)))
    return dict(sorted(files.items()))


def free_name(fleet: Fleet, moment: datetime, *, hotfix: bool) -> str:
    """Return what a release is called that nobody names: a train after its week, a hotfix by the next number in it."""
    first = release_name(moment)
    if not hotfix:
        return first
    numbered = (f"{first.rpartition('.')[0]}.{number}" for number in count(1))
    return next(name for name in numbered if fleet.release_named(name) is None)


def require_new(fleet: Fleet, name: str) -> None:
    """Raise `Refused` when the fleet has a release of that name, `InvalidValue` when it is no name of one."""
    require_release_name(name)
    if fleet.release_named(name) is not None:
        raise Refused(f"release {name} exists already and is never edited; cut under another name", code="exists")


def pinned_digests(fleet: Fleet) -> dict[str, str]:
    """Return the digest of every vendored folder that head's versions name, by ``<component>/<version>``."""
    pinned = (f"{component}/{pin.version}" for component, pin in fleet.head.release.components.items())
    return {key: vendored_digest(fleet.vendored[key]) for key in sorted(pinned) if key in fleet.vendored}


def _documents(head: SharedLayers) -> dict[str, Document]:
    """Return every shared document by its path in a release."""
    folders: Mapping[str, Mapping[str, Document]] = {
        "environments": head.environments,
        "providers": head.providers,
        "zones": head.zones,
        "classes": head.classes,
        "sites": {name: Document("", document.data) for name, document in head.sites.items() if document.data},
        "components": {name: Document("", entry.as_document()) for name, entry in head.catalogue.items()},
    }
    found = {f"{folder}/{name}.yaml": item for folder, items in folders.items() for name, item in items.items()}
    return {
        **found,
        "defaults.yaml": head.defaults,
        "fleet.yaml": Document("", head.settings.as_document()),
    }


def _release(fleet: Fleet, cut: str, program: Mapping[str, str]) -> dict[str, Any]:
    """Return the data of release.yaml: head's versions, and what only a release has."""
    head = fleet.head.release.as_document()
    parent = newest_release(fleet)
    versions = {key: value for key, value in head.items() if key not in _REPLACED}
    return {
        "kind": "train",
        **({} if parent is None else {"parent": parent.release.name}),
        "cut": cut,
        **versions,
        **_superseded(fleet.head.release, parent),
        "managementPlane": {**_without_program(versions["managementPlane"]), **program},
    }


def _superseded(head: ReleaseSpec, parent: SharedLayers | None) -> dict[str, Any]:
    """Return the hotfixes that head does without, and those that its parent did without before."""
    before = () if parent is None else parent.release.supersedes
    names = sorted({*head.supersedes, *before})
    return {"supersedes": names} if names else {}


def _program(schiff: str, wheel: str | None) -> dict[str, str]:
    return {"schiff": schiff} if wheel is None else {"schiff": schiff, "schiffWheel": wheel}


def _without_program(plane: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plane.items() if key not in {"schiff", "schiffWheel"}}


def _text(document: Document | None, data: Mapping[str, Any], texts: Mapping[str, bytes]) -> bytes:
    copied = texts.get(document.file) if document is not None and document.file else None
    return to_yaml([data]).encode() if copied is None else copied


def lock_text(data: Mapping[str, Any]) -> bytes:
    """Return the text of a lock."""
    return (json.dumps(data, indent=2, sort_keys=True) + "\n").encode()

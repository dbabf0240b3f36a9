"""A hotfix: the release that runs, with other versions of the components it names, and nothing else of head.

Its layers, its Kubernetes and the schiff that compiles it are its parent's, so
what it changes is what it says it changes; what its parent supersedes stays
superseded. And no later release may take the
fix away unseen: it contains it, or says that it supersedes it (I18).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from schiff.errors import InvalidInput, InvalidValue, Place, Problem
from schiff.layers.pins import pin_problems
from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.frozen import LOCK_FILE, RELEASE_FILE, lock_of, vendored_digest
from schiff.model.release import ReleaseSpec
from schiff.rollout.irreversible import require_one_irreversible
from schiff.rollout.moments import format_moment
from schiff.rollout.release import lock_text, require_new

HOTFIX: Final = "hotfix"
_OF_ONE_RELEASE = ("kind", "name", "parent", "cut", "changes")


class Released(Protocol):
    """A release and its identity, whatever else is known of it."""

    @property
    def digest(self) -> str:
        """Its identity."""
        ...

    @property
    def release(self) -> ReleaseSpec:
        """What moves together."""
        ...


@dataclass(frozen=True, slots=True)
class Hotfix:
    """What is asked for: the release to fix, and the components that get head's versions."""

    parent: SharedLayers
    changes: Sequence[str]


def freeze_hotfix(
    fleet: Fleet, name: str, hotfix: Hotfix, *, cut: datetime, texts: Mapping[str, bytes]
) -> Mapping[str, bytes]:
    """Return the files of ``releases/<name>/``; layers are the parent's, byte for byte where its text is known.

    Raises `InvalidInput` for components that head does not change, and for
    versions that do not fit the parent's; `Refused` as a train's cut does.
    """
    require_new(fleet, name)
    changed = _changed(fleet, hotfix)
    parent = f"releases/{hotfix.parent.release.name}"
    data = {path: dict(content) for path, content in hotfix.parent.frozen.items() if path != LOCK_FILE}
    copied = {path: texts[f"{parent}/{path}"] for path in data if f"{parent}/{path}" in texts}
    for component in changed:
        path = f"components/{component}.yaml"
        data[path] = fleet.head.catalogue[component].as_document()
        copied.pop(path, None)
        copied |= {path: texts[path]} if path in texts else {}
    versions = _release(fleet, data[RELEASE_FILE], hotfix, changed)
    data[RELEASE_FILE] = {**versions, "cut": format_moment(cut)}
    copied.pop(RELEASE_FILE, None)
    _require_fitting(fleet, name, hotfix.parent, data[RELEASE_FILE], changed)
    files = {path: copied.get(path) or to_yaml([content]).encode() for path, content in data.items()}
    files[LOCK_FILE] = lock_text(lock_of(data, _vendored(fleet, data[RELEASE_FILE])))
    return dict(sorted(files.items()))


def fix_forward_problem(candidate: Released, hotfixes: Iterable[Released]) -> str | None:
    """Return why a release may not enter an environment where these hotfixes ran, or None (I18).

    It contains a fix when it has every component that the hotfix changes, at
    that version or a newer one. It may say `supersedes`, with the name or the
    digest of the hotfix, when it needs the fix no longer.
    """
    lost = [
        f"hotfix {hotfix.release.name} ({', '.join(missing)})"
        for hotfix in sorted(hotfixes, key=lambda one: one.release.name)
        if not {hotfix.release.name, hotfix.digest} & set(candidate.release.supersedes)
        and (missing := tuple(_missing(candidate.release, hotfix.release)))
    ]
    if not lost:
        return None
    return (
        f"release {candidate.release.name} would take away what ran here: {'; '.join(lost)};"
        " cut a release that contains the fix, or one that says supersedes"
    )


def _missing(candidate: ReleaseSpec, hotfix: ReleaseSpec) -> Iterable[str]:
    for name in hotfix.changes:
        fixed, found = hotfix.components[name], candidate.components.get(name)
        if found is None or found.version < fixed.version:
            yield f"{name} {fixed.version}, it has {'none' if found is None else found.version}"


def _changed(fleet: Fleet, hotfix: Hotfix) -> tuple[str, ...]:
    """Return the components that change, sorted; a hotfix that names others would say what is not so."""
    head, parent = fleet.head.release.components, hotfix.parent.release
    problems = []
    for name in hotfix.changes:
        if name not in head:
            message, cure = f"head has no component {name!r}", f"it has {', '.join(sorted(head))}"
            problems.append(Problem(Place("--component"), "", message, cure))
        elif head[name] == parent.components.get(name):
            message = f"{name} {head[name].version} is what release {parent.name} has already"
            problems.append(Problem(Place("--component"), "", message, "change its version in head.yaml first"))
    if not hotfix.changes:
        problems.append(Problem(Place("--component"), "", "a hotfix names what it changes", "name a component"))
    if problems:
        raise InvalidInput(problems)
    return tuple(sorted(set(hotfix.changes)))


def _release(fleet: Fleet, data: Mapping[str, Any], hotfix: Hotfix, changed: Sequence[str]) -> dict[str, Any]:
    """Return the data of release.yaml but its date: the parent's, with head's versions of what changes."""
    head = fleet.head.release.as_document()["components"]
    return {
        "kind": HOTFIX,
        "parent": hotfix.parent.release.name,
        "changes": list(changed),
        **{key: value for key, value in data.items() if key not in _OF_ONE_RELEASE},
        "components": {**data["components"], **{component: head[component] for component in changed}},
    }


def _require_fitting(
    fleet: Fleet, name: str, parent: SharedLayers, data: Mapping[str, Any], changed: Sequence[str]
) -> None:
    """Raise when the versions do not fit together, or more than one thing could not be taken back."""
    try:
        release = ReleaseSpec.model_validate({**data, "name": name})
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    catalogue = {**parent.catalogue, **{component: fleet.head.catalogue[component] for component in changed}}
    if problems := list(pin_problems(replace(parent, release=release, catalogue=catalogue), fleet.vendored)):
        raise InvalidInput(problems)
    require_one_irreversible(name, parent.release, release)


def _vendored(fleet: Fleet, release: Mapping[str, Any]) -> dict[str, str]:
    pinned = sorted(f"{component}/{pin['version']}" for component, pin in release["components"].items())
    return {key: vendored_digest(fleet.vendored[key]) for key in pinned if key in fleet.vendored}

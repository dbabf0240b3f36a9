"""The upstream CustomResourceDefinitions, by the pinned list `tools/crds.json`.

Each file is looked for in the folder ``SCHIFF_CRDS`` names
(``<project>/<file>``), then in the released Go module the list names. A file
whose SHA-256 is not the pinned one is refused. What is found nowhere is
reported: under CI that is a failure, elsewhere the run says which kinds it could
not check.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bed.process import BedFailed
from tests.bed.reading import read_yaml
from tools.build import build_folder
from tools.golang import require_go
from tools.parts import PARTS, ROOT

PINS = ROOT / "tools" / "crds.json"


@dataclass(frozen=True, order=True)
class PinnedCrd:
    """One definition: which project wrote it, its file here and upstream, and its digest."""

    project: str
    name: str
    path: str
    sha256: str
    module: str

    @property
    def resource(self) -> str:
        """The resource it defines, such as ``clusters.cluster.x-k8s.io``: files are named after it."""
        group, _, plural = self.name.removesuffix(".yaml").partition("_")
        return f"{plural}.{group}"


@dataclass(frozen=True)
class CrdSet:
    """The definitions that were found, and those that were not."""

    texts: Mapping[PinnedCrd, bytes]
    missing: tuple[PinnedCrd, ...]

    @property
    def digest(self) -> str:
        """The digest of the definitions at hand, in the order of the list."""
        return hashlib.sha256("".join(crd.sha256 for crd in sorted(self.texts)).encode()).hexdigest()

    def objects(self) -> Iterator[dict[str, Any]]:
        """Return the definitions as objects, ready to be created."""
        for text in self.texts.values():
            yield _loadable(text)


def pinned_crds() -> list[PinnedCrd]:
    """Return the pinned list."""
    projects = json.loads(PINS.read_text(encoding="utf-8"))
    return [
        PinnedCrd(project["project"], file["name"], file["path"], file["sha256"], project.get("module", ""))
        for project in projects
        for file in project["files"]
    ]


def find_crds() -> CrdSet:
    """Return every pinned definition this machine can get hold of."""
    pinned = pinned_crds()
    folder = os.environ.get("SCHIFF_CRDS")
    texts = _from_folder(pinned, Path(folder)) if folder else {}
    texts |= _from_modules(crd for crd in pinned if crd not in texts)
    missing = tuple(sorted(set(pinned) - set(texts)))
    if missing and os.environ.get("CI") == "true":
        raise BedFailed(f"{missing_text(missing)}\nset SCHIFF_CRDS to a folder that holds them as <project>/<file>")
    return CrdSet({crd: texts[crd] for crd in pinned if crd in texts}, missing)


def missing_text(missing: Iterable[PinnedCrd]) -> str:
    """Return the lines that say loudly what could not be checked, and why."""
    projects: dict[str, list[str]] = {}
    for crd in missing:
        projects.setdefault(crd.project, []).append(crd.resource)
    lines = [f"  {project}: {', '.join(resources)}" for project, resources in projects.items()]
    why = "no released module that can be had here serves them, and SCHIFF_CRDS names no folder that holds them"
    return "\n".join([f"objects of these kinds meet no upstream schema ({why}):", *lines])


def check_digest(crd: PinnedCrd, text: bytes, origin: Path) -> None:
    """Refuse a file that is not the pinned one, wherever it came from."""
    found = hashlib.sha256(text).hexdigest()
    if found != crd.sha256:
        raise BedFailed(f"{origin} has SHA-256 {found}, but {PINS.name} pins {crd.sha256} for {crd.project}/{crd.name}")


def _from_folder(pinned: Iterable[PinnedCrd], folder: Path) -> dict[PinnedCrd, bytes]:
    if not folder.is_dir():
        raise BedFailed(f"SCHIFF_CRDS names {folder}, which is no folder")
    found = {}
    for crd in pinned:
        path = folder / crd.project / crd.name
        if path.is_file():
            found[crd] = path.read_bytes()
            check_digest(crd, found[crd], path)
    return found


def _from_modules(wanted: Iterable[PinnedCrd]) -> dict[PinnedCrd, bytes]:
    served = [crd for crd in wanted if crd.module]
    folders = _download(sorted({crd.module for crd in served}))
    found = {}
    for crd in served:
        if crd.module in folders:
            path = folders[crd.module] / crd.path
            found[crd] = path.read_bytes()
            check_digest(crd, found[crd], path)
    return found


def _download(modules: list[str]) -> dict[str, Path]:
    """Bring modules into Go's own cache, which checks them; one that cannot be had is left out."""
    if not modules:
        return {}
    build = build_folder()
    go = require_go(PARTS["kube-apiserver"].minimum_go, build)
    scratch = build / "crds"
    scratch.mkdir(parents=True, exist_ok=True)
    argv: list[str | Path] = [go.program, "mod", "download", "-json", *modules]
    answer = subprocess.run(argv, cwd=scratch, env=go.environment(), capture_output=True, text=True, check=False)
    decoder, rest, found = json.JSONDecoder(), answer.stdout.strip(), {}
    while rest:
        entry, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        if "Dir" in entry:
            found[f"{entry['Path']}@{entry['Version']}"] = Path(entry["Dir"])
    return found


def _loadable(text: bytes) -> dict[str, Any]:
    """Return the definition without what needs a running controller: conversion webhooks and status."""
    definition: dict[str, Any] = read_yaml(text)
    definition["spec"]["conversion"] = {"strategy": "None"}
    definition["metadata"].pop("creationTimestamp", None)
    definition.pop("status", None)
    return definition

"""The versions that the example fleet offers, their vendored files, and what components make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from schiff.components.protocol import Component, Files
from schiff.model.catalogue import CatalogueEntry, VendoredFile
from schiff.sources.plugins import load_parts
from schiff.values.versions import ComponentVersion

FOLDER = Path("stacks/fleet/components")
COMPONENTS: Mapping[str, Component] = load_parts().components


def versions() -> Iterator[tuple[str, str]]:
    """Give every component's versions on offer."""
    for name in sorted(COMPONENTS):
        yield from ((name, version) for version in _entry(name).versions)


def recorded(name: str, version: str) -> dict[str, VendoredFile]:
    """Return what the catalogue says of a version's files, by path."""
    return {file.path: file for file in _entry(name).versions[version].vendored}


def vendored(name: str, version: str) -> dict[str, bytes]:
    """Return a version's files as they lie in the fleet."""
    folder = FOLDER / name / version
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def compiled(name: str, version: str) -> Files:
    """Return the versioned folder that clusters are given."""
    return COMPONENTS[name].folder(ComponentVersion.parse(version), vendored(name, version))


def _entry(name: str) -> CatalogueEntry:
    file = FOLDER / f"{name}.yaml"
    text = file.read_text(encoding="utf-8") if file.is_file() else "{versions: {}}"
    return CatalogueEntry.model_validate(yaml.safe_load(text))

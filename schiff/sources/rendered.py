"""What another version of schiff wrote: files of both repositories, and `trees.json`, which says what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from schiff.compiler.environment import Folder, Repository
from schiff.compiler.file_tree import Content, FileTree, tree_id
from schiff.compiler.handover import Handover

TREES: Final = "trees.json"
FOLDERS: Final[Mapping[Repository, str]] = {
    "definitions": "cluster-definitions",
    "components": "cluster-components",
}
"""Both repositories by the name of the folder that their files are written to."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """Folders that were compiled elsewhere, and the component folders they need."""

    folders: tuple[Folder, ...]
    shared: Mapping[PurePosixPath, FileTree]


def read_rendered(out: Path, handover: Handover) -> Rendered | None:
    """Return what was written for a handover; None when it is not there, or is no longer what `trees.json` says."""
    try:
        said = json.loads((out / TREES).read_text(encoding="utf-8"))
        folders = [
            _folder(repository, line, _tree(out / name / line["path"], handover), handover)
            for repository, name in FOLDERS.items()
            for line in said["repositories"][name]
        ]
        below = out / FOLDERS["components"]
        shared = {PurePosixPath(path): _tree(below / path, handover) for path in said["shared"]}
        trees = [line["tree"] for name in FOLDERS.values() for line in said["repositories"][name]]
        trees += said["shared"].values()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    found = [tree_id(tree) for tree in (*(folder.files for folder in folders), *shared.values())]
    return Rendered(tuple(folders), shared) if found == trees else None


def _folder(repository: Repository, line: Mapping[str, Any], files: FileTree, handover: Handover) -> Folder:
    path, is_tenant = PurePosixPath(line["path"]), line["kind"] == "cluster"
    return Folder(
        repository=repository,
        path=path,
        kind="cluster" if is_tenant else "folder",
        name=line["name"],
        files=files,
        release=line["release"],
        kubernetes=line["kubernetes"],
        removal=line["removal"] or None,
        management_cluster=handover.management.name,
        site=line["name"].partition("/")[0] if is_tenant else _site(path, handover.management.name),
    )


def _site(path: PurePosixPath, management: str) -> str:
    """Return the site of the folder that holds a site's own objects; of others none."""
    parts = path.parts
    return parts[2] if parts[:2] == (management, "sites") else ""


def _tree(folder: Path, handover: Handover) -> FileTree:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return FileTree((path.relative_to(folder).as_posix(), _content(path.read_bytes(), handover)) for path in files)


def _content(data: bytes, handover: Handover) -> Content:
    """Return text as text and encrypted documents as bytes, as this version compiles them."""
    return data if data in handover.documents else data.decode()

"""A folder that Flux applies: manifests, encrypted documents, and the list that names them all.

Without the list Flux would take every file for a manifest, and a folder that
must shrink to nothing could not say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schiff.compiler.file_tree import Content, FileTree
from schiff.manifests.kustomize import FILE_NAME, kustomization_file
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml

SECRETS = "secrets"


def applied_folder(files: Mapping[str, Sequence[Manifest]], secrets: Mapping[str, bytes] | None = None) -> FileTree:
    """Return the folder; a file without objects is left out, encrypted documents pass byte for byte."""
    written: dict[str, str] = {path: to_yaml(objects) for path, objects in files.items() if objects}
    passed = {f"{SECRETS}/{name}": content for name, content in sorted((secrets or {}).items())}
    content: dict[str, Content] = {**written, **passed, FILE_NAME: kustomization_file([*written, *passed])}
    return FileTree(content)

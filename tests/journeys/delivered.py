"""What lies in a delivered repository, as Flux reads it: folders of documents, each with its identity."""

from __future__ import annotations

import io
import posixpath
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.bed.reading import read_documents

LIST = "kustomization.yaml"


class Delivered:
    """The files of one branch head, read once."""

    def __init__(self, bare: Path, revision: str = "main") -> None:
        run = subprocess.run(["git", "-C", bare, "archive", revision], check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(run.stdout)) as archive:
            members = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
            self.files: Mapping[str, bytes] = {name: file.read() for name, file in members.items() if file}

    def folder(self, path: str) -> dict[str, dict[str, Any]]:
        """Return what a Kustomization of this folder applies, by identity; refuses an object that is listed twice."""
        found: dict[str, dict[str, Any]] = {}
        for document in self._listed(path.removeprefix("./").rstrip("/")):
            assert identity(document) not in found, f"{identity(document)} stands twice in {path}"
            found[identity(document)] = document
        return found

    def _listed(self, folder: str) -> Iterator[dict[str, Any]]:
        for name in yaml.safe_load(self.files[f"{folder}/{LIST}"]).get("resources", ()):
            path = posixpath.normpath(f"{folder}/{name}")
            if path in self.files:
                yield from read_documents(self.files[path])
            else:
                yield from self._listed(path)


def identity(document: Mapping[str, Any]) -> str:
    """Return an object's name in a Kustomization's inventory: namespace, name, group and kind."""
    group = document["apiVersion"].rpartition("/")[0]
    metadata = document["metadata"]
    name = metadata["name"].replace(":", "__")
    return f"{metadata.get('namespace', '')}_{name}_{group}_{document['kind']}"


def difference(wanted: Any, live: Any, at: str = "") -> Iterator[str]:
    """Yield where a live object lacks what its file says; what others added to it is no difference."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, value in wanted.items():
            yield from difference(value, live.get(key), f"{at}.{key}")
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for index, pair in enumerate(zip(wanted, live, strict=True)):
            yield from difference(*pair, f"{at}[{index}]")
    elif wanted != live:
        yield f"{at}: {wanted!r} in Git, {live!r} in the cluster"

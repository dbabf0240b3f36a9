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
_WITHOUT_NAMESPACE = {"Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}


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
        listed = yaml.safe_load(self.files[f"{folder}/{LIST}"])
        patches = [yaml.safe_load(patch["patch"]) for patch in listed.get("patches", ())]
        gone = {identity(patch) for patch in patches if isinstance(patch, dict) and patch.get("$patch") == "delete"}
        for name in listed.get("resources", ()):
            for document in self._resource(posixpath.normpath(f"{folder}/{name}")):
                if identity(document) not in gone:
                    yield _placed(document, listed.get("namespace"))

    def _resource(self, path: str) -> Iterator[dict[str, Any]]:
        yield from read_documents(self.files[path]) if path in self.files else self._listed(path)


def _placed(document: dict[str, Any], namespace: str | None) -> dict[str, Any]:
    """Return the document in the namespace that its list gives to everything that can have one."""
    if not namespace or document["kind"] in _WITHOUT_NAMESPACE:
        return document
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


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

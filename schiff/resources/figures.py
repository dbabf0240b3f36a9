"""How much a stack delivers, in the numbers that a summary gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from schiff.compiler.environment import Repository
from schiff.compiler.file_tree import FileTree
from schiff.resources.wanted import Wanted

_OBJECT = re.compile(rb"^apiVersion: *(?!kustomize\.config\.k8s\.io/)\S", re.MULTILINE)
"""The first line of a Kubernetes object; a kustomization.yaml is an instruction and no object."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Tenant clusters, Kubernetes objects and files in both repositories, component folders included."""

    clusters: int
    objects: int
    files: int


def figures_of(wanted: Mapping[Repository, Wanted]) -> Figures:
    """Count what a stack wants in the end."""
    trees = [tree for share in wanted.values() for tree in (*share.contents[-1].values(), *share.shared.values())]
    return Figures(
        clusters=sum(line.kind == "cluster" and line.removal != "e" for line in wanted["definitions"].wave),
        objects=sum(map(_objects, trees)),
        files=sum(map(len, trees)),
    )


def _objects(tree: FileTree) -> int:
    return sum(len(_OBJECT.findall(blob.data)) for blob in tree.blobs())

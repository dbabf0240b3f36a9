"""How much a stack delivers, in the numbers that a summary gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schiff.checks.compiled import object_count
from schiff.compiler.environment import Repository
from schiff.resources.wanted import Wanted


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
        objects=object_count(content for tree in trees for content in tree.values()),
        files=sum(map(len, trees)),
    )

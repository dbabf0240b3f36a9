"""The trees that lie at paths of commits which Flux reports: a commit nobody can find is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from schiff.git.clone import CachedClone
from schiff.git.commits import fetch_commits

Named = tuple[str, str, str]
"""Repository, commit, path."""


def trees_of(clones: Mapping[str, CachedClone], named: Iterable[Named]) -> dict[Named, str]:
    """Return the tree of each path, an empty text where the commit has nothing there."""
    asked: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for repository, commit, path in named:
        asked[repository][commit].add(path)
    found: dict[Named, str] = {}
    for repository in sorted(asked.keys() & clones.keys()):
        clone, commits = clones[repository], asked[repository]
        for commit in sorted(fetch_commits(clone, commits)):
            trees = clone.trees(commit, sorted(commits[commit]))
            found |= {(repository, commit, path): trees.get(path, "") for path in commits[commit]}
    return found

"""Whether a revision that Flux reports holds the tree that was delivered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schiff.rollout.health.commits import commit_of
from schiff.rollout.health.conditions import found
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.observed import Observation
from schiff.rollout.health.references import folder_of, repository_of
from schiff.rollout.health.verdicts import Finding, Verdict

_NOTHING: Final = {"", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}
"""What an absent path and Git's empty tree have in common."""


def tree_not_reached(
    expected: Expected, observed: Observation, delivered: Mapping[str, Any], live: Any, revision: str
) -> Iterator[Finding]:
    """Yield that `revision`, which `live` reports, has another tree at the cluster's path than was delivered.

    Other stacks push to the same branch, so the commit itself says nothing.
    """
    repository, commit = repository_of(delivered), commit_of(revision)
    folder = folder_of(expected, delivered)
    wanted = None if folder is None else expected.trees.get((repository, folder))
    if folder is None or wanted is None:
        yield found(Verdict.Unknown, "TreeNotKnown", "no delivered manifest names the folder that it applies", live)
    elif not commit:
        yield found(Verdict.Progressing, "NoRevision", "it reports no commit yet", live)
    elif (repository, commit, folder) not in observed.trees:
        message = f"commit {commit[:12]} is not in {repository} as it was read"
        yield found(Verdict.Unknown, "CommitNotFound", message, live)
    elif not _same(observed.trees[repository, commit, folder], wanted):
        message = f"commit {commit[:12]} of {repository} has another {folder} than was delivered"
        yield found(Verdict.Progressing, "TreeNotReached", message, live)


def _same(tree: str, wanted: str) -> bool:
    return tree == wanted or {tree, wanted} <= _NOTHING

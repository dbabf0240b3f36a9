"""Which trees have to be looked up: the commits that live Flux objects report, at the paths of the cluster.

Several stacks push to one branch, so a commit never matches for long; what
counts is the tree that a commit has at a cluster's path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schiff.rollout.health.expected import Expected
from schiff.rollout.health.observed import Seen
from schiff.rollout.health.reading import key_of, text
from schiff.rollout.health.references import folder_of, referred_sources, repository_of

_COMMIT = re.compile(r"(?:.*[@/])?(?:sha1:)?([0-9a-f]{40})")
_REVISIONS = (
    ("status", "artifact", "revision"),
    ("status", "lastAppliedRevision"),
    ("status", "lastAttemptedRevision"),
)


def commits_named(expected: Expected, management: Seen, tenant: Seen) -> frozenset[tuple[str, str, str]]:
    """Return (repository, commit, path) for every tree that judging these objects will ask for."""
    return frozenset(
        (repository_of(delivered), commit, folder)
        for objects, seen in ((expected.management, management), (expected.tenant, tenant))
        for delivered in with_sources(objects)
        for commit in _commits(seen.objects.get(key_of(delivered)))
        if (folder := folder_of(expected, delivered)) is not None
    )


def with_sources(objects: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield delivered objects, and of the sources they refer to but another stack delivers, no more than the name."""
    yield from objects
    for group, kind, namespace, name in referred_sources(objects):
        metadata = {"namespace": namespace, "name": name}
        yield {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata}


def commit_of(revision: str) -> str:
    """Return the commit of a revision such as ``main@sha1:…``; empty when it names none."""
    match = _COMMIT.fullmatch(revision)
    return match[1] if match else ""


def _commits(live: Any) -> Iterator[str]:
    yield from filter(None, (commit_of(text(live, *place)) for place in _REVISIONS))

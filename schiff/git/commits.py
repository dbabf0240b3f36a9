"""Commits that somebody names, which a clone of depth 1 does not have: fetched by their ids, once.

A reference is kept for each, so that a clone knows which ones it has without
asking for one it has not: that would make Git fetch a whole history.
"""

from __future__ import annotations

from collections.abc import Iterable

from schiff.git.clone import CachedClone

_KEPT = "refs/schiff/commits"
_ALONE = 20
"""How many commits are asked for one by one, after a server did not have all of some."""


def fetch_commits(clone: CachedClone, wanted: Iterable[str]) -> frozenset[str]:
    """Return those of some commits that the clone has now: all but what its server does not have or give."""
    asked = frozenset(wanted)
    missing = sorted(asked - _present(clone))
    if missing:
        with clone.locked():
            if not _fetch(clone, missing) and len(missing) > 1:
                for commit in missing[:_ALONE]:
                    _fetch(clone, [commit])
    return asked & _present(clone)


def _present(clone: CachedClone) -> frozenset[str]:
    listed = clone.run("for-each-ref", "--format=%(objectname)", _KEPT, "refs/remotes").decode()
    return frozenset(listed.split())


def _fetch(clone: CachedClone, commits: Iterable[str]) -> bool:
    """Fetch commits with their trees and no file's content; whether the server gave all of them."""
    kept = [f"+{commit}:{_KEPT}/{commit}" for commit in commits]
    options = ("--quiet", "--depth=1", "--filter=blob:none", "--no-tags", "--no-write-fetch-head")
    return not clone.attempt("fetch", *options, "origin", *kept).status

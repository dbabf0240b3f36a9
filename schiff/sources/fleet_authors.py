"""Who wrote what is to be delivered: nobody agrees to a change of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from schiff.errors import Failed, Refused
from schiff.git.process import try_git

_RECENT = "--since=30 days ago"
"""Older changes of a file were delivered long ago, and the newest change of each counts however old it is."""


def authors_of(folder: Path, paths: Iterable[str]) -> frozenset[str]:
    """Return the e-mail addresses of the authors who changed files of a fleet lately, in small letters.

    Nobody outside a repository. Raises `Refused` where the history was cut
    off: the author of everything would seem to be whoever wrote the last commit.
    """
    shallow = try_git("-C", str(folder), "rev-parse", "--is-shallow-repository")
    if shallow.status:
        return frozenset()
    if shallow.out.strip() == b"true":
        cure = "fetch all of it: git fetch --unshallow, or GIT_DEPTH 0 in CI"
        raise Refused(f"the history of {folder} is cut off, so nobody knows who wrote the orders; {cure}", "shallow")
    asked = sorted(paths)
    found = set(_log(folder, _RECENT, asked))
    for path in asked:
        found.update(_log(folder, "-1", [path]))
    return frozenset(found)


def _log(folder: Path, which: str, paths: Iterable[str]) -> Iterator[str]:
    ended = try_git("-C", str(folder), "log", which, "--format=%ae", "--", *paths)
    if ended.status:
        raise Failed(f"git log: {ended.sentence}")
    yield from (line.strip().lower() for line in ended.out.decode(errors="replace").splitlines())

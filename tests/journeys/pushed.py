"""What somebody pushes into a delivered repository past schiff, and takes back at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.bed.objects import KUSTOMIZE
from tests.git.repositories import commit
from tests.journeys.delivered import Delivered
from tests.journeys.loop import Loop


@contextmanager
def pushed(loop: Loop, texts: Mapping[str, str]) -> Iterator[str]:
    """Have somebody replace delivered files of `cluster-definitions`; gives the commit."""
    loop.settle()
    before = Delivered(loop.repository("definitions")).files
    try:
        yield commit(loop.repository("definitions"), texts)
    finally:
        commit(loop.repository("definitions"), {path: before[path].decode() for path in texts})
        loop.settle()


def folder_of(loop: Loop, name: str) -> str:
    """Return the folder that a Kustomization of the management cluster applies."""
    item = loop.management.objects.get(KUSTOMIZE, "Kustomization", name)
    assert item is not None
    return str(item["spec"]["path"]).removeprefix("./")

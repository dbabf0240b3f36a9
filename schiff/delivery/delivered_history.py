"""What was delivered before: each commit of a delivered branch says what every cluster ran after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from schiff.delivery.delivered import FOLDER, Line
from schiff.delivery.snapshot import drift, look_at
from schiff.errors import Conflict
from schiff.git.history import clone_of_history, commits_of
from schiff.model.tenant_cluster import Removal
from schiff.rollout.bodies import REMOVALS
from schiff.rollout.reopening import Standing
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

_SELF = "/self-definitions"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an environment stood after one commit."""

    commit: str
    at: datetime
    lines: tuple[Line, ...]

    @property
    def standings(self) -> dict[ClusterKey | str, Standing]:
        """What every cluster ran; a management cluster is named by its name alone."""
        return dict(_standings(self.lines))

    @property
    def releases(self) -> frozenset[str]:
        """The releases that were on some cluster, head left out."""
        return frozenset(run.release for run in self.standings.values()) - {HEAD}


def deliveries(url: str, branch: str, stacks: Collection[str], cache_dir: Path) -> Iterator[Delivery]:
    """Yield how the stacks of an environment stood after each commit of schiff, newest first.

    A commit whose folders are not those that its manifests name is passed over:
    somebody else made it, and nobody knows what ran then.
    """
    clone = clone_of_history(url, branch, cache_dir)
    for past in commits_of(clone, FOLDER):
        try:
            snapshot = look_at(clone, "", past.id)
        except Conflict:
            continue
        own = [manifest for stack, manifest in snapshot.manifests.items() if stack in stacks]
        lines = tuple(line for manifest in own for line in manifest.lines)
        filed = [line for manifest in own if not manifest.direct for line in manifest.lines]
        if lines and not drift(snapshot, filed):
            yield Delivery(past.id, past.at, lines)


def _standings(lines: Iterable[Line]) -> Iterator[tuple[ClusterKey | str, Standing]]:
    for line in lines:
        if line.kind == "cluster":
            yield ClusterKey.parse(line.name), _standing(line)
        elif line.path.endswith(_SELF):
            yield line.path.partition("/")[0], _standing(line)


def _standing(line: Line) -> Standing:
    return Standing(line.release, KubernetesVersion.parse(line.kubernetes), _removal(line.removal))


def _removal(text: str) -> Removal | None:
    return next((state for state in REMOVALS if state == text), None)

"""Up to which entry a ledger was delivered, by what stands in both repositories.

The header of a delivered manifest names the head that its delivery followed, yet
entries that change no folder make no commit. So the lines have the last word:
where every cluster stands as the ledger assigns it, all of it was delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schiff.delivery.delivered import DeliveredManifest, Line
from schiff.model.release import Assignments
from schiff.resources.places import management_cluster_of
from schiff.resources.wanted import base_of
from schiff.rollout.bodies import GenesisBody, MoveBody, RemoveBody
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.values.names import ClusterKey


def delivered_until(ledger: Ledger, assigned: Assignments, manifests: Iterable[DeliveredManifest | None]) -> int | None:
    """Return the number of the last entry that both repositories follow; None before the first delivery."""
    found = list(manifests)
    known = [manifest for manifest in found if manifest is not None]
    if ledger.head is None or not known or len(known) < len(found):
        return None
    since = min(manifest.ledger.seq for manifest in known)
    repositories = [manifest.lines for manifest in known]
    if all(_follows(lines, assigned) for lines in repositories) and _knows(repositories, ledger.after(since)):
        return ledger.head.seq
    return since


def _follows(lines: Sequence[Line], assigned: Assignments) -> bool:
    """Whether every folder stands as it is assigned."""
    if base_of(assigned, lines) != assigned:
        return False
    return all(
        (assigned.tenants[ClusterKey.parse(line.name)].removal or "") == line.removal
        for line in lines
        if line.kind == "cluster" and ClusterKey.parse(line.name) in assigned.tenants
    )


def _knows(repositories: Sequence[Sequence[Line]], entries: Iterable[Entry]) -> bool:
    """Whether whatever later entries name was delivered at all; what is gone for good needs nothing any more."""
    names = {line.name for lines in repositories for line in lines if line.kind == "cluster"}
    names |= {str(name) for lines in repositories for line in lines if (name := management_cluster_of(line.path))}
    return {name for entry in entries for name in _named(entry)} <= names


def _named(entry: Entry) -> list[str]:
    match entry.said:
        case (
            MoveBody(clusters=clusters, management_clusters=managers)
            | GenesisBody(clusters=clusters, management_clusters=managers)
        ):
            return [*map(str, clusters), *managers]
        case RemoveBody(cluster=cluster, state=state) if state != "e":
            return [str(cluster)]
        case _:
            return []

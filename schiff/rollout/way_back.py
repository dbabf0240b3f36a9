"""How a cluster that was held catches up: the shortest chain of releases that it may pass.

A stop is a release that was completed in `prd` and is not revoked; from one to
a later one it goes when every component may follow (`upgradeFrom`) and
Kubernetes gets there one minor at a time. The search is breadth first and
visits each release once, so it takes no longer than looking at each pair; of
chains of equal length the one with the newest first stop is taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from schiff.errors import Refused
from schiff.model.fleet import SharedLayers
from schiff.rollout.skew import component_hop_problems, hops
from schiff.values.versions import KubernetesVersion


@dataclass(frozen=True, slots=True)
class Standing:
    """What a cluster runs: a release by its digest, and a Kubernetes version, which may be one on the way."""

    release: str
    kubernetes: KubernetesVersion


Moves = tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where the search is: the place in the order of releases, what a cluster runs there, and the moves so far."""

    place: int
    layers: SharedLayers
    kubernetes: KubernetesVersion
    moves: Moves = ()


def way_back(start: Standing, completed: Sequence[SharedLayers], revoked: Collection[str]) -> Moves:
    """Return where a cluster stands after each move, up to the newest release; empty when it is there.

    `completed` are the releases completed in `prd`, oldest first, with the one
    it runs among them; `revoked` are digests. Raises `Refused` when no chain is
    legal, naming what is missing.
    """
    first = _first(start, completed, revoked)
    ahead = {place: it for place, it in enumerate(completed) if place > first.place and it.digest not in revoked}
    if not ahead:
        return ()
    reached = _search(first, ahead)
    target = max(ahead)
    if target not in reached:
        raise Refused(_missing(first, reached, completed, ahead), "no-path")
    return reached[target].moves


def _first(start: Standing, completed: Sequence[SharedLayers], revoked: Collection[str]) -> _Stop:
    """Return where the search begins: before the cluster's own release while it is on its way to that one's version."""
    for place, layers in enumerate(completed):
        if layers.digest == start.release:
            on_its_way = start.kubernetes < layers.release.kubernetes.version and layers.digest not in revoked
            return _Stop(place - on_its_way, layers, start.kubernetes)
    raise Refused(f"release {start.release} was never completed in prd, so no way on from it is known", "no-path")


def _search(first: _Stop, ahead: Mapping[int, SharedLayers]) -> Mapping[int, _Stop]:
    """Return every stop that can be reached, until the last one is; the newest of equals first."""
    reached: dict[int, _Stop] = {}
    left = sorted(ahead, reverse=True)
    queue = deque([first])
    while queue and max(ahead) not in reached:
        here = queue.popleft()
        for place in [place for place in left if place > here.place]:
            if _problems(here, ahead[place]):
                continue
            reached[place] = _moved(here, place, ahead[place])
            queue.append(reached[place])
            left.remove(place)
    return reached


def _problems(here: _Stop, to: SharedLayers) -> tuple[str, ...]:
    """Return why a cluster cannot go from here to a release; empty when it can."""
    if here.layers.digest == to.digest:
        return _kubernetes_problems(here, to)
    return component_hop_problems(here.layers.release, to.release) or _kubernetes_problems(here, to)


def _kubernetes_problems(here: _Stop, to: SharedLayers) -> tuple[str, ...]:
    try:
        hops(here.kubernetes, to.release)
    except Refused as refused:
        return (str(refused),)
    return ()


def _moved(here: _Stop, place: int, to: SharedLayers) -> _Stop:
    moves = tuple(Standing(to.digest, version) for version in hops(here.kubernetes, to.release))
    return _Stop(place, to, moves[-1].kubernetes, (*here.moves, *moves))


def _missing(
    first: _Stop, reached: Mapping[int, _Stop], completed: Sequence[SharedLayers], ahead: Mapping[int, SharedLayers]
) -> str:
    """Return what stands in the way to the newest release: a revoked stop, else what the last stop lacks."""
    target = ahead[max(ahead)]
    way = f"no way from {_standing(first)} to {_standing(_at_end(target))}"
    whole = {place: layers for place, layers in enumerate(completed) if place > first.place}
    over = _search(first, whole).get(max(ahead))
    if over is not None:
        used = {standing.release for standing in over.moves}
        gone = [it.release.name for place, it in whole.items() if it.digest in used and place not in ahead]
        return (
            f"{way}: it leads over release {', '.join(gone)}, which is revoked; "
            f"cut a release that can be reached from {_standing(first)}"
        )
    last = reached[max(reached)] if reached else first
    far = f"it ends at {_standing(last)}: " if reached else ""
    return f"{way}: {far}{'; '.join(_problems(last, target))}; or cut a release that leads from there"


def _at_end(layers: SharedLayers) -> _Stop:
    return _Stop(0, layers, layers.release.kubernetes.version)


def _standing(stop: _Stop) -> str:
    return f"release {stop.layers.release.name} (Kubernetes {stop.kubernetes})"

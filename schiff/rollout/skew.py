"""Which versions may follow each other, and which may run side by side.

1. Kubernetes goes up one minor at a time, through the versions a release names
   in `kubernetes.via`, and never down, not even by a patch.
2. Every component of the release must run on every version on the way.
3. Nothing starts from a state that should not be: a pool above its control
   plane, or more than three minors below it. Health says so (`PoolOutOfReach`),
   and what is not healthy is not moved.
4. A component that goes up follows only the versions in its `upgradeFrom`; one
   goes down only when the version it leaves is reversible.
5. Cluster API goes up at most three minors at once and never down; that of the
   management cluster must know the Kubernetes version of each tenant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from schiff.errors import Refused
from schiff.layers.pins import unsupported
from schiff.model.release import ManagementPlane, PinnedComponent, ReleaseSpec
from schiff.values.versions import KubernetesVersion

NO_PATH: Final = "no-path"
"""The code of every refusal that says: from here you cannot go there."""

_WORKERS_LAG = 3
_PLANE_STEP = 3

Minor = tuple[int, int]


def hops(start: KubernetesVersion, release: ReleaseSpec) -> tuple[KubernetesVersion, ...]:
    """Return the versions a cluster is moved to in turn; the last is the release's.

    A change of patch, or none, is one hop. Raises `Refused` when there is no
    legal way, naming what is missing.
    """
    target = release.kubernetes.version
    if start > target:
        raise Refused(
            f"{_name(release)} runs Kubernetes {target}, below {start}, and Kubernetes never goes down; "
            f"take a release that pins {start} or later",
            "no-path",
        )
    way = (*_stops(start, release), target)
    if problems := [*_component_problems(release, way)]:
        raise Refused("; ".join(problems), "no-path")
    return way


def pool_problems(
    control_plane: KubernetesVersion, pools: Mapping[str, Collection[KubernetesVersion]]
) -> tuple[str, ...]:
    """Return why a cluster is in no state that a move may start from, by what machines of its pools run."""
    return tuple(
        sentence
        for name, versions in sorted(pools.items())
        for sentence in _out_of_reach(name, control_plane, min(versions), max(versions))
    )


def _out_of_reach(
    name: str, control_plane: KubernetesVersion, lowest: KubernetesVersion, highest: KubernetesVersion
) -> Iterator[str]:
    if highest > control_plane:
        yield f"pool {name} runs {highest}, above the control plane's {control_plane}"
    if lowest.major == control_plane.major and control_plane.minor - lowest.minor > _WORKERS_LAG:
        yield f"pool {name} runs {lowest}, more than {_WORKERS_LAG} minors below the control plane's {control_plane}"


def component_hop_problems(before: ReleaseSpec, after: ReleaseSpec) -> tuple[str, ...]:
    """Return why components cannot go from one release to another, sorted; empty when they can."""
    return tuple(
        sentence
        for name, pin in sorted(after.components.items())
        if (old := before.components.get(name)) is not None
        for sentence in _follows(name, old, pin)
    )


def plane_hop_problems(before: ManagementPlane, after: ManagementPlane) -> tuple[str, ...]:
    """Return why a management cluster cannot go from one plane to another; empty when it can."""
    old, new = before.capi, after.capi
    if new < old:
        return (f"Cluster API goes down from {old} to {new}, which it does not support",)
    if new.major != old.major or new.minor - old.minor > _PLANE_STEP:
        return (f"Cluster API goes from {old} to {new}, more than {_PLANE_STEP} minors at once",)
    return ()


def skew_problem(plane: ManagementPlane, kubernetes: KubernetesVersion) -> str | None:
    """Return why a management cluster cannot look after a tenant of this Kubernetes version, or None."""
    return unsupported(kubernetes, plane.capi, management=False)


def _stops(start: KubernetesVersion, release: ReleaseSpec) -> Iterator[KubernetesVersion]:
    """Yield one version for each minor between the start and the target; raise `Refused` for those that lack one."""
    target = release.kubernetes.version
    highest = {_minor(version): version for version in sorted(release.kubernetes.via)}
    between = _between(start, target)
    missing = [minor for minor in between if minor not in highest]
    if start.major != target.major or missing:
        gap = ", ".join(f"{major}.{minor}" for major, minor in missing) or f"{start.major}.x to {target.major}.0"
        raise Refused(
            f"{_name(release)} does not lead from Kubernetes {start} to {target}: it names no version of {gap}; "
            f"name one in kubernetes.via, or go by way of a release that pins one",
            "no-path",
        )
    yield from (highest[minor] for minor in between)


def _between(start: KubernetesVersion, target: KubernetesVersion) -> list[Minor]:
    return [(target.major, minor) for minor in range(start.minor + 1, target.minor)]


def _component_problems(release: ReleaseSpec, way: tuple[KubernetesVersion, ...]) -> Iterator[str]:
    for name, pin in sorted(release.components.items()):
        for version in way:
            if pin.kubernetes is not None and not pin.kubernetes.contains(version):
                yield (
                    f"{name} {pin.version} of {_name(release)} runs on Kubernetes {pin.kubernetes}, not on {version}; "
                    f"go by way of a release whose {name} does"
                )


def _follows(name: str, old: PinnedComponent, new: PinnedComponent) -> Iterator[str]:
    if new.version < old.version:
        if not old.reversible:
            yield f"{name} goes down from {old.version} to {new.version}, and {old.version} is not reversible"
    elif new.version != old.version and new.upgrade_from is not None and not new.upgrade_from.contains(old.version):
        yield f"{name} {new.version} follows {new.upgrade_from}, not {old.version}"


def _minor(version: KubernetesVersion) -> Minor:
    return version.major, version.minor


def _name(release: ReleaseSpec) -> str:
    return "head" if release.kind == "head" else f"release {release.name}"

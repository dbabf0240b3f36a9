"""What of a release cannot be taken back: a Kubernetes minor, or a component that says so of itself.

A release holds one such item at most, with what it needs first; reversible ones
may ride along. So a rollback stays decidable: when something must go forward, it
is known which one thing that is. (etcd moves with Kubernetes; a component that
changes how its objects are stored says `reversible: false`; Cluster API and its
providers move first and stay, `schiff.rollout.reversal`.)
"""

from __future__ import annotations

from collections.abc import Iterator

from schiff.errors import Refused
from schiff.model.release import KubernetesPin, ReleaseSpec


def require_one_irreversible(name: str, before: ReleaseSpec, after: ReleaseSpec) -> None:
    """Raise `Refused` with the names when a release would change more than one thing for good."""
    items = irreversible_items(before, after)
    if len(items) > 1:
        raise Refused(
            f"release {name} would change {len(items)} things that cannot be taken back: {', '.join(items)};"
            f" one release holds one at most, so cut them one after the other (parent {before.name})",
            "irreversible",
        )


def irreversible_items(before: ReleaseSpec, after: ReleaseSpec) -> tuple[str, ...]:
    """Return everything that one release changes for good after another, a phrase each."""
    return (*_kubernetes(before.kubernetes, after.kubernetes), *_components(before, after))


def _kubernetes(before: KubernetesPin, after: KubernetesPin) -> Iterator[str]:
    old, new = before.version, after.version
    if (old.major, old.minor) != (new.major, new.minor):
        yield f"kubernetes {old} -> {new}"


def _components(before: ReleaseSpec, after: ReleaseSpec) -> Iterator[str]:
    for name, pin in sorted(after.components.items()):
        earlier = before.components.get(name)
        if not pin.reversible and (earlier is None or earlier.version != pin.version):
            yield f"{name} {pin.version} (new)" if earlier is None else f"{name} {earlier.version} -> {pin.version}"

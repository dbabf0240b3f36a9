"""Whether a release can be taken back: told from the versions alone, before anything moves.

A release is assigned whole, so every component of a cluster goes back or none
does; Kubernetes and the management plane are assigned beside it and may stay.

1. Kubernetes never goes down, not by a patch: a cluster keeps what it runs.
2. Cluster API and its providers do not go down: management clusters stay on the
   release, and look after the tenants that return.
3. A component that the release changed or brought goes back only when it is reversible.
4. What the clusters return to must run on the Kubernetes versions they keep, and call their images the same.

The verdict is `full` when a cluster ends as it was before, `partial` when it
ends on the old release with something of 1 or 2 kept, and `impossible` when 3
or 4 says no: then only a release that goes forward helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from schiff.layers.pins import unsupported
from schiff.manifests.machine_images import image_names
from schiff.model.release import ManagementPlane, PinnedComponent, ReleaseSpec
from schiff.values.versions import ComponentVersion, KubernetesVersion

Verdict = Literal["full", "partial", "impossible"]
Way = Literal["back", "stays", "forward"]

_PLANE = ("capi", "capm3", "capv", "ipam_in_cluster", "ipam_infoblox", "ipam_metal3")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that the release changed, from what it is to what it was before.

    It goes back, stays while the rest goes back, or stands in the way of all:
    then only a release that goes forward helps.
    """

    what: str
    before: str
    after: str
    way: Way
    reason: str

    def __str__(self) -> str:
        verb = {"back": "goes back to", "stays": "stays, and does not go back to", "forward": "cannot go back to"}
        return f"{self.what} {self.before} {verb[self.way]} {self.after}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Reversal:
    """What taking back a release would do; `items` hold everything it changed, sorted by what they are."""

    running: str
    target: str
    items: tuple[Item, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether all, some or nothing of the release can be taken back."""
        ways = {item.way for item in self.items}
        if "forward" in ways:
            return "impossible"
        return "partial" if "stays" in ways else "full"

    def as_json(self) -> dict[str, Any]:
        """Return the verdict with its reasons for ``--json``."""
        items = [
            {"what": it.what, "before": it.before, "after": it.after, "way": it.way, "reason": it.reason}
            for it in self.items
        ]
        return {"release": self.running, "target": self.target, "verdict": self.verdict, "items": items}

    def sentence(self) -> str:
        """Return the verdict, and why it is not better than that."""
        of, to = f"rollback of release {self.running}", f"to {self.target}"
        if self.verdict == "full":
            return f"{of} {to} is full"
        kept = "; ".join(str(item) for item in self.items if item.way == self._worst)
        if self.verdict == "partial":
            return f"{of} {to} is partial: {kept}"
        return f"{of} {to} is impossible: {kept}; cut a hotfix that keeps these and takes back the rest"

    @property
    def _worst(self) -> Way:
        return "forward" if self.verdict == "impossible" else "stays"


def reversal(from_: ReleaseSpec, to: ReleaseSpec) -> Reversal:
    """Return what happens when the clusters of one release return to another."""
    items = (*_components(from_, to), *_kubernetes(from_, to), *_plane(from_.management_plane, to.management_plane))
    return Reversal(from_.name, to.name, tuple(sorted(items, key=lambda item: (item.what, item.before))))


def kept(current: KubernetesVersion, target: ReleaseSpec) -> KubernetesVersion:
    """Return the Kubernetes version of a cluster after its return: never below what it runs."""
    return max(current, target.kubernetes.version)


def _components(from_: ReleaseSpec, to: ReleaseSpec) -> Iterator[Item]:
    for name in sorted({*from_.components, *to.components}):
        new, old = from_.components.get(name), to.components.get(name)
        if _version(new) != _version(old):
            way, reason = _way_of(new)
            yield Item(name, _version(new), _version(old), way, reason)


def _way_of(leaving: PinnedComponent | None) -> tuple[Way, str]:
    if leaving is None:
        return "back", "the release took it away"
    if leaving.reversible:
        return "back", "it is reversible"
    return "forward", f"{leaving.version} is not reversible"


def _kubernetes(from_: ReleaseSpec, to: ReleaseSpec) -> Iterator[Item]:
    """Yield what becomes of the Kubernetes versions that clusters of the release run, on its way or at its end."""
    target, last = to.kubernetes.version, from_.kubernetes.version
    for version in sorted({last, *from_.kubernetes.via}):
        if not target < version <= last:
            continue
        if problems := [*_unfit(from_, to, version)]:
            yield Item("kubernetes", str(version), str(target), "forward", "; ".join(problems))
        else:
            yield Item("kubernetes", str(version), str(target), "stays", "Kubernetes never goes down")


def _unfit(from_: ReleaseSpec, to: ReleaseSpec, kubernetes: KubernetesVersion) -> Iterator[str]:
    """Yield why clusters that keep a version cannot run it on the release they return to."""
    for name, pin in sorted(to.components.items()):
        if pin.kubernetes is not None and not pin.kubernetes.contains(kubernetes):
            yield f"it never goes down, and {name} {pin.version} of release {to.name} runs on {pin.kubernetes}"
    if message := unsupported(kubernetes, to.management_plane.capi, management=False):
        yield f"it never goes down, and {message}"
    for image, wanted in zip(
        image_names(from_.kubernetes, kubernetes), image_names(to.kubernetes, kubernetes), strict=True
    ):
        if image != wanted:
            yield f"it never goes down, and its image is {image}, where release {to.name} looks for {wanted}"


def _plane(from_: ManagementPlane, to: ManagementPlane) -> Iterator[Item]:
    for field in _PLANE:
        new, old = getattr(from_, field), getattr(to, field)
        if None not in (new, old) and new != old:
            yield _plane_item(field, new, old)


def _plane_item(field: str, new: ComponentVersion, old: ComponentVersion) -> Item:
    if old > new:
        return Item(f"managementPlane.{field}", str(new), str(old), "back", "it goes up")
    return Item(f"managementPlane.{field}", str(new), str(old), "stays", "management clusters do not go down")


def _version(pin: PinnedComponent | None) -> str:
    return "none" if pin is None else str(pin.version)

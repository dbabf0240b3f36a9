"""Classes of volumes and of snapshots, as every driver has them; one class of a cluster is the default (domain 15).

A StorageClass never changes but for whether its volumes grow, so other content
is another class, under a name that people choose (decision 0013).

The default is the class that says so. Where none does, it is the only one that
does not say otherwise: a cluster with one driver and one class needs no word.
Rules of all drivers of a cluster, seen together:

1. No two classes say that they are the default.
2. Where there are classes, one is the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from schiff.components.protocol import Never, SettingProblem
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec

DEFAULT_CLASS: Final = "default-class"
DEFAULT_RULE: Final = "Exactly one class of volumes is the default, over all drivers of the cluster."

_ANNOTATION: Final = "storageclass.kubernetes.io/is-default-class"
_UNWRITTEN: Final[Mapping[str, tuple[str, ...]]] = {"portworx": ("repl2",), "trident": (), "vsphere-csi": ("default",)}
"""Every driver, and the classes it has where nobody writes any."""

_WAY_OUT: Final = "order another class under a new name, move claims to it, then remove this one"
NEVER: Final = tuple(
    Never("StorageClass", (field,), _WAY_OUT)
    for field in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
)

Claims: TypeAlias = Mapping[tuple[str, str], bool | None]
"""What each class of a cluster says of itself, by driver and name: the default, not the default, or nothing."""


class VolumeClassSpec(Spec):
    """What a class of volumes says whatever its driver; without a word, the only class of a cluster is the default."""

    default: bool | None = None
    reclaim_policy: Literal["Delete", "Retain"] = "Delete"
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "WaitForFirstConsumer"
    expandable: bool = True


class SnapshotClassSpec(Spec):
    """A class of snapshots: whether the one on the array goes with the object."""

    deletion_policy: Literal["Delete", "Retain"] = "Delete"


def storage_class(name: str, provisioner: str, parameters: Mapping[str, str], spec: VolumeClassSpec) -> Manifest:
    """Return a class of volumes that is not the default."""
    return Manifest(
        "storage.k8s.io/v1",
        "StorageClass",
        name,
        body={
            "provisioner": provisioner,
            "parameters": dict(parameters),
            "allowVolumeExpansion": spec.expandable,
            "volumeBindingMode": spec.binding,
            "reclaimPolicy": spec.reclaim_policy,
        },
    )


def snapshot_classes(driver: str, classes: Mapping[str, SnapshotClassSpec]) -> Iterator[Manifest]:
    """Give the classes of snapshots of one CSI driver."""
    for name, spec in sorted(classes.items()):
        body = {"driver": driver, "deletionPolicy": spec.deletion_policy}
        yield Manifest("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", name, body=body)


def default_annotations(
    cluster: ResolvedCluster, driver: str, name: str, own: Mapping[str, VolumeClassSpec]
) -> dict[str, str]:
    """Return what makes a class the default, if it is."""
    return {_ANNOTATION: "true"} if _default(_claims(cluster, driver, own)) == (driver, name) else {}


def default_problems(
    cluster: ResolvedCluster, driver: str, own: Mapping[str, VolumeClassSpec]
) -> Iterator[SettingProblem]:
    """Give every class of this driver that says what another one says too; and say once that no class does."""
    claims = _claims(cluster, driver, own)
    marked = _marked(claims)
    for name in sorted(own):
        others = ", ".join(_text(one) for one in marked if one != (driver, name))
        if (driver, name) in marked and others:
            message = f"{others} says that it is the default class of the cluster too"
            yield SettingProblem(("classes", name, "default"), message, "let one class say so", DEFAULT_CLASS)
    if claims and not marked and _default(claims) is None and driver == min(claims)[0]:
        known = ", ".join(_text(one) for one in sorted(claims))
        cure = f"write default: true in one of {known}"
        yield SettingProblem(("classes",), "no class of volumes is the default", cure, DEFAULT_CLASS)


def _default(claims: Claims) -> tuple[str, str] | None:
    open_ones = _marked(claims) or [one for one, said in claims.items() if said is None]
    return open_ones[0] if len(open_ones) == 1 else None


def _marked(claims: Claims) -> list[tuple[str, str]]:
    return sorted(one for one, said in claims.items() if said)


def _claims(cluster: ResolvedCluster, driver: str, own: Mapping[str, VolumeClassSpec]) -> Claims:
    claims = {(driver, name): spec.default for name, spec in own.items()}
    for other in sorted(_UNWRITTEN):
        if other != driver and _runs(other, cluster):
            claims |= {(other, name): said for name, said in _written(cluster, other).items()}
    return claims


def _runs(driver: str, cluster: ResolvedCluster) -> bool:
    """Return whether a cluster runs a driver: vSphere's own on vSphere, any other where a layer names it."""
    asked = cluster.identity.provider == "vsphere" if driver == "vsphere-csi" else driver in cluster.spec.components
    return asked and driver in cluster.layers.release.components


def _written(cluster: ResolvedCluster, driver: str) -> dict[str, bool | None]:
    """Return what another driver's classes say; settings that are no classes are refused where that driver is read."""
    said: Any = cluster.spec.components.get(driver, {})
    classes: Any = said.get("classes", {name: {} for name in _UNWRITTEN[driver]})
    if not isinstance(classes, Mapping):
        return {}
    return {name: spec.get("default") for name, spec in classes.items() if isinstance(spec, Mapping)}


def _text(one: tuple[str, str]) -> str:
    return f"{one[0]}'s class {one[1]}"

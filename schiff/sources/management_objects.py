"""What a management cluster holds, sorted by whom it is about: one list has the objects of a thousand clusters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.rollout.health import ObjectKey
from schiff.rollout.health.reading import key_of

Objects = Mapping[ObjectKey, Any]
_KUSTOMIZATION: Final = "Kustomization"


def keyed(objects: Iterable[Any]) -> dict[ObjectKey, Any]:
    """Return objects by their identities."""
    return {key_of(item): item for item in objects}


@dataclass(frozen=True, slots=True)
class ManagementObjects:
    """The objects of a management cluster by namespace."""

    namespaces: Mapping[str, Objects]
    sources: Objects = field(default_factory=dict)

    @classmethod
    def of(cls, objects: Objects) -> ManagementObjects:
        """Sort objects by their namespaces."""
        namespaces: defaultdict[str, dict[ObjectKey, Any]] = defaultdict(dict)
        for key, item in objects.items():
            namespaces[key[2]][key] = item
        shared = {key: item for key, item in namespaces[FLUX_NAMESPACE].items() if key[1] != _KUSTOMIZATION}
        return cls(dict(namespaces), shared)

    def of_cluster(self, namespace: str) -> Objects:
        """Return what speaks of the cluster of one namespace: all in it, the sources, its Kustomization."""
        group = "kustomize.toolkit.fluxcd.io"
        own: ObjectKey = (group, _KUSTOMIZATION, FLUX_NAMESPACE, namespace)
        listed = self.namespaces.get(FLUX_NAMESPACE, {})
        applied = {own: listed[own]} if own in listed else {}
        return {**self.namespaces.get(namespace, {}), **self.sources, **applied}

    def everything(self) -> Objects:
        """Return all objects."""
        return {key: item for objects in self.namespaces.values() for key, item in objects.items()}

"""The ``kustomization.yaml`` that every applied folder has, so that nothing in it is applied by accident.

Flux applies every file of a folder that has none (domain reference 10.1). The
order of the resources is the order given: people read it, kustomize sorts by
itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schiff.manifests.yaml import to_yaml

FILE_NAME = "kustomization.yaml"


def kustomization(
    resources: Iterable[str],
    *,
    namespace: str = "",
    images: Sequence[Mapping[str, str]] = (),
    patches: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return a kustomization; an empty list of resources stays written, for it prunes what was there."""
    document: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    if namespace:
        document["namespace"] = namespace
    document["resources"] = list(resources)
    if patches:
        document["patches"] = list(patches)
    if images:
        document["images"] = list(images)
    return document


def kustomization_file(
    resources: Iterable[str],
    *,
    namespace: str = "",
    images: Sequence[Mapping[str, str]] = (),
    patches: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the text of a ``kustomization.yaml``."""
    return to_yaml([kustomization(resources, namespace=namespace, images=images, patches=patches)])


def patch(kind: str, name: str, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a JSON patch of one object: it fails when its target is not there, where a merge would pass silently."""
    return {"target": {"kind": kind, "name": name}, "patch": json.dumps(list(operations), indent=2) + "\n"}


def deletion(api_version: str, kind: str, name: str) -> dict[str, Any]:
    """Return a patch that leaves an upstream object out, because somebody else owns it here."""
    removed = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "$patch": "delete"}
    return {"patch": to_yaml([removed])}

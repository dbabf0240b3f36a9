"""Definitions of kinds stay: with a CustomResourceDefinition go all its objects, in every cluster that loses it."""

from __future__ import annotations

from typing import Any, Final

from schiff.manifests.yaml import to_yaml

KEPT: Final = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
"""What Flux looks for on the live object before it collects garbage."""

_DEFINITION: Final = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}


def kept_definitions() -> dict[str, Any]:
    """Return a patch of a folder under which Flux takes away none of its definitions, whatever leaves the folder."""
    kept = {**_DEFINITION, "metadata": {"name": "any", "annotations": KEPT}}
    return {"target": {"kind": _DEFINITION["kind"]}, "patch": to_yaml([kept])}

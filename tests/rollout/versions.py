"""Releases of which only the versions matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from schiff.model.fleet import SharedLayers
from schiff.model.release import ReleaseSpec
from schiff.values.digests import digest
from schiff.values.versions import KubernetesVersion
from tests.rollout.small_fleet import head_layers

Components = Mapping[str, Mapping[str, Any]]


def version(text: str) -> KubernetesVersion:
    """Return ``1.35.4`` or ``v1.35.4`` as a version; without a patch it is 0."""
    numbers = text.removeprefix("v").split(".")
    return KubernetesVersion.parse("v" + ".".join([*numbers, "0"][:3]))


def release_of(
    kubernetes: str,
    *,
    via: Sequence[str] = (),
    name: str = "2026.48.0",
    capi: str = "v1.13.5",
    cut: str | None = None,
    **components: Mapping[str, Any],
) -> ReleaseSpec:
    """Return a release; components by name, ``-`` written as ``_``."""
    target = str(version(kubernetes))
    images = {"vsphere": {"template": f"image-{target}"}, "metal3": {"url": f"image-{target}", "sha256": "a" * 64}}
    plane = dict.fromkeys(("capm3", "capv", "ipamInCluster", "ipamMetal3"), "v1.0.0")
    return ReleaseSpec.model_validate(
        {
            "kind": "train",
            "name": name,
            "cut": cut,
            "components": {key.replace("_", "-"): dict(pin) for key, pin in components.items()},
            "kubernetes": {"version": target, "via": [str(version(it)) for it in via], "images": images},
            "managementPlane": {**plane, "capi": capi, "schiff": "source"},
        }
    )


def layers_of(release: ReleaseSpec, **layers: Any) -> SharedLayers:
    """Return a release's frozen layers, under a digest that its name gives."""
    return replace(head_layers(release, **layers), digest=digest(release.name))

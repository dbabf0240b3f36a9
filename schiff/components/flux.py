"""Flux: four controllers that pull and apply (domain reference 10).

The manifests are upstream's; what a distribution adds to them (accounts, where
events go, the key for Kustomizations without their own) is patched in here. Service names are written without the
cluster's domain, because clusters may choose their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.manifests.flux import DECRYPTION_KEY, FLUX_NAMESPACE
from schiff.manifests.kustomize import patch
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

_CONTROLLERS = ("helm-controller", "kustomize-controller", "notification-controller", "source-controller")
_POD = "/spec/template/spec"


class FluxSettings(Spec):
    """Flux has no settings: every cluster runs it alike."""


class Flux(OrdinaryComponent):
    """The component that applies all others; the management cluster applies it itself."""

    name = "flux"
    settings = FluxSettings
    bootstrap = True
    images = tuple(f"fluxcd/{name}" for name in _CONTROLLERS)

    def variant(self, cluster: ResolvedCluster, settings: FluxSettings) -> str:  # noqa: ARG002
        """Return the intranet's variant there; every other zone is taken for an open one."""
        return "intranet" if cluster.identity.zone == "intranet" else "internet"

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the distribution; towards the internet with policies that let nobody in."""
        base: dict[str, Any] = {"namespace": FLUX_NAMESPACE, "patches": [_patch(name) for name in _CONTROLLERS]}
        closed = ["../base", *(path.partition("/")[2] for path in sorted(vendored) if path.startswith("internet/"))]
        kustomizations = {BASE: base, "intranet": {"resources": ["../base"]}, "internet": {"resources": closed}}
        return versioned_folder(vendored, kustomizations)


def _patch(controller: str) -> dict[str, Any]:
    operations = [{"op": "add", "path": f"{_POD}/serviceAccountName", "value": controller}]
    arguments = [] if controller == "notification-controller" else ["--events-addr=http://notification-controller/"]
    if controller == "source-controller":
        arguments.append("--storage-adv-addr=source-controller.$(RUNTIME_NAMESPACE).svc")
    if controller == "kustomize-controller":
        arguments.append(f"--sops-age-secret={DECRYPTION_KEY}")
    operations += [{"op": "add", "path": f"{_POD}/containers/0/args/-", "value": argument} for argument in arguments]
    return patch("Deployment", controller, operations)


COMPONENT = Flux()

"""grafana-operator: Grafana, data sources and dashboards as objects of every namespace (domain reference 16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.components.kept_definitions import kept_definitions
from schiff.components.prometheus_operator import NAMESPACE
from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.manifests.kustomize import patch
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

_IMAGE = "ghcr.io/grafana/grafana-operator"
_DEPLOYMENT = "grafana-operator-controller-manager"
_ROLE = "grafana-operator-permissions"
_CONTAINER = "/spec/template/spec/containers/0"


class GrafanaOperatorSettings(Spec):
    """grafana-operator has no settings: every cluster runs it alike."""


class GrafanaOperator(OrdinaryComponent):
    """The operator and its kinds; version 5's group, ``grafana.integreatly.org``."""

    name = "grafana-operator"
    settings = GrafanaOperatorSettings
    requires = ("calico", "prometheus-operator")
    images = (_IMAGE,)
    rules: Mapping[str, str] = {}

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:
        """Return upstream's kinds and manifests in the namespace of monitoring.

        Upstream's own kustomization names the release of the image and of the role; it is not taken, because Flux
        puts the cluster's registry in the place of the first.
        """
        patches = [
            kept_definitions(),
            _image_patch(version),
            _role_patch(),
            *(_moved(kind, name) for kind, name in _BINDINGS),
        ]
        return versioned_folder(vendored, {BASE: {"namespace": NAMESPACE, "patches": patches}})


_BINDINGS = (("ClusterRoleBinding", _ROLE), ("RoleBinding", "grafana-operator-leases"))


def _image_patch(version: ComponentVersion) -> dict[str, Any]:
    image = "{}:v{}.{}.{}".format(_IMAGE, *version.triple)
    return patch("Deployment", _DEPLOYMENT, [{"op": "replace", "path": f"{_CONTAINER}/image", "value": image}])


def _role_patch() -> dict[str, Any]:
    return patch("ClusterRole", "manager-role", [{"op": "replace", "path": "/metadata/name", "value": _ROLE}])


def _moved(kind: str, name: str) -> dict[str, Any]:
    return patch(kind, name, [{"op": "replace", "path": "/subjects/0/namespace", "value": NAMESPACE}])


COMPONENT = GrafanaOperator()

"""prometheus-operator: the kinds that monitoring is described with, and who acts on them (domain reference 16).

It owns the namespace of monitoring. Of upstream's kinds only those are there that the platform uses: the operator
leaves a controller out whose kind it does not find. What it starts for others is pulled from the cluster's own
registry, which the folder cannot know: a ConfigMap of the cluster says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "monitoring-system"
"""Where everything that monitors runs; this component makes it, the others require this one."""

_NAME = "prometheus-operator"
_SETTINGS = "prometheus-operator-settings"
_POD = "/spec/template/spec"
_CONTAINER = f"{_POD}/containers/0"
_RELOADER = "prometheus-operator/prometheus-config-reloader"
_STARTED = {"prometheus": "prometheus/prometheus", "alertmanager": "prometheus/alertmanager", "thanos": "thanos/thanos"}


class PrometheusOperatorSettings(Spec):
    """prometheus-operator has no settings: every cluster runs it alike."""


class PrometheusOperator(OrdinaryComponent):
    """The operator and its kinds."""

    name = _NAME
    settings = PrometheusOperatorSettings
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = ("quay.io/prometheus-operator/prometheus-operator",)
    rules: Mapping[str, str] = {}

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:
        """Return upstream's kinds and manifests, moved to the namespace, with images from the cluster's registry."""
        base = {"namespace": NAMESPACE, "patches": [kept_definitions(), _binding_patch(), _deployment_patch(version)]}
        return versioned_folder(vendored, {BASE: base})

    def inputs(self, cluster: ResolvedCluster, settings: PrometheusOperatorSettings) -> Sequence[Manifest]:  # noqa: ARG002
        """Return where the operator pulls what it starts from."""
        data = {"REGISTRY": cluster.spec.registry}
        return (Manifest("v1", "ConfigMap", _SETTINGS, NAMESPACE, labels=cluster.identity.labels, body={"data": data}),)


def _binding_patch() -> dict[str, Any]:
    moved = {"op": "replace", "path": "/subjects/0/namespace", "value": NAMESPACE}
    return patch("ClusterRoleBinding", _NAME, [moved])


def _deployment_patch(version: ComponentVersion) -> dict[str, Any]:
    """Return the patch of the operator; it fails when upstream's order of arguments changes."""
    release = "v{}.{}.{}".format(*version.triple)
    reloader = f"--prometheus-config-reloader=$(REGISTRY)/{_RELOADER}:{release}"
    upstream = f"--prometheus-config-reloader=quay.io/{_RELOADER}:{release}"
    probe = {"httpGet": {"path": "/healthz", "port": "http"}}
    registry = {"name": "REGISTRY", "valueFrom": {"configMapKeyRef": {"name": _SETTINGS, "key": "REGISTRY"}}}
    return patch(
        "Deployment",
        _NAME,
        [
            {"op": "test", "path": f"{_CONTAINER}/args/1", "value": upstream},
            {"op": "replace", "path": f"{_CONTAINER}/args/1", "value": reloader},
            *(
                {
                    "op": "add",
                    "path": f"{_CONTAINER}/args/-",
                    "value": f"--{name}-default-base-image=$(REGISTRY)/{image}",
                }
                for name, image in _STARTED.items()
            ),
            {"op": "add", "path": f"{_CONTAINER}/env/-", "value": registry},
            {"op": "add", "path": f"{_CONTAINER}/livenessProbe", "value": probe},
            {"op": "add", "path": f"{_CONTAINER}/readinessProbe", "value": probe},
            {"op": "replace", "path": f"{_CONTAINER}/resources/limits/memory", "value": "500Mi"},
        ],
    )


COMPONENT = PrometheusOperator()

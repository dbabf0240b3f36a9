"""The kinds that are read to tell how clusters are: no more than the reading account may read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from schiff.rollout.health.expected import Expected
from schiff.rollout.health.reading import at, text
from schiff.rollout.health.references import referred_sources
from schiff.sources.api_connection import Kind

_CLUSTER_API: Final = ("v1beta2", "v1beta1")
_INFRASTRUCTURE: Final = "infrastructure.cluster.x-k8s.io"
_SOURCES: Final = "source.toolkit.fluxcd.io"
_TEMPLATE: Final = "Template"
_REFERENCES: Final = (
    ("spec", "machineTemplate", "spec", "infrastructureRef"),
    ("spec", "template", "spec", "infrastructureRef"),
)

CONFIG_MAP: Final = Kind("", "ConfigMap", "configmaps", ("v1",))
NODE: Final = Kind("", "Node", "nodes", ("v1",), namespaced=False)
SECRET: Final = Kind("", "Secret", "secrets", ("v1",))

CLUSTERS: Final = (
    Kind("cluster.x-k8s.io", "Cluster", "clusters", _CLUSTER_API),
    Kind("cluster.x-k8s.io", "MachineDeployment", "machinedeployments", _CLUSTER_API),
    Kind("cluster.x-k8s.io", "Machine", "machines", _CLUSTER_API),
    Kind("cluster.x-k8s.io", "MachineSet", "machinesets", _CLUSTER_API),
    Kind("controlplane.cluster.x-k8s.io", "KubeadmControlPlane", "kubeadmcontrolplanes", _CLUSTER_API),
)
_ALWAYS: Final = (
    Kind("kustomize.toolkit.fluxcd.io", "Kustomization", "kustomizations", ("v1",)),
    Kind(_SOURCES, "GitRepository", "gitrepositories", ("v1",)),
)
_WHERE_DELIVERED: Final = (
    Kind("helm.toolkit.fluxcd.io", "HelmRelease", "helmreleases", ("v2",)),
    Kind(_SOURCES, "HelmRepository", "helmrepositories", ("v1",)),
    Kind(_SOURCES, "OCIRepository", "ocirepositories", ("v1",)),
)


def flux_kinds(objects: Iterable[Mapping[str, Any]]) -> tuple[Kind, ...]:
    """Return Flux's kinds that delivered objects are of, or refer to; most clusters have no charts."""
    delivered = list(objects)
    named = {text(item, "kind") for item in delivered} | {key[1] for key in referred_sources(delivered)}
    return (*_ALWAYS, *(kind for kind in _WHERE_DELIVERED if kind.kind in named))


def machine_kinds(expected: Iterable[Expected]) -> tuple[Kind, ...]:
    """Return the kinds of machines that the delivered templates make.

    They say which template a machine was made of; where they cannot be read,
    health looks elsewhere for it.
    """
    references = (at(item, *place) for each in expected for item in each.management for place in _REFERENCES)
    templates = {text(reference, "kind") for reference in references if reference is not None}
    kinds = sorted(name.removesuffix(_TEMPLATE) for name in templates if name.endswith(_TEMPLATE))
    return tuple(Kind(_INFRASTRUCTURE, kind, f"{kind.lower()}s", _CLUSTER_API, optional=True) for kind in kinds)

"""The Cluster API operator: a management cluster's providers, installed by version (domain reference 9).

Which providers at which versions is the release's `managementPlane`; they lie
beside the management cluster's own objects. This is what reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from schiff.components.protocol import OrdinaryComponent, SettingProblem
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec

NAMESPACE: Final = "capi-operator-system"
_MAJORITY = 3


class ClusterApiOperatorSettings(Spec):
    """It has no settings: versions are the release's, accounts are secrets that providers name."""


class ClusterApiOperator(OrdinaryComponent):
    """What makes providers of declarations, on management clusters alone."""

    name = "cluster-api-operator"
    settings = ClusterApiOperatorSettings
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = ("capi-operator/cluster-api-operator",)
    rules: Mapping[str, str] = MappingProxyType({
        "majority": "A management cluster has three control plane machines: a rollout removes one that runs providers.",
        "workers": "A management cluster has workers: providers do not run on control plane machines.",
        "one-set": "The providers of a release belong together: metal3's are of Cluster API's own minor version.",
    })  # fmt: skip
    example = "{}"

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether it is a management cluster's own."""
        return cluster.self_managed

    def problems(self, cluster: ResolvedCluster, settings: ClusterApiOperatorSettings) -> Iterator[SettingProblem]:  # noqa: ARG002
        """Give what providers could not run on, and versions that do not belong together."""
        replicas = cluster.spec.control_plane.replicas
        if replicas < _MAJORITY:
            message = f"{replicas} control plane machine, and a rollout would remove the one that runs the providers"
            yield SettingProblem((), message, f"write controlPlane.replicas: {_MAJORITY}", "majority")
        if not any(pool.size for pool in cluster.spec.pools.values()):
            message = "no pool has machines, and providers run on workers alone"
            yield SettingProblem((), message, "give a pool replicas or hosts", "workers")
        plane = cluster.layers.release.management_plane
        for name, version in (("capm3", plane.capm3), ("ipamMetal3", plane.ipam_metal3)):
            if version.minor != plane.capi.minor:
                message = f"{name} {version} is not of Cluster API {plane.capi}'s minor version"
                yield SettingProblem((), message, f"pin {name} v{plane.capi.major}.{plane.capi.minor}.x", "one-set")


COMPONENT = ClusterApiOperator()

"""The Cluster API operator: a management cluster's providers, installed by version (domain reference 9).

Which providers at which versions is the release's `managementPlane`; they lie
beside the management cluster's own objects. This is what reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schiff.components.protocol import OrdinaryComponent
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec

NAMESPACE: Final = "capi-operator-system"


class ClusterApiOperatorSettings(Spec):
    """It has no settings: versions are the release's, accounts are secrets that providers name."""


class ClusterApiOperator(OrdinaryComponent):
    """What makes providers of declarations, on management clusters alone."""

    name = "cluster-api-operator"
    settings = ClusterApiOperatorSettings
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = ("capi-operator/cluster-api-operator",)
    rules: Mapping[str, str] = MappingProxyType({})

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether it is a management cluster's own."""
        return cluster.self_managed


COMPONENT = ClusterApiOperator()

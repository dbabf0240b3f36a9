"""The Cluster API operator: a management cluster's providers, installed by version (domain reference 9).

Which providers at which versions is the release's `managementPlane`; they lie
beside the management cluster's own objects. This is what reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

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
    rules: Mapping[str, str] = {}

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether it is a management cluster's own."""
        return cluster.self_managed

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the operator and the definitions of providers, which stay: with those would go what it installed."""
        return versioned_folder(vendored, {BASE: {"patches": [kept_definitions()]}})


COMPONENT = ClusterApiOperator()

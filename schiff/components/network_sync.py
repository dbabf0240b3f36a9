"""network-sync: what brings intents from a management cluster to its tenants (domain reference 14).

It finds each tenant by the kubeconfig that Cluster API leaves beside the
intents. It refuses a namespace with two clusters; here each has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "network-sync-system"


class NetworkSyncSettings(Spec):
    """It has no settings: intents lie in the namespaces of tenants."""


class NetworkSync(OrdinaryComponent):
    """The definitions of intents on a management cluster, and what copies them; without it no intent can be applied."""

    name = "network-sync"
    settings = NetworkSyncSettings
    requires = ("calico",)
    namespaces = (NAMESPACE,)
    images = ("telekom/das-schiff-network-sync",)
    rules: Mapping[str, str] = {}

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether it is a management cluster's own."""
        return cluster.self_managed

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return what copies intents and their definitions, which stay: with those would go every tenant's networks."""
        return versioned_folder(vendored, {BASE: {"patches": [kept_definitions()]}})


COMPONENT = NetworkSync()

"""A cluster with everything decided: the only input of the compiler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from schiff.model.fleet import Fleet, ManagementCluster, SharedLayers
from schiff.model.release import Assignment
from schiff.model.site import SiteFacts
from schiff.model.tenant_cluster import MachineClassSpec, TenantClusterSpec
from schiff.values.names import ClusterKey

CLUSTER_LABEL: Final = "cluster.x-k8s.io/cluster-name"
"""Cluster API's own label: the cluster an object belongs to, by its name alone."""


def namespace_of(key: ClusterKey, management_cluster: str) -> str:
    """Return the namespace of a cluster's Cluster API objects; a management cluster's is its own name."""
    return key.name if key.name == management_cluster else f"{key.site}-{key.name}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Every name a cluster has inside and outside (domain reference 3.3 and 3.4); none may ever change."""

    management_cluster: str
    environment: str
    site: str
    location: str
    provider: str
    zone: str
    customer: str
    name: str
    base_domain: str
    label_domain: str

    @property
    def key(self) -> ClusterKey:
        """The cluster's key in the fleet."""
        return ClusterKey(self.site, self.name)

    @property
    def namespace(self) -> str:
        """The namespace of its Cluster API objects: one for each cluster; a management cluster's is its own name."""
        return namespace_of(self.key, self.management_cluster)

    @property
    def fqdn(self) -> str:
        """The fleet-wide handle."""
        return f"{self.name}.{self.site}.{self.location}.{self.base_domain}"

    def label(self, key: str) -> str:
        """Return ``<label domain>/<key>``."""
        return f"{self.label_domain}/{key}"

    @property
    def labels(self) -> dict[str, str]:
        """Our labels on everything of this cluster (domain reference 3.1); the FQDN is too long for a label."""
        return {
            CLUSTER_LABEL: self.name,
            self.label("customer"): self.customer,
            self.label("environment"): self.environment,
            self.label("location"): self.location,
            self.label("provider"): self.provider,
            self.label("site"): self.site,
            self.label("zone"): self.zone,
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """A tenant as its management cluster lists it: what names its folder and its namespace, and nothing of its spec.

    The list has one compiler, also when another version compiles some of the tenants in it.
    """

    management_cluster: str
    key: ClusterKey
    customer: str

    @property
    def namespace(self) -> str:
        """The namespace of its Cluster API objects."""
        return namespace_of(self.key, self.management_cluster)


@dataclass(frozen=True, slots=True)
class ResolvedCluster:
    """One cluster after its layers were merged: tenant's, or a management cluster's own."""

    identity: Identity
    spec: TenantClusterSpec
    site: SiteFacts
    management: ManagementCluster
    layers: SharedLayers
    assignment: Assignment
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    self_managed: bool = False

    @property
    def listing(self) -> Listing:
        """What its management cluster lists of it."""
        return Listing(self.identity.management_cluster, self.identity.key, self.identity.customer)

    @property
    def is_listed(self) -> bool:
        """Whether its folder is still there to be applied."""
        return self.assignment.removal != "e"

    def machine_class(self, name: str) -> MachineClassSpec:
        """Return a machine class by name; resolving made sure that it exists."""
        return self.spec.machine_classes[name]


@dataclass(frozen=True, slots=True)
class ResolvedEnvironment:
    """All clusters of one environment, and every management cluster that serves it; sorted by key and name."""

    environment: str
    tenants: Mapping[ClusterKey, ResolvedCluster]
    management_clusters: Mapping[str, ResolvedCluster]
    fleet: Fleet

    @property
    def owned(self) -> tuple[str, ...]:
        """The management clusters whose self-definitions, site objects and sources this environment delivers."""
        return tuple(
            name
            for name, cluster in self.management_clusters.items()
            if cluster.management.spec.owning_environment == self.environment
        )

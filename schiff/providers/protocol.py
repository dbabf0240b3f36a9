"""What an infrastructure must tell the compiler; the rest of a cluster is the same everywhere.

A provider is found by the entry point group ``schiff.providers`` under the
name that sites carry in ``provider``. It is a pure function of its input:
equal input gives equal objects. Whatever may never change in place (machine
templates) carries a digest of its content in its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from schiff.manifests.machine_group import MachineGroup
from schiff.manifests.manifest import Manifest
from schiff.manifests.node_setup import Endpoint, NodeSetup
from schiff.model.fleet import Path, Site
from schiff.model.release import ManagementPlane
from schiff.model.resolved import ResolvedCluster
from schiff.values.identifiers import Identifier


class Objection(NamedTuple):
    """Why a provider cannot build a cluster: the value (``pools``, ``md-0``, ``hosts``), what is wrong, the cure."""

    path: Path
    message: str
    cure: str


class Provider(Protocol):
    """An infrastructure that machines of tenant and management clusters come from."""

    @property
    def node_startup_seconds(self) -> int:
        """How long a machine needs at least from order to node; health checks never wait less."""
        ...

    @property
    def machine_resource(self) -> str:
        """What the API server calls its machines (``vspheremachines``), so that they may be read."""
        ...

    def objections(self, cluster: ResolvedCluster, groups: Sequence[MachineGroup]) -> Iterator[Objection]:
        """Yield every reason not to build the cluster; the other methods are called only when there is none."""
        ...

    def infrastructure_cluster(self, cluster: ResolvedCluster) -> Manifest:
        """Return the object that the Cluster's ``infrastructureRef`` names."""
        ...

    def pools(self, cluster: ResolvedCluster, groups: Sequence[MachineGroup]) -> Sequence[Manifest]:
        """Return what machines are made from: pools of addresses, servers."""
        ...

    def machine_templates(self, cluster: ResolvedCluster, group: MachineGroup) -> Sequence[Manifest]:
        """Return the templates of a group's machines; the last is the one that machines are cloned from."""
        ...

    def zone_rooms(self, cluster: ResolvedCluster, group: MachineGroup) -> tuple[int | None, ...]:
        """Return how many of a group's machines each of its zones can take, None where nothing bounds it."""
        ...

    def node(self, cluster: ResolvedCluster) -> NodeSetup:
        """Return how a machine becomes a node: its name, its network, its kubelet's flags."""
        ...

    def endpoint(self, cluster: ResolvedCluster) -> Endpoint:
        """Return how control plane machines hold the address of the API."""
        ...

    def remediation(self, cluster: ResolvedCluster) -> Manifest | None:
        """Return the template by which broken machines are repaired, where replacing them is not the first choice."""
        ...

    def identifiers(self, cluster: ResolvedCluster) -> Iterator[Identifier]:
        """Give every name that a cluster has in the infrastructure."""
        ...

    def site_objects(self, site: Site, label_domain: str, free_hosts: Sequence[str]) -> Sequence[Manifest]:
        """Return the objects of a site that belong to no tenant; `free_hosts` are the servers nobody ordered."""
        ...

    def management_plane(self, plane: ManagementPlane) -> Sequence[Manifest]:
        """Return what a management cluster must run to serve sites of this kind."""
        ...

"""An environment as a tree of resources: management clusters, their sites, the clusters that stand there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pulumi

from schiff.compiler.environment import Repository
from schiff.delivery.delivered import Line
from schiff.model.fleet import Fleet
from schiff.resources.chosen import compile_chosen
from schiff.resources.delivery import Delivery
from schiff.resources.folder import Folder
from schiff.resources.management_cluster import ManagementCluster
from schiff.resources.places import customer_of, management_cluster_of, site_of
from schiff.resources.reproducible import require_reproducible
from schiff.resources.site import Site
from schiff.resources.tenant_cluster import DeliveredCluster, TenantCluster
from schiff.resources.wanted import REPOSITORIES, Wanted

PROTECTED = "prd"
"""The environment whose clusters Pulumi does not delete, as long as nobody decommissions them."""


class EnvironmentTree(pulumi.ComponentResource):
    """The top of an environment's resources; `register` makes what is below, one after the other."""

    def __init__(self, name: str, delivery: Delivery, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("schiff:index:Environment", name, {}, opts)
        self._name = name
        self._delivery = delivery
        self._management_clusters: dict[str, ManagementCluster] = {}
        self._sites: dict[str, Site] = {}

    def register(self, wanted: Mapping[Repository, Wanted], release: str, fleet: Fleet) -> Iterator[pulumi.Resource]:
        """Hand over what is wanted to the delivery, then yield a record for every cluster and folder."""
        contexts = {name: one.spec.facts.api_context for name, one in fleet.management_clusters.items()}
        self._delivery.take(wanted, release, contexts)
        require_reproducible(fleet, (line for share in wanted.values() for line in share.wave), self._delivery.places)
        for line, resource in self._records(wanted):
            self._delivery.record(resource, protect=self._is_protected(line))
            yield resource
        self.register_outputs({})

    def _records(self, wanted: Mapping[Repository, Wanted]) -> Iterator[tuple[Line, pulumi.Resource]]:
        in_components = {line.name: line for line in wanted["components"].wave}
        for repository in REPOSITORIES:
            for line in wanted[repository].wave:
                if repository == "definitions" and line.kind == "cluster":
                    cluster = self._cluster({"definitions": line, "components": in_components[line.name]})
                    self._delivery.place(line.path, cluster, protect=self._is_protected(line))
                    yield line, cluster
                elif repository == "definitions" and self._delivery.is_direct:
                    self._delivery.place(line.path, self._parent(line.path), protect=False)
                elif line.kind == "folder":
                    yield line, Folder(repository, line, self._options(line))

    def _cluster(self, lines: Mapping[str, Line]) -> TenantCluster:
        line = lines["definitions"]
        delivered = DeliveredCluster(
            environment=self._name,
            management_cluster=management_cluster_of(line.path),
            site=site_of(line.path) or "",
            customer=customer_of(line.path),
            lines=lines,
            direct=self._delivery.is_direct,
        )
        return TenantCluster(delivered, self._options(line))

    def _is_protected(self, line: Line) -> bool:
        return self._name == PROTECTED and line.kind == "cluster" and not line.removal

    def _options(self, line: Line) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self._parent(line.path),
            provider=self._delivery.provider,
            protect=self._is_protected(line) or None,
        )

    def _parent(self, path: str) -> pulumi.Resource:
        """Return the component a folder stands below; components are made when first needed."""
        name, site = management_cluster_of(path), site_of(path)
        above = self._management_clusters.get(name)
        if above is None:
            above = ManagementCluster(name, pulumi.ResourceOptions(parent=self))
            self._management_clusters[name] = above
        if site is None:
            return above
        if site not in self._sites:
            self._sites[site] = Site(site, pulumi.ResourceOptions(parent=above))
        return self._sites[site]


class Environment(EnvironmentTree):
    """Chosen clusters of a fleet on one release, in a stack of somebody's own.

    It is outside the gate: no ledger says what these clusters run, and the
    stack's output says so. Paths that another stack's manifest owns are refused.
    """

    def __init__(
        self,
        name: str,
        *,
        fleet: Fleet,
        release: str,
        clusters: Sequence[str],
        delivery: Delivery,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, delivery, opts)
        compiled = compile_chosen(fleet, release, clusters, delivery.versions)
        wanted = {repository: Wanted.of(repository, compiled, compiled) for repository in REPOSITORIES}
        for _ in self.register(wanted, release, fleet):
            pass

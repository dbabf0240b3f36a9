"""The Cluster API objects of one cluster, before they are laid into files.

A tenant's and a management cluster's own objects are the same; only the files
they lie in differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from schiff.compiler.parts import Parts
from schiff.errors import InvalidInput, Problem
from schiff.layers.schema import CLUSTER_SHAPE
from schiff.layers.shapes import path_text
from schiff.layers.validation import Locate, in_document
from schiff.manifests import cluster_api, kubeadm
from schiff.manifests.cluster_objects import NEVER_PRUNED
from schiff.manifests.machine_group import MachineGroup, control_plane_group, pool_groups, spread
from schiff.manifests.manifest import Manifest
from schiff.model.fleet import Document
from schiff.model.resolved import ResolvedCluster
from schiff.providers.protocol import Provider


@dataclass(frozen=True, slots=True)
class CompiledPool:
    """One pool: what its machines join by, are cloned from, are counted and checked by."""

    bootstrap: Manifest
    templates: tuple[Manifest, ...]
    deployments: tuple[Manifest, ...]
    health_check: Manifest


@dataclass(frozen=True, slots=True)
class CompiledCluster:
    """Everything Cluster API is told about a cluster, in the order in which it is written."""

    namespace: Manifest
    cluster: Manifest
    infrastructure: Manifest
    pools: tuple[Manifest, ...]
    control_plane: Manifest
    control_plane_templates: tuple[Manifest, ...]
    control_plane_health_check: Manifest
    remediation: Manifest | None
    workers: tuple[CompiledPool, ...]

    @property
    def templates(self) -> tuple[Manifest, ...]:
        """The templates of all machines, the control plane's first."""
        return (*self.control_plane_templates, *(template for pool in self.workers for template in pool.templates))

    @property
    def health_checks(self) -> tuple[Manifest, ...]:
        """The checks of all machines, with the repair they name first."""
        repair = () if self.remediation is None else (self.remediation,)
        return (*repair, *(pool.health_check for pool in self.workers), self.control_plane_health_check)


def compile_cluster(cluster: ResolvedCluster, parts: Parts) -> CompiledCluster:
    """Return the cluster's objects; raises `InvalidInput` with everything its infrastructure cannot do."""
    if found := tuple(problems(cluster, parts)):
        raise InvalidInput(found)
    provider = parts.provider(cluster.identity.site, cluster.identity.provider)
    group, pools = control_plane_group(cluster), pool_groups(cluster)
    templates = tuple(provider.machine_templates(cluster, group))
    infrastructure = provider.infrastructure_cluster(cluster)
    remediation = provider.remediation(cluster)
    plane = kubeadm.control_plane(cluster, group, templates[-1], provider.node(cluster), provider.endpoint(cluster))
    startup = _node_startup(cluster, provider)
    return CompiledCluster(
        namespace=cluster_api.namespace(cluster),
        cluster=cluster_api.cluster_manifest(cluster, plane, infrastructure),
        infrastructure=infrastructure,
        pools=tuple(provider.pools(cluster, (group, *pools))),
        control_plane=plane,
        control_plane_templates=templates,
        control_plane_health_check=cluster_api.control_plane_health_check(cluster, startup, remediation),
        remediation=remediation,
        workers=tuple(_pool(cluster, pool, provider, remediation) for pool in pools),
    )


def _pool(
    cluster: ResolvedCluster, group: MachineGroup, provider: Provider, remediation: Manifest | None
) -> CompiledPool:
    templates = tuple(provider.machine_templates(cluster, group))
    bootstrap = kubeadm.kubeadm_config_template(cluster, group, provider.node(cluster))
    parts = _parts_of(group, provider.zone_rooms(cluster, group))
    return CompiledPool(
        bootstrap=bootstrap,
        templates=templates,
        deployments=tuple(
            cluster_api.machine_deployment(cluster, group, bootstrap, templates[-1], replicas=replicas, zone=zone)
            for zone, replicas in parts
        ),
        health_check=cluster_api.worker_health_check(cluster, group, _node_startup(cluster, provider), remediation),
    )


def _parts_of(group: MachineGroup, rooms: tuple[int | None, ...]) -> tuple[tuple[str | None, int], ...]:
    """Return the deployments of a pool: one, or one for each zone, because a deployment has one failure domain."""
    if not group.zones:
        return ((None, group.size),)
    return tuple(zip(group.zones, spread(group.size, rooms), strict=True))


def _node_startup(cluster: ResolvedCluster, provider: Provider) -> int:
    return max(cluster.spec.health.node_startup_seconds, provider.node_startup_seconds)


def problems(cluster: ResolvedCluster, parts: Parts, locate: Locate | None = None) -> Iterator[Problem]:
    """Yield every reason why a cluster's infrastructure cannot build it.

    `locate` finds where a value was written (`Resolver.locate`); without it the order is named.
    """
    identity = cluster.identity
    find = locate or _in_order(cluster)
    groups = (control_plane_group(cluster), *pool_groups(cluster))
    for path, message, cure in parts.provider(identity.site, identity.provider).objections(cluster, groups):
        place, layer, prefix = find(path)[:3]
        text = path_text(CLUSTER_SHAPE, path, prefix)
        yield Problem(place, text, message, cure, layer, rule=f"{identity.provider}-cannot")


def _in_order(cluster: ResolvedCluster) -> Locate:
    identity = cluster.identity
    if cluster.self_managed:
        return in_document(Document(f"management-clusters/{identity.name}.yaml", {}), prefix="cluster")
    return in_document(Document(f"sites/{identity.site}/{identity.customer}/{identity.name}.yaml", {}))


def never_pruned(manifest: Manifest) -> Manifest:
    """Return the manifest as one that Flux must not remove, whatever happens to its file."""
    return replace(manifest, annotations={**manifest.annotations, **NEVER_PRUNED})

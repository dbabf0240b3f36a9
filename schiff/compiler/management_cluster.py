"""The folder by which a management cluster manages itself: its own Cluster API objects, and its providers.

Flux never removes any of them: a cluster that deletes itself is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from schiff.compiler.applied_folder import applied_folder
from schiff.compiler.compiled_cluster import CompiledCluster, compile_cluster, never_pruned
from schiff.compiler.file_tree import FileTree
from schiff.compiler.parts import Parts
from schiff.manifests import infoblox
from schiff.manifests.manifest import Manifest
from schiff.manifests.operator_objects import provider
from schiff.manifests.sops import documents_for
from schiff.model.fleet import Fleet
from schiff.model.resolved import ResolvedCluster
from schiff.providers.protocol import Provider


def self_definitions(cluster: ResolvedCluster, fleet: Fleet, parts: Parts) -> FileTree:
    """Return the folder ``self-definitions``, with the infrastructures of the sites it looks after.

    Encrypted documents of other namespaces lie in its folder of ``cluster-components``, as a tenant's do.
    """
    files = {
        **_own_objects(compile_cluster(cluster, parts)),
        "providers.yml": tuple(_providers(cluster, fleet, parts)),
    }
    kept = {path: [never_pruned(item) for item in objects] for path, objects in files.items()}
    return applied_folder(kept, documents_for(cluster.secrets, cluster.identity.namespace))


def _own_objects(compiled: CompiledCluster) -> Mapping[str, Sequence[Manifest]]:
    workers = {f"machinedeployment-{index}.yml": pool.deployments for index, pool in enumerate(compiled.workers)}
    return {
        "Cluster.yml": (compiled.namespace, compiled.cluster, compiled.infrastructure, *compiled.pools),
        "Kubeadm-config.yml": (compiled.control_plane, *(pool.bootstrap for pool in compiled.workers)),
        **workers,
        "machinehealthcheck.yml": compiled.health_checks,
        "MachineTemplates.yml": compiled.templates,
    }


def _providers(cluster: ResolvedCluster, fleet: Fleet, parts: Parts) -> Iterator[Manifest]:
    """Yield Cluster API itself, then what each kind of infrastructure needs, by name."""
    plane = cluster.layers.release.management_plane
    yield from provider("CoreProvider", "cluster-api", "capi-system", plane.capi)
    yield from provider("BootstrapProvider", "kubeadm", "capi-kubeadm-bootstrap-system", plane.capi)
    yield from provider("ControlPlaneProvider", "kubeadm", "capi-kubeadm-control-plane-system", plane.capi)
    for infrastructure in infrastructures(cluster, fleet, parts):
        yield from infrastructure.management_plane(plane)
    if plane.ipam_infoblox is not None and _knows_infoblox(cluster, fleet):
        artifact = f"{cluster.spec.registry}/cluster-api/ipam-infoblox"
        yield from provider("IPAMProvider", "infoblox", infoblox.NAMESPACE, plane.ipam_infoblox, artifact=artifact)


def _knows_infoblox(cluster: ResolvedCluster, fleet: Fleet) -> bool:
    """Return whether a site that it looks after, or its own, has addresses in Infoblox."""
    served = (fleet.sites[site].facts for site in cluster.management.spec.sites)
    return any(facts.infoblox is not None for facts in (*served, cluster.site))


def infrastructures(cluster: ResolvedCluster, fleet: Fleet, parts: Parts) -> list[Provider]:
    """Return every kind of infrastructure that a management cluster makes machines of, its own too, by name."""
    kinds = {fleet.sites[site].facts.provider: site for site in sorted(cluster.management.spec.sites, reverse=True)}
    kinds[cluster.identity.provider] = cluster.identity.site
    return [parts.provider(site, kind) for kind, site in sorted(kinds.items())]

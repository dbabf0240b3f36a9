"""A tenant cluster's folder in ``cluster-definitions``; its file names are the domain's (reference 4.1).

`Role.yml` is ours: what reading the cluster's status needs; so is ``components/``: what a component
has beside the cluster's own objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from schiff.compiler.applied_folder import applied_folder
from schiff.compiler.bootstrap import bootstrap_kustomizations
from schiff.compiler.compiled_cluster import CompiledCluster, CompiledPool, compile_cluster
from schiff.compiler.component_set import component_set
from schiff.compiler.file_tree import FileTree
from schiff.compiler.parts import Parts
from schiff.compiler.removal import BOOTSTRAP, leaving
from schiff.compiler.status_access import kubeconfig_access
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import documents_for
from schiff.model.resolved import ResolvedCluster


def definitions(cluster: ResolvedCluster, parts: Parts) -> FileTree:
    """Return the folder by which a management cluster makes, keeps or removes this cluster.

    Of its encrypted documents those in its management namespace belong here; the others are for the tenant.
    """
    removal = cluster.assignment.removal
    if removal == "e":
        return FileTree()
    if removal == "d":
        return applied_folder({})
    bootstrap = {f"{BOOTSTRAP}/{name}": item for name, item in bootstrap_kustomizations(cluster, parts).items()}
    files = {
        **bootstrap,
        **_files(compile_cluster(cluster, parts)),
        **_of_components(cluster, parts),
        "Role.yml": kubeconfig_access(cluster),
    }
    secrets = documents_for(cluster.secrets, cluster.identity.namespace)
    return applied_folder(leaving(files, removal), secrets)


def _files(compiled: CompiledCluster) -> Mapping[str, Sequence[Manifest]]:
    return {
        "Cluster.yml": (compiled.namespace, compiled.cluster, compiled.infrastructure, *compiled.pools),
        "KubeadmControlPlane.yml": (compiled.control_plane,),
        "MachineDeployment.yml": _deployments(compiled.workers),
        "MachineHealthcheck.yml": compiled.health_checks,
        "MachineTemplate.yml": compiled.templates,
    }


def _of_components(cluster: ResolvedCluster, parts: Parts) -> Mapping[str, Sequence[Manifest]]:
    """Return what components have on the management cluster, a file each."""
    objects = {
        one.name: tuple(one.component.management_objects(cluster, one.settings))
        for one in component_set(cluster, parts).running
    }
    return {f"components/{name}.yml": items for name, items in objects.items() if items}


def _deployments(workers: Iterable[CompiledPool]) -> tuple[Manifest, ...]:
    return tuple(item for pool in workers for item in (pool.bootstrap, *pool.deployments))

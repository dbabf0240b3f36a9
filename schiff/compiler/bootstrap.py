"""What a management cluster applies to a tenant, and nothing else (domain reference 10.2).

Three Kustomizations, each after the one before: CNI, Flux, and what the tenant
needs to pull by itself. They live where Cluster API writes the kubeconfig, fail
until the API server answers, and only repair later. A mistake in Git must not
take CNI or Flux from a tenant, so none of them prunes.

A cluster that is being removed has none: they would wait for an API server that
is gone. What comes encrypted is decrypted with the tenant's copy of the key in
its management namespace where the fleet holds one, else with the key that the
management cluster's Flux was given. A management cluster applies its own to itself, from the namespace of
its Flux, because no kubeconfig is needed and none of its own is there at first.
"""

from __future__ import annotations

from collections.abc import Collection

from schiff.compiler.component_set import Running, component_set
from schiff.compiler.parts import Parts
from schiff.compiler.shards import in_shard
from schiff.manifests.flux import (
    BOOTSTRAP_PACE,
    COMPONENTS,
    DECRYPTION,
    DECRYPTION_KEY,
    FLUX_KEY_DECRYPTION,
    FLUX_NAMESPACE,
    flux_kustomization,
)
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import documents_for, is_in, secret_target
from schiff.model import layout
from schiff.model.resolved import ResolvedCluster


def bootstrap_kustomizations(cluster: ResolvedCluster, parts: Parts) -> dict[str, list[Manifest]]:
    """Return the two files of a tenant's ``kustomizations`` folder, by name; none in any state of a removal."""
    if cluster.assignment.removal is not None:
        return {}
    components = component_set(cluster, parts)
    name, folder, flux = cluster.identity.name, own_folder(cluster), components.flux
    first = {target for one in components.bootstrap for target in one.component.secrets}
    in_cni = any(secret_target(content) in first for content in cluster.secrets.values())
    in_self = bool(documents_for(cluster.secrets, FLUX_NAMESPACE))
    cni = _remote(cluster, f"{name}-cni", f"{folder}/cni", decrypt=in_cni)
    return {
        "cni-kustomization.yaml": [cni],
        "flux-kustomization.yaml": [
            _remote(
                cluster,
                f"{name}-flux",
                versioned_path(flux),
                depends_on=(f"{name}-cni",),
                images=images_of(flux, cluster),
            ),
            _remote(cluster, f"{name}-config", f"{folder}/self", depends_on=(f"{name}-flux",), decrypt=in_self),
        ],
    }


def _remote(
    cluster: ResolvedCluster,
    name: str,
    path: str,
    *,
    depends_on: Collection[str] = (),
    images: Collection[dict[str, str]] = (),
    decrypt: bool = False,
) -> Manifest:
    has_key = cluster.self_managed or is_in(cluster.secrets, DECRYPTION_KEY, cluster.identity.namespace)
    decryption = DECRYPTION if has_key else FLUX_KEY_DECRYPTION
    applied = flux_kustomization(
        name,
        path,
        COMPONENTS,
        BOOTSTRAP_PACE,
        namespace=FLUX_NAMESPACE if cluster.self_managed else cluster.identity.namespace,
        prune=False,
        depends_on=depends_on,
        images=images,
        decryption=decryption if decrypt else None,
        kubeconfig="" if cluster.self_managed else f"{cluster.identity.name}-kubeconfig",
    )
    return applied if cluster.self_managed else in_shard(applied, cluster.identity.key, cluster.management)


def own_folder(cluster: ResolvedCluster) -> str:
    """Return a cluster's own folder in ``cluster-components``."""
    identity = cluster.identity
    return str(layout.locations_folder(identity.location, identity.site, identity.name))


def versioned_path(one: Running) -> str:
    """Return the folder of the variant a cluster runs: the pin that a promotion moves."""
    return f"{layout.component_folder(one.name, str(one.version))}/{one.variant}"


def images_of(one: Running, cluster: ResolvedCluster) -> list[dict[str, str]]:
    """Return where the cluster pulls a component's images from: its own registry, under upstream's path."""
    return [{"name": name, "newName": f"{cluster.spec.registry}/{_hostless(name)}"} for name in one.component.images]


def _hostless(image: str) -> str:
    host, slash, path = image.partition("/")
    return path if slash and ("." in host or ":" in host) else image

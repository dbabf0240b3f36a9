"""What the Flux of a management cluster reads and applies (domain reference 10.1).

Each environment owns one list: a Kustomization for each of its tenant folders,
so that a tenant can be suspended, and a broken one hurts nobody else. What the
environments of a management cluster share stands in the owner's list: sources,
the cluster's own definitions, site objects, the lists themselves, and who may
read how clusters are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from schiff.compiler.alerts import alerts
from schiff.compiler.bootstrap import bootstrap_kustomizations
from schiff.compiler.file_tree import FileTree
from schiff.compiler.management_cluster import infrastructures
from schiff.compiler.parts import Parts
from schiff.compiler.shards import in_shard
from schiff.compiler.status_access import management_account
from schiff.manifests.flux import COMPONENTS, DECRYPTION, DEFINITIONS, FOLDER_PACE, flux_kustomization, git_repository
from schiff.manifests.kustomize import FILE_NAME, kustomization_file
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.model import layout
from schiff.model.fleet import Fleet
from schiff.model.resolved import Listing, ResolvedCluster

_SELF = "self-definitions"


def flux_folder_tree(
    management: ResolvedCluster,
    environment: str,
    tenants: tuple[ResolvedCluster, ...],
    fleet: Fleet,
    parts: Parts,
    *,
    owned: bool,
    others: Collection[Listing] = (),
) -> FileTree:
    """Return the list of one environment on one management cluster; `others` are compiled by another version."""
    listed = [*(cluster.listing for cluster in tenants if cluster.is_listed), *others]
    files = {f"{tenant.namespace}.yaml": [_tenant(tenant, management)] for tenant in listed}
    if told := alerts(management, environment, listed, owned=owned):
        files["alerts.yaml"] = list(told)
    if owned:
        files["sources.yaml"] = list(_sources(management))
        files["shared.yaml"] = list(_shared(management))
        files["access.yaml"] = list(_access(management, fleet, parts))
        files |= bootstrap_kustomizations(management, parts)
    texts = {path: to_yaml(objects) for path, objects in files.items()}
    return FileTree({**texts, FILE_NAME: kustomization_file(sorted(texts))})


def _tenant(tenant: Listing, management: ResolvedCluster) -> Manifest:
    key = tenant.key
    folder = layout.cluster_folder(tenant.management_cluster, key.site, tenant.customer, key.name)
    return in_shard(_applied(tenant.namespace, str(folder)), key, management.management)


def _applied(name: str, path: str, *, prune: bool = True, depends_on: Collection[str] = ()) -> Manifest:
    """Return the Kustomization of one folder; what it made outlives it, so that a lost list removes nothing."""
    return flux_kustomization(
        name, path, DEFINITIONS, FOLDER_PACE, prune=prune, orphan=True, decryption=DECRYPTION, depends_on=depends_on
    )


def _sources(management: ResolvedCluster) -> Iterator[Manifest]:
    facts, name, secrets = management.management.spec.facts, management.management.name, management.secrets
    yield git_repository(DEFINITIONS, facts.definitions_url, facts.branch, [name], secrets)
    yield git_repository(COMPONENTS, facts.components_url, facts.branch, ["components", "locations"], secrets)


def _access(management: ResolvedCluster, fleet: Fleet, parts: Parts) -> Iterator[Manifest]:
    machines = (each.machine_resource for each in infrastructures(management, fleet, parts))
    yield from management_account(management, machines)


def _shared(management: ResolvedCluster) -> Iterator[Manifest]:
    """Yield self-definitions, which are never pruned, the lists of all environments, and the sites' own objects.

    A site's credentials lie in namespaces of Cluster API's providers, which self-definitions makes: it comes first.
    A dot cannot stand in a cluster's or a site's name, so no tenant is called like a list or a site.
    """
    name, spec = management.management.name, management.management.spec
    yield _applied(_SELF, str(layout.self_definitions_folder(name)), prune=False)
    for environment in spec.environments:
        yield _applied(f"flux.{environment}", str(layout.flux_folder(name, environment)))
    for site in sorted(spec.sites):
        yield _applied(f"site.{site}", str(layout.site_folder(name, site)), depends_on=(_SELF,))

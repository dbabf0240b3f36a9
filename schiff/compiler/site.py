"""A site's own objects: what no tenant owns, in the folder ``_site`` next to the customers.

A server belongs to one cluster or to nobody. Orders record who has which, of
every environment alike, so the free ones are those that no order lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schiff.compiler.applied_folder import applied_folder
from schiff.compiler.file_tree import FileTree
from schiff.compiler.parts import Parts
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import secret_target
from schiff.model.fleet import Fleet, ManagementCluster, Site
from schiff.model.resolved import ResolvedCluster
from schiff.values.names import ENVIRONMENTS


def site_objects(site: Site, cluster: ResolvedCluster, fleet: Fleet, parts: Parts) -> FileTree:
    """Return the folder of a site on one of its management clusters, a file for each kind of object."""
    free = free_hosts(site, fleet) if keeps_free_hosts(site, cluster.management, fleet) else ()
    provider = parts.provider(site.name, site.facts.provider)
    files: dict[str, list[Manifest]] = {}
    for manifest in provider.site_objects(site, fleet.head.settings.label_domain, free):
        files.setdefault(f"{manifest.kind}.yml", []).append(manifest)
    return applied_folder(files, site_secrets(site, cluster.management, fleet))


def site_secrets(site: Site, management: ManagementCluster, fleet: Fleet) -> dict[str, bytes]:
    """Return the site's encrypted documents, without those for clusters that another management cluster keeps."""
    elsewhere = {
        f"{key.site}-{key.name}"
        for key, order in fleet.orders.items()
        if key.site == site.name
        and (keeper := fleet.management_cluster_of(key.site, str(order.document.data.get("environment"))))
        and keeper.name != management.name
    }
    return {name: text for name, text in site.secrets.items() if secret_target(text).namespace not in elsewhere}


def free_hosts(site: Site, fleet: Fleet) -> Sequence[str]:
    """Return the servers of a site that nobody ordered, sorted."""
    taken = {host for order in _orders_at(site, fleet) for host in listed_hosts(order)}
    return tuple(sorted(site.facts.hosts.keys() - taken))


def _orders_at(site: Site, fleet: Fleet) -> Iterator[Mapping[str, Any]]:
    yield from (order.document.data for key, order in fleet.orders.items() if key.site == site.name)
    yield from (each.spec.cluster for each in fleet.management_clusters.values() if each.spec.site == site.name)


def listed_hosts(order: Mapping[str, Any]) -> Iterator[str]:
    """Give every server that an order names."""
    yield from order.get("controlPlane", {}).get("hosts", ())
    for pool in order.get("pools", {}).values():
        yield from pool.get("hosts", ())


def keeps_free_hosts(site: Site, management: ManagementCluster, fleet: Fleet) -> bool:
    """Return whether this management cluster keeps the site's free servers; two would fight over one server's BMC."""
    serving = [each for each in fleet.management_clusters.values() if site.name in each.spec.sites]
    first = min(serving, key=lambda each: (ENVIRONMENTS.index(each.spec.owning_environment), each.name))
    return first.name == management.name

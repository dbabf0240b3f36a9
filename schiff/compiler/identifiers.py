"""Every name that a cluster has in systems outside of it (domain reference 3.4).

They follow from what a cluster is called and from what people recorded, so they
are the same in every run; two clusters that would share one are refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from schiff.compiler.component_set import component_set
from schiff.compiler.parts import Parts
from schiff.model import layout
from schiff.model.resolved import ResolvedCluster
from schiff.values.identifiers import Identifier


def identifiers(cluster: ResolvedCluster, parts: Parts) -> tuple[Identifier, ...]:
    """Return them sorted; raises `InvalidInput` for a cluster whose components cannot run."""
    found = [
        *_of_cluster(cluster),
        *parts.provider(cluster.identity.site, cluster.identity.provider).identifiers(cluster),
    ]
    for one in component_set(cluster, parts).running:
        found += one.component.identifiers(cluster, one.settings)
    return tuple(sorted(set(found)))


def _of_cluster(cluster: ResolvedCluster) -> Iterator[Identifier]:
    identity, spec = cluster.identity, cluster.spec
    network = cluster.site.networks.get(spec.nodes.network)
    yield Identifier("dns", "name", "", identity.fqdn)
    yield Identifier("dns", "name", "", f"api.{identity.fqdn}")
    yield Identifier("network", "api address", identity.site, str(spec.control_plane.endpoint))
    if network is not None and network.vlan is not None:
        yield Identifier("network", "vlan", identity.site, str(network.vlan), shared=True)
    yield Identifier("kubernetes", "namespace", identity.management_cluster, identity.namespace)
    yield Identifier("sops", "key", "", identity.fqdn)
    yield Identifier("git", "folder", "cluster-definitions", _definitions(cluster))
    yield Identifier(
        "git", "folder", "cluster-components",
        str(layout.locations_folder(identity.location, identity.site, identity.name)),
    )  # fmt: skip


def _definitions(cluster: ResolvedCluster) -> str:
    identity = cluster.identity
    if cluster.self_managed:
        return str(layout.self_definitions_folder(identity.management_cluster))
    return str(layout.cluster_folder(identity.management_cluster, identity.site, identity.customer, identity.name))

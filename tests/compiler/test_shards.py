"""Which shard of a management cluster's Flux applies a tenant."""

from __future__ import annotations

from collections import Counter

import yaml

from schiff.compiler.bootstrap import bootstrap_kustomizations
from schiff.compiler.flux_lists import flux_folder_tree
from schiff.compiler.shards import SHARD_LABEL, shard_of
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.names import ClusterKey
from tests.compiler.compiling import PARTS
from tests.makers import (
    MANAGEMENT_CLUSTER,
    Documents,
    a_fleet,
    a_resolved_cluster,
    a_resolved_management_cluster,
    changed,
)

FLEET = [ClusterKey(f"site-{number % 7}", f"customer-{number}") for number in range(2000)]


def with_shards() -> Documents:
    offered = changed("components/flux.yaml", "versions", {"v2.9.3-s2": {}})
    documents = changed("head.yaml", "components.flux.version", "v2.9.3-s2", offered)
    return changed(MANAGEMENT_CLUSTER, "facts.shards", 4, documents)


def bootstrap(cluster: ResolvedCluster) -> list[Manifest]:
    return [item for items in bootstrap_kustomizations(cluster, PARTS).values() for item in items]


def test_tenants_are_spread_evenly_and_stay_where_they_are() -> None:
    for shards in (2, 4, 8):
        counts = Counter(shard_of(key, shards) for key in FLEET)
        assert set(counts) == {f"shard{number}" for number in range(1, shards + 1)}
        assert max(counts.values()) < 1.3 * min(counts.values())
    assert shard_of(ClusterKey("vsphere-site-1", "customer-a-1"), 4) == "shard4"


def test_everything_of_a_tenant_is_in_one_shard() -> None:
    tenant = a_resolved_cluster(documents=with_shards())
    manager = a_resolved_management_cluster(documents=with_shards())
    tree = flux_folder_tree(manager, "tst", (tenant,), a_fleet(with_shards()), PARTS, owned=True)
    listed = yaml.safe_load(tree[f"{tenant.identity.namespace}.yaml"])["metadata"]["labels"][SHARD_LABEL]
    assert {item.labels[SHARD_LABEL] for item in bootstrap(tenant)} == {listed}


def test_what_is_shared_is_in_no_shard() -> None:
    manager = a_resolved_management_cluster(documents=with_shards())
    tree = flux_folder_tree(manager, "tst", (), a_fleet(with_shards()), PARTS, owned=True)
    assert not [path for path, text in tree.items() if SHARD_LABEL in str(text)]


def test_without_shards_nothing_is_labelled() -> None:
    tenant = a_resolved_cluster()
    assert not [item for item in bootstrap(tenant) if item.labels]
    tree = flux_folder_tree(a_resolved_management_cluster(), "tst", (tenant,), a_fleet(), PARTS, owned=False)
    assert "labels" not in str(tree[f"{tenant.identity.namespace}.yaml"])

"""Which Flux of a management cluster applies a tenant, where one set of controllers would be too slow (domain 10.5).

A tenant's shard follows from its key and the number of shards, so it stays where it is whatever else comes and goes.
Everything of a tenant is in one shard, because what depends on each other must be. What is shared is in none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from schiff.manifests.manifest import Manifest
from schiff.model.fleet import ManagementCluster
from schiff.values.digests import digest
from schiff.values.names import ClusterKey

SHARD_LABEL: Final = "sharding.fluxcd.io/key"
_DIGITS: Final = 12


def in_shard(item: Manifest, tenant: ClusterKey, management: ManagementCluster) -> Manifest:
    """Return the object as the controllers of its tenant's shard find it; without shards as it is."""
    shards = management.spec.facts.shards
    if shards is None:
        return item
    return replace(item, labels={**item.labels, SHARD_LABEL: shard_of(tenant, shards)})


def shard_of(tenant: ClusterKey, shards: int) -> str:
    """Return the name of a tenant's shard; names count from 1."""
    number = int(digest(str(tenant)).removeprefix("sha256:")[:_DIGITS], 16)
    return f"shard{number % shards + 1}"

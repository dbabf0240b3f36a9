"""Which variants of its components a cluster runs: evidence from one cluster says little of another that differs."""

from __future__ import annotations

from collections.abc import Mapping

from schiff.compiler.component_set import component_set
from schiff.compiler.parts import Parts
from schiff.components.protocol import BASE
from schiff.model.resolved import ResolvedCluster, ResolvedEnvironment
from schiff.values.names import ClusterKey


def variant_of(cluster: ResolvedCluster, parts: Parts) -> str:
    """Return every component that runs as something else than its base, such as ``flux=intranet,vsphere-csi=zones``."""
    running = sorted((one.name, one.variant) for one in component_set(cluster, parts).running)
    return ",".join(f"{name}={variant}" for name, variant in running if variant != BASE) or BASE


def variants_of(resolved: ResolvedEnvironment, parts: Parts) -> Mapping[ClusterKey, str]:
    """Return the variant of every tenant cluster; raises `InvalidInput` for components that do not fit."""
    return {key: variant_of(cluster, parts) for key, cluster in resolved.tenants.items()}

"""Which machines are replaced when a cluster's objects are followed by others.

Cluster API replaces a machine when the version, the machine template or the
configuration it was made by is another one. Names of templates carry a digest
of exactly what must do so, so it is enough to compare what refers to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.compiler.compiled_cluster import CompiledCluster
from schiff.manifests.manifest import Manifest

_MADE_BY = ("version", "bootstrap", "infrastructureRef")


def rolled_machines(before: CompiledCluster, after: CompiledCluster) -> int:
    """Return how many of the machines there are before are replaced by machines that are made otherwise."""
    old, new = _groups(before), _groups(after)
    return sum(size for name, (size, made_by) in old.items() if name in new and new[name][1] != made_by)


def _groups(cluster: CompiledCluster) -> Mapping[str, tuple[int, Any]]:
    """Return the size of every group of machines, and what they are made by, by the object that owns them."""
    plane = cluster.control_plane.body["spec"]
    machines = plane["machineTemplate"]["spec"]["infrastructureRef"]
    groups = {cluster.control_plane.name: (plane["replicas"], (plane["version"], machines, plane["kubeadmConfigSpec"]))}
    deployments = (deployment for pool in cluster.workers for deployment in pool.deployments)
    return {**groups, **{deployment.name: _made(deployment) for deployment in deployments}}


def _made(deployment: Manifest) -> tuple[int, Any]:
    spec = deployment.body["spec"]
    return spec["replicas"], tuple(spec["template"]["spec"][field] for field in _MADE_BY)

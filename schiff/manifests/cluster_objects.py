"""What all objects of one cluster have in common: namespace, labels, references, and whether Flux may remove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster

PRUNE = "kustomize.toolkit.fluxcd.io/prune"
NEVER_PRUNED: Mapping[str, str] = {PRUNE: "disabled"}
"""For what must outlive its file: namespaces, clusters, servers, and templates that a rollout may still need."""


def cluster_object(
    cluster: ResolvedCluster,
    api_version: str,
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    *,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """Return an object in the cluster's namespace with the labels that everything of the cluster carries."""
    identity = cluster.identity
    return Manifest(
        api_version=api_version,
        kind=kind,
        name=name,
        namespace=identity.namespace,
        labels=identity.labels,
        annotations=annotations or {},
        body={"spec": spec},
    )


def reference(target: Manifest) -> dict[str, str]:
    """Return a Cluster API reference, which names no version: that is looked up from the CRD's contract label."""
    return {"apiGroup": target.api_version.partition("/")[0], "kind": target.kind, "name": target.name}


def named_list(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return arguments in the form that v1beta2 has for them: a list of names and values."""
    return [{"name": name, "value": value} for name, value in values.items()]

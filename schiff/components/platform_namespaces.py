"""Which namespaces are the platform's: nobody else has rights there, and no policy looks at them.

A component's namespace carries the label of its owner. Those of Kubernetes and of bootstrap components are there before
anything could label them, so they are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.model.resolved import ResolvedCluster

_ALWAYS: Final = (
    "calico-apiserver",
    "calico-system",
    "kube-node-lease",
    "kube-public",
    "kube-system",
    FLUX_NAMESPACE,
    "tigera-operator",
)
_OF_MANAGEMENT: Final = (
    "baremetal-operator-system",
    "capi-ipam-in-cluster-system",
    "capi-ipam-infoblox-system",
    "capi-kubeadm-bootstrap-system",
    "capi-kubeadm-control-plane-system",
    "capi-operator-system",
    "capi-system",
    "capm3-system",
    "capv-system",
    "cert-manager",
    "metal3-ipam-system",
)
_NAME_LABEL: Final = "kubernetes.io/metadata.name"
PLATFORM: Final = "platform"
"""The owner that the platform's namespaces name."""


def platform_namespaces(cluster: ResolvedCluster) -> tuple[str, ...]:
    """Return the namespaces of the platform that carry no label; a management cluster has Cluster API's too."""
    return tuple(sorted({*_ALWAYS, *(_OF_MANAGEMENT if cluster.self_managed else ())}))


def other_namespaces(cluster: ResolvedCluster, spared: Iterable[str] = (), only: Sequence[str] = ()) -> dict[str, Any]:
    """Return a selector of what is not the platform's and not `spared`, and of `only` those where any are given."""
    names = sorted({*platform_namespaces(cluster), *spared})
    expressions: list[dict[str, Any]] = [
        {"key": _NAME_LABEL, "operator": "NotIn", "values": names},
        {"key": cluster.identity.label("owner"), "operator": "NotIn", "values": [PLATFORM]},
    ]
    if only:
        expressions.insert(0, {"key": _NAME_LABEL, "operator": "In", "values": sorted(only)})
    return {"matchExpressions": expressions}

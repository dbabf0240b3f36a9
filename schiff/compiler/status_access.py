"""What may be read to tell how a cluster is, and by whom: one account, nothing else, no right to change a thing.

On every cluster lives a ServiceAccount of one name. It reads Flux's objects, the
nodes, and the one ConfigMap that says which release was delivered; on a
management cluster Cluster API's objects too. A tenant's account is reached with
a kubeconfig of its own, kept on the management cluster beside Cluster API's; of
all secrets there that one alone may be read, so that nobody needs the tenants'
admin kubeconfig to look at them.

A management cluster has no such secret: whoever reads it brings an account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from schiff.manifests.access import Account, Right, access, account_token, cluster_access, service_account
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster

STATUS_ACCOUNT: Final = Account("schiff-status", FLUX_NAMESPACE)
"""Who reads, on management clusters and tenants alike."""

STATUS_TOKEN: Final = f"{STATUS_ACCOUNT.name}-token"
"""The Secret in a tenant that holds the account's token."""

RELEASE: Final = "schiff-release"
"""The ConfigMap in every cluster that says what was delivered."""

_READ = ("get", "list")
_RELEASE_RIGHT = Right("", ("configmaps",), ("get",), (RELEASE,))
_EVERYWHERE = (
    Right("", ("nodes",), _READ),
    Right("helm.toolkit.fluxcd.io", ("helmreleases",), _READ),
    Right("kustomize.toolkit.fluxcd.io", ("kustomizations",), _READ),
    Right(
        "source.toolkit.fluxcd.io",
        ("gitrepositories", "helmcharts", "helmrepositories", "ocirepositories"),
        _READ,
    ),
)


def status_secret(cluster: str) -> str:
    """Return the secret in a tenant's management namespace that holds the kubeconfig of its reading account."""
    return f"{cluster}-status"


def tenant_account(cluster: ResolvedCluster) -> tuple[Manifest, ...]:
    """Return the account in a tenant, its token, and its rights there."""
    labels = cluster.identity.labels
    return (
        service_account(STATUS_ACCOUNT, labels),
        account_token(STATUS_ACCOUNT, labels),
        *cluster_access(STATUS_ACCOUNT, _EVERYWHERE, labels),
        *access(STATUS_ACCOUNT, FLUX_NAMESPACE, (_RELEASE_RIGHT,), labels),
    )


def management_account(management: ResolvedCluster, machines: Iterable[str]) -> tuple[Manifest, ...]:
    """Return the account on a management cluster and its rights; `machines` are the infrastructures' resources."""
    labels = management.identity.labels
    return (
        service_account(STATUS_ACCOUNT, labels),
        *cluster_access(STATUS_ACCOUNT, (*_EVERYWHERE, *_cluster_api(machines)), labels),
        *access(STATUS_ACCOUNT, FLUX_NAMESPACE, (_RELEASE_RIGHT,), labels),
    )


def kubeconfig_access(cluster: ResolvedCluster) -> tuple[Manifest, Manifest]:
    """Return the right to read one tenant's kubeconfig of the reading account, and no other secret."""
    right = Right("", ("secrets",), ("get",), (status_secret(cluster.identity.name),))
    return access(STATUS_ACCOUNT, cluster.identity.namespace, (right,), cluster.identity.labels)


def _cluster_api(machines: Iterable[str]) -> tuple[Right, ...]:
    return (
        Right("cluster.x-k8s.io", ("clusters", "machinedeployments", "machinesets", "machines"), _READ),
        Right("controlplane.cluster.x-k8s.io", ("kubeadmcontrolplanes",), _READ),
        Right("infrastructure.cluster.x-k8s.io", tuple(sorted(machines)), _READ),
    )

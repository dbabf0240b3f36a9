"""Rights: an account, what it may do, and that it is the one who may (RBAC).

Every right is spelled out. A wildcard would grow with every kind that somebody
installs, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from schiff.manifests.manifest import Manifest

_GROUP: Final = "rbac.authorization.k8s.io"
_API: Final = f"{_GROUP}/v1"
_OF_ACCOUNT = "kubernetes.io/service-account.name"


class Right(NamedTuple):
    """What may be done to resources of one API group; with `names` to these objects alone."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


class Account(NamedTuple):
    """A ServiceAccount, as bindings name it."""

    name: str
    namespace: str


def service_account(account: Account, labels: Mapping[str, str]) -> Manifest:
    """Return the account."""
    return Manifest("v1", "ServiceAccount", account.name, account.namespace, labels)


def account_token(account: Account, labels: Mapping[str, str]) -> Manifest:
    """Return a Secret that the cluster itself fills with a token of the account; written here, it holds nothing."""
    return Manifest(
        api_version="v1",
        kind="Secret",
        name=f"{account.name}-token",
        namespace=account.namespace,
        labels=labels,
        annotations={_OF_ACCOUNT: account.name},
        body={"type": "kubernetes.io/service-account-token"},
    )


def cluster_access(account: Account, rights: Iterable[Right], labels: Mapping[str, str]) -> tuple[Manifest, Manifest]:
    """Return a ClusterRole called like the account, and its binding."""
    return (
        Manifest(_API, "ClusterRole", account.name, labels=labels, body={"rules": _rules(rights)}),
        Manifest(_API, "ClusterRoleBinding", account.name, labels=labels, body=_binding("ClusterRole", account)),
    )


def access(
    account: Account, namespace: str, rights: Iterable[Right], labels: Mapping[str, str]
) -> tuple[Manifest, Manifest]:
    """Return a Role in one namespace called like the account, which may live in another, and its binding."""
    return (
        Manifest(_API, "Role", account.name, namespace, labels, body={"rules": _rules(rights)}),
        Manifest(_API, "RoleBinding", account.name, namespace, labels, body=_binding("Role", account)),
    )


def _rules(rights: Iterable[Right]) -> list[dict[str, Any]]:
    return [
        {
            "apiGroups": [right.group],
            "resources": list(right.resources),
            **({"resourceNames": list(right.names)} if right.names else {}),
            "verbs": list(right.verbs),
        }
        for right in rights
    ]


def _binding(kind: str, account: Account) -> dict[str, Any]:
    return {
        "roleRef": {"apiGroup": _GROUP, "kind": kind, "name": account.name},
        "subjects": [{"kind": "ServiceAccount", "name": account.name, "namespace": account.namespace}],
    }

"""Giving the management cluster what it takes to read a tenant: the token of the tenant's reading account.

The tenant makes the token; its administrator's kubeconfig, which Cluster API
keeps beside, leads there. What is written is only what changed, and nothing of
it is ever said.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from lightkube.config.kubeconfig import SingleConfig

from schiff.compiler.status_access import STATUS_ACCOUNT, STATUS_TOKEN, status_secret
from schiff.errors import Failed
from schiff.manifests.reading_account import account_kubeconfig, account_secret
from schiff.model.resolved import CLUSTER_LABEL
from schiff.sources.api_connection import ApiConnection, NotReadable
from schiff.sources.cluster_identity import require_cluster
from schiff.sources.cluster_secrets import Answer, SecretName, read_secrets
from schiff.sources.kubeconfig import inner_config
from schiff.sources.status_kinds import SECRET

WRITTEN, UNCHANGED, WAITING = "written", "unchanged", "waiting"
_AT_ONCE: Final = 16
_SECONDS: Final = 20.0
_ALL: Final = 300.0
_MANAGER: Final = "schiff"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, where its objects lie on its management cluster, and the labels that say which cluster it is."""

    cluster: str
    namespace: str
    identity: Mapping[str, str]

    @property
    def name(self) -> str:
        """The cluster's name, without its site."""
        return self.identity[CLUSTER_LABEL]

    @property
    def admin(self) -> SecretName:
        """The secret with the administrator's kubeconfig."""
        return self.namespace, f"{self.name}-kubeconfig"

    @property
    def status(self) -> SecretName:
        """The secret with the reading account's kubeconfig."""
        return self.namespace, status_secret(self.name)


@dataclass(frozen=True, slots=True)
class Issued:
    """What became of one tenant: `outcome` is a word, or empty when `message` says what went wrong."""

    cluster: str
    outcome: str
    message: str = ""


def issue(management: SingleConfig, name: str, tenants: Iterable[Tenant]) -> list[Issued]:
    """Write the kubeconfig of each tenant's reading account to the management cluster of that name; raises `Failed`."""
    asked = list(tenants)
    found = read_secrets(management, name, [secret for one in asked for secret in (one.admin, one.status)])
    with ApiConnection(management, name, _ALL) as connection, ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda one: _issued(connection, one, found), asked))


def _issued(management: ApiConnection, tenant: Tenant, found: Mapping[SecretName, Answer]) -> Issued:
    try:
        admin, present = _secret(found[tenant.admin]), _secret(found[tenant.status])
        if admin is None:
            return Issued(tenant.cluster, WAITING, f"Cluster API has made no secret {'/'.join(tenant.admin)} yet")
        kubeconfig = _kubeconfig(tenant, admin)
        if not kubeconfig:
            return Issued(tenant.cluster, WAITING, f"the tenant has not made the token of {STATUS_ACCOUNT.name} yet")
        namespace, name = tenant.status
        wanted = account_secret(name, namespace, tenant.name, kubeconfig).as_dict()
        if present is not None and present.get("data") == wanted["data"]:
            return Issued(tenant.cluster, UNCHANGED)
        management.apply(SECRET, wanted, _MANAGER)
    except Failed as error:
        return Issued(tenant.cluster, "", str(error))
    return Issued(tenant.cluster, WRITTEN)


def _kubeconfig(tenant: Tenant, admin: Mapping[str, Any]) -> str:
    """Return the reading account's kubeconfig; an empty text while the tenant has no token."""
    secret = "/".join(tenant.admin)
    config = inner_config(admin, secret)
    authority = config.cluster.certificate_auth_data
    if not authority:
        raise NotReadable("KubeconfigInvalid", f"the kubeconfig in secret {secret} names no authority of its server")
    with ApiConnection(config, tenant.cluster, _SECONDS) as asked:
        require_cluster(asked, tenant.identity, f"secret {secret}")
        token = _token(asked.get(SECRET, STATUS_ACCOUNT.namespace, STATUS_TOKEN))
    return account_kubeconfig(config.cluster.server, authority, token) if token else ""


def _secret(answer: Answer) -> Mapping[str, Any] | None:
    if isinstance(answer, Failed):
        raise answer
    return answer


def _token(secret: Mapping[str, Any] | None) -> str:
    try:
        return base64.b64decode((secret or {})["data"]["token"], validate=True).decode("ascii")
    except (binascii.Error, KeyError, TypeError, ValueError):
        return ""

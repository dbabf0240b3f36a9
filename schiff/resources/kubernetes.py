"""Compiled objects as resources of Pulumi's own Kubernetes provider.

The SDK's typed classes cannot hold every compiled object (a custom resource of
theirs has a ``spec`` and nothing else), so one class stands for all kinds. It
sends the decoded file as it is; only then can the live object equal it.

The SDK is the extra ``schiff[direct]``, and this module alone imports it, when
a stack delivers directly.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pulumi

from schiff.delivery.direct_objects import DirectObject
from schiff.errors import Refused

PACKAGE = "pulumi-kubernetes"
_VERSIONS = ("v1alpha1", "v1alpha2", "v1beta1", "v1beta2", "v1beta3", "v1", "v2")
"""Versions that an object may have been sent in before; the type of a resource holds the one it is sent in."""
_REMOVAL = pulumi.CustomTimeouts(delete="2h")
"""Deleting a Cluster ends when Cluster API has removed its machines."""


class KubernetesObject(pulumi.CustomResource):
    """One compiled object on a management cluster's API server, named by cluster, namespace and name."""

    def __init__(self, management_cluster: str, item: DirectObject, opts: pulumi.ResourceOptions) -> None:
        kind, key = item.key.kind, item.key
        others = (f"{key.group}/{name}" for name in _VERSIONS if key.group)
        own = pulumi.ResourceOptions(
            version=version(PACKAGE),
            aliases=[pulumi.Alias(type_=_type(other, kind)) for other in others if other != item.api_version],
            retain_on_delete=item.is_kept or None,
            custom_timeouts=_REMOVAL if kind == "Cluster" else None,
        )
        name = "/".join(part for part in (management_cluster, key.namespace, key.name) if part)
        super().__init__(_type(item.api_version, kind), name, dict(item.data), pulumi.ResourceOptions.merge(own, opts))


@dataclass(slots=True)
class ManagementApi:
    """One management cluster as the Kubernetes provider reaches it: a file, and one context of it.

    The provider gets the *path* of the file, because its text would lie in the
    state, behind a passphrase that guards nothing. The path is relative to the
    program, so that two checkouts have equal state. What the cluster is called
    decides alone whether the provider is replaced: a new address or user is an
    update, and deletes nothing.
    """

    name: str
    context: str
    kubeconfig: Path
    _made: list[pulumi.ProviderResource] = field(default_factory=list)

    @property
    def provider(self) -> pulumi.ProviderResource:
        """The one explicit provider of this management cluster."""
        if not self._made:
            self._made.append(
                _sdk().Provider(
                    self.name,
                    kubeconfig=os.path.relpath(self.kubeconfig),
                    context=self.context,
                    cluster_identifier=self.name,
                    enable_server_side_apply=True,
                    enable_patch_force=True,
                    upsert_existing_objects=True,
                    delete_unreachable=False,
                )
            )
        return self._made[0]

    def send(
        self, item: DirectObject, parent: pulumi.Resource, after: Sequence[pulumi.Resource], *, protect: bool
    ) -> KubernetesObject:
        """Register one object below its cluster or site, after what it needs.

        A child is protected as its parent is unless it says otherwise, and a protected one could not even be dropped.
        """
        options = pulumi.ResourceOptions(parent=parent, provider=self.provider, depends_on=list(after), protect=protect)
        return KubernetesObject(self.name, item, options)


def require_sdk() -> None:
    """Raise `Refused` unless the Kubernetes SDK is installed."""
    try:
        version(PACKAGE)
    except PackageNotFoundError:
        cure = "install the extra: pip install 'schiff[direct]', and pulumi plugin install resource kubernetes"
        raise Refused(f"direct delivery needs {PACKAGE}, which is not installed; {cure}", "no-kubernetes-sdk") from None


def _sdk() -> Any:
    return import_module("pulumi_kubernetes")


def _type(api_version: str, kind: str) -> str:
    return f"kubernetes:{api_version}:{kind}"

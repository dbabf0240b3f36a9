"""The providers of a management cluster, as the Cluster API operator installs them (domain reference 9)."""

from __future__ import annotations

from typing import Any

from schiff.manifests.cluster_objects import NEVER_PRUNED
from schiff.manifests.manifest import Manifest
from schiff.values.versions import ComponentVersion

API = "operator.cluster.x-k8s.io/v1alpha2"


def provider(
    kind: str,
    name: str,
    namespace: str,
    version: ComponentVersion,
    config_secret: str | None = None,
    *,
    artifact: str | None = None,
) -> tuple[Manifest, Manifest]:
    """Return a provider's namespace and the provider at exactly one upstream version.

    Variables of a provider, such as an account, come from a secret that is named and never written. One that the
    operator does not know comes as an `artifact` of a registry, tagged with the version.
    """
    spec: dict[str, Any] = {"version": f"v{version.major}.{version.minor}.{version.patch}"}
    if config_secret is not None:
        spec["configSecret"] = {"name": config_secret}
    if artifact is not None:
        spec["fetchConfig"] = {"oci": artifact}
    return (
        Manifest(api_version="v1", kind="Namespace", name=namespace, annotations=NEVER_PRUNED),
        Manifest(
            api_version=API,
            kind=kind,
            name=name,
            namespace=namespace,
            annotations=NEVER_PRUNED,
            body={"spec": spec},
        ),
    )

"""The kubeconfig of a tenant's reading account, as its management cluster keeps it: in the form of Cluster API."""

from __future__ import annotations

import base64
import json

from schiff.manifests.manifest import Manifest
from schiff.model.resolved import CLUSTER_LABEL


def account_kubeconfig(server: str, authority: str, token: str) -> str:
    """Return a kubeconfig with everything inside; JSON is YAML, and equal input gives equal bytes."""
    name = "schiff-status"
    data = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return json.dumps(data, indent=1)


def account_secret(name: str, namespace: str, cluster: str, kubeconfig: str) -> Manifest:
    """Return the secret that holds it."""
    value = base64.b64encode(kubeconfig.encode()).decode()
    return Manifest(
        api_version="v1",
        kind="Secret",
        name=name,
        namespace=namespace,
        labels={CLUSTER_LABEL: cluster},
        body={"type": "cluster.x-k8s.io/secret", "data": {"value": value}},
    )

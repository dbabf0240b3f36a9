"""Kubeconfig files of the test bed's clusters, in the form Cluster API writes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.bed.certificates import Certificates


def kubeconfig(contexts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one file with a cluster, a user and a context for each name; the first is the current one."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": given["cluster"]} for name, given in contexts.items()],
            "users": [{"name": name, "user": given["user"]} for name, given in contexts.items()],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
            "current-context": next(iter(contexts), ""),
        },
        sort_keys=False,
    )


def administrator(url: str, certificates: Certificates) -> dict[str, Any]:
    """Return a context's cluster and user with the administrator's certificate inside."""
    return {
        "cluster": {"server": url, "certificate-authority-data": _inside(certificates.path("ca.crt"))},
        "user": {
            "client-certificate-data": _inside(certificates.path("client.crt")),
            "client-key-data": _inside(certificates.path("client.key")),
        },
    }


def bearer(url: str, certificates: Certificates, token: str) -> dict[str, Any]:
    """Return a context's cluster and user with a token, such as that of a service account."""
    return {**administrator(url, certificates), "user": {"token": token}}


def _inside(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()

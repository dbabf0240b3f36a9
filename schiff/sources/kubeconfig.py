"""The kubeconfigs that management clusters keep of their tenants, in secrets of Cluster API's form.

Whoever may write such a secret must not be able to have a program run here, a
file of this machine sent away, or a token given to whoever answers. So such a
kubeconfig holds everything inside, leads to HTTPS, and has the certificate of
the server checked.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import yaml
from lightkube import KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import User

from schiff.sources.api_connection import NotReadable


def inner_config(secret: Mapping[str, Any], name: str) -> SingleConfig:
    """Return the kubeconfig in a secret of Cluster API's form; raises `NotReadable`. `name` is the secret's."""
    what, value = f"the kubeconfig in secret {name}", _value(secret, name)
    try:
        config = KubeConfig.from_dict(yaml.load(value, Loader=yaml.CSafeLoader)).get()
    except Exception:  # noqa: BLE001  # what a reader says about it may quote a key
        config = None
    if config is None or config.user is None:
        raise NotReadable("KubeconfigInvalid", f"{what} has no cluster with a user; write it anew")
    if wrong := _leads_out(config):
        raise NotReadable("KubeconfigRefused", f"{what} {wrong}")
    return config


def _value(secret: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(secret["data"]["value"], validate=True)
    except (binascii.Error, KeyError, TypeError, ValueError):
        raise NotReadable("KubeconfigInvalid", f"secret {name} has no key value with a kubeconfig") from None


def _leads_out(config: SingleConfig) -> str:
    """Return what in a tenant's kubeconfig reaches beyond it; an empty text when nothing does."""
    cluster, user = config.cluster, config.user or User()
    if user.exec is not None or user.auth_provider is not None:
        return "would run a program, which one from a secret may not"
    if user.token_file or user.client_cert or user.client_key or cluster.certificate_auth:
        return "names files, which one from a secret may not"
    if cluster.insecure or not cluster.server.startswith("https://"):
        return "does not have the server's certificate checked"
    return ""

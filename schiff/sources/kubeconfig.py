"""Kubeconfigs: the one of whoever runs schiff, and those that management clusters keep of their tenants.

The first may name files and programs, it is the user's own. The others come out
of secrets: whoever may write there must not be able to have a program run here,
a file of this machine sent away, or a token given to whoever answers. So they
hold everything inside, lead to HTTPS, and are checked against a certificate.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from lightkube import KubeConfig
from lightkube.config.kubeconfig import SingleConfig

from schiff.sources.api_connection import NotReadable

_CURE = "see `kubectl config get-contexts`, and schiff:kubeconfig of the stack"


def context_of(file: Path, context: str) -> SingleConfig:
    """Return a context of somebody's own kubeconfig; raises `NotReadable`."""
    if not file.is_file():
        message = f"there is no kubeconfig {file}, which has to have the context {context}; {_CURE}"
        raise NotReadable("KubeconfigMissing", message)
    try:
        found = KubeConfig.from_file(file)
    except Exception:  # noqa: BLE001  # the file is somebody's, and what a reader says about it may quote a key
        raise NotReadable("KubeconfigInvalid", f"{file} is not a kubeconfig; {_CURE}") from None
    if context not in found.contexts:
        raise NotReadable("ContextUnknown", f"{file} has no context {context}; {_CURE}")
    return _single(found, context, f"context {context} of {file}")


def inner_config(secret: Mapping[str, Any], name: str) -> SingleConfig:
    """Return the kubeconfig in a secret of Cluster API's form; raises `NotReadable`. `name` is the secret's."""
    what, value = f"the kubeconfig in secret {name}", _value(secret, name)
    try:
        found = KubeConfig.from_dict(yaml.load(value, Loader=yaml.CSafeLoader))
    except Exception:  # noqa: BLE001  # as above
        raise NotReadable("KubeconfigInvalid", f"{what} is none; write it anew") from None
    config = _single(found, None, what)
    if wrong := _leads_out(config):
        raise NotReadable("KubeconfigRefused", f"{what} {wrong}")
    return config


def _value(secret: Mapping[str, Any], name: str) -> bytes:
    try:
        return base64.b64decode(secret["data"]["value"], validate=True)
    except (binascii.Error, KeyError, TypeError, ValueError):
        raise NotReadable("KubeconfigInvalid", f"secret {name} has no key value with a kubeconfig") from None


def _single(found: KubeConfig, context: str | None, what: str) -> SingleConfig:
    try:
        config = found.get(context)
    except Exception:  # noqa: BLE001  # as above
        config = None
    if config is None or config.user is None:
        raise NotReadable("KubeconfigInvalid", f"{what} names no cluster and user that it holds")
    return config


def _leads_out(config: SingleConfig) -> str:
    """Return what in a tenant's kubeconfig reaches beyond it; an empty text when nothing does."""
    cluster, user = config.cluster, config.user
    if user is None or user.exec is not None or user.auth_provider is not None:
        return "would run a program, which one from a secret may not"
    if user.token_file or user.client_cert or user.client_key or cluster.certificate_auth:
        return "names files, which one from a secret may not"
    if cluster.insecure or not cluster.server.startswith("https://"):
        return "does not have the server's certificate checked"
    return ""

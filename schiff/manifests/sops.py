"""SOPS documents: which cluster reads one, and the rules people encrypt by.

A document's `metadata` stays clear (domain reference 11), so its namespace says
where it belongs without a look at any value; the document itself passes
through byte for byte, because its MAC would not survive a rewrite.

`.sops.yaml` takes the first rule that matches, so the most specific comes
first: a tenant's own folder, then a management cluster's, then a site's. A
document for a tenant is encrypted for everybody who reads it on its way: the
tenant, and the management cluster that brings the first key in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Fleet, ManagementCluster, Order, Site

ENCRYPTED = "^(data|stringData)$"


class SecretTarget(NamedTuple):
    """The object a document is, from what SOPS leaves clear."""

    name: str
    namespace: str


@lru_cache(maxsize=10_000)
def secret_target(content: bytes) -> SecretTarget:
    """Return what object a document is; an unreadable one has no name, and the loader has said so before."""
    try:
        data = yaml.safe_load(content)
    except yaml.YAMLError:
        data = None
    metadata = data.get("metadata") if isinstance(data, dict) else None
    metadata = metadata if isinstance(metadata, dict) else {}
    return SecretTarget(str(metadata.get("name", "")), str(metadata.get("namespace", "")))


def documents_for(secrets: Mapping[str, bytes], namespace: str) -> dict[str, bytes]:
    """Return the documents of one namespace, by file name."""
    return {name: content for name, content in secrets.items() if secret_target(content).namespace == namespace}


def is_in(secrets: Mapping[str, bytes], name: str, namespace: str) -> bool:
    """Return whether one of the documents is that object."""
    return any(secret_target(content) == (name, namespace) for content in secrets.values())


def sops_file(fleet: Fleet, folder: str = "") -> str:
    """Return `.sops.yaml` for a repository that holds the fleet in `folder`.

    A place nobody can decrypt for gets no rule: `sops` then refuses to encrypt
    there, instead of locking everybody out.
    """
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    rules = [
        {"path_regex": f"^{re.escape(prefix + place)}/.*", "encrypted_regex": ENCRYPTED, **_keys(recipients)}
        for place, recipients in _places(fleet)
        if recipients
    ]
    return to_yaml([{"creation_rules": rules}])


def _places(fleet: Fleet) -> Iterator[tuple[str, list[str]]]:
    for key, order in sorted(fleet.orders.items()):
        yield f"sites/{key.site}/{order.customer}/{key.name}.secrets", _of_order(order, fleet)
    for name, management in sorted(fleet.management_clusters.items()):
        yield f"management-clusters/{name}.secrets", _of([management])
    for name, site in sorted(fleet.sites.items()):
        yield f"sites/{name}/site.secrets", _of(_managers(site, fleet))


def _of_order(order: Order, fleet: Fleet) -> list[str]:
    environment = str(order.document.data.get("environment", ""))
    management = fleet.management_cluster_of(order.key.site, environment)
    own = order.document.data.get("recipients") or []
    return [*dict.fromkeys([*own, *_of([management] if management else [])])]


def _managers(site: Site, fleet: Fleet) -> list[ManagementCluster]:
    return [one for _, one in sorted(fleet.management_clusters.items()) if site.name in one.spec.sites]


def _of(managers: Iterable[ManagementCluster]) -> list[str]:
    return [*dict.fromkeys(recipient for one in managers for recipient in one.spec.facts.recipients)]


def _keys(recipients: Iterable[str]) -> dict[str, Any]:
    """Return recipients by their kind: age keys and fingerprints of GPG keys."""
    age = [recipient for recipient in recipients if recipient.startswith("age1")]
    gpg = [recipient for recipient in recipients if not recipient.startswith("age1")]
    return {**({"age": ",".join(age)} if age else {}), **({"pgp": ",".join(gpg)} if gpg else {})}

"""SOPS documents: which cluster reads one, and the rules people encrypt by.

A document's `metadata` stays clear (domain reference 11), so its namespace says
where it belongs without a look at any value; the document itself passes
through byte for byte, because its MAC would not survive a rewrite.

`.sops.yaml` takes the first rule that matches, so the most specific comes
first: a tenant's key and its folder, then a management cluster's, then a
site's. A document for a tenant is encrypted for everybody who reads it on its
way: the tenant, and the management cluster that brings the first key in. The
key itself is for the latter alone: one that only opens itself opens nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

import yaml

from schiff.manifests.yaml import to_yaml
from schiff.model.fleet import Fleet, ManagementCluster, Site

ENCRYPTED = "^(data|stringData)$"
KEY_FILE = "sops-age.yaml"
"""The document of a tenant's own key in its folder of secrets, called as the Secret in it."""


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
        {"path_regex": f"^{re.escape(prefix)}{place}", "encrypted_regex": ENCRYPTED, **keys_by_kind(recipients)}
        for place, recipients in _places(fleet)
        if recipients
    ]
    return to_yaml([{"creation_rules": rules}])


def readers_of(*managers: ManagementCluster | None) -> list[str]:
    """Return who can read what is encrypted for these management clusters."""
    return [*dict.fromkeys(reader for one in managers if one for reader in one.spec.facts.recipients)]


def readers_of_site(site: Site, fleet: Fleet) -> list[str]:
    """Return who can read what is encrypted for a site: every management cluster that looks after it."""
    managers = [one for _, one in sorted(fleet.management_clusters.items()) if site.name in one.spec.sites]
    return readers_of(*managers)


def _places(fleet: Fleet) -> Iterator[tuple[str, list[str]]]:
    for key, order in sorted(fleet.orders.items()):
        folder = f"sites/{key.site}/{order.customer}/{key.name}.secrets"
        environment = str(order.document.data.get("environment", ""))
        readers = readers_of(fleet.management_cluster_of(key.site, environment))
        yield f"{re.escape(f'{folder}/{KEY_FILE}')}$", readers
        yield _below(folder), [*dict.fromkeys([*(order.document.data.get("recipients") or []), *readers])]
    for name, management in sorted(fleet.management_clusters.items()):
        yield _below(f"management-clusters/{name}.secrets"), readers_of(management)
    for name, site in sorted(fleet.sites.items()):
        yield _below(f"sites/{name}/site.secrets"), readers_of_site(site, fleet)


def _below(folder: str) -> str:
    return f"{re.escape(folder)}/.*"


def keys_by_kind(recipients: Iterable[str]) -> dict[str, str]:
    """Return recipients as `sops` takes them: age keys and fingerprints of GPG keys."""
    age = [recipient for recipient in recipients if recipient.startswith("age1")]
    gpg = [recipient for recipient in recipients if not recipient.startswith("age1")]
    return {**({"age": ",".join(age)} if age else {}), **({"pgp": ",".join(gpg)} if gpg else {})}

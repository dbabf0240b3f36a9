"""What nobody can make again: the secrets of a cluster that Cluster API made and Git does not hold.

Without its four authorities a cluster that is created again cannot take its old
nodes back, and without its kubeconfig nobody gets in (domain reference 21). A
backup is the secret as it can be applied again: what a server adds is dropped,
owners too, for they will be others. Type and labels stay, because Cluster API
only adopts secrets of its own type and only sees those with its label.

SOPS encrypts with random keys, so equal secrets have unequal documents. In
clear stands therefore a digest over the secret. It tells nothing: every one of
these secrets holds a private key, which nobody can guess.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from schiff.errors import InvalidValue
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import CLUSTER_LABEL
from schiff.values.digests import digest

PURPOSES = ("ca", "etcd", "kubeconfig", "proxy", "sa")
"""The ends of the secrets' names, after the cluster's name."""

_DOMAIN = "cluster.x-k8s.io"


def emergency_secrets(cluster: str) -> tuple[str, ...]:
    """Return the names of the secrets that a backup of a cluster holds."""
    return tuple(f"{cluster}-{purpose}" for purpose in PURPOSES)


def backup_manifest(live: Mapping[str, Any], cluster: str, label_domain: str) -> Manifest:
    """Return a live secret as it can be applied again, with its digest; raises `InvalidValue` for one without data.

    The message holds nothing of the secret.
    """
    metadata, data = live.get("metadata") or {}, live.get("data")
    if not isinstance(data, Mapping) or not data or not all(isinstance(value, str) for value in data.values()):
        raise InvalidValue("the secret holds no data")
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if _is_of_cluster_api(key)}
    manifest = Manifest(
        api_version="v1",
        kind="Secret",
        name=metadata["name"],
        namespace=metadata["namespace"],
        labels={**labels, CLUSTER_LABEL: cluster},
        body={"type": live.get("type") or "Opaque", "data": dict(sorted(data.items()))},
    )
    return replace(manifest, annotations={_annotation(label_domain): digest(manifest.as_dict())})


def is_saved(document: bytes, manifest: Manifest, recipients: Collection[str]) -> bool:
    """Whether an encrypted document holds this very secret for exactly these recipients."""
    try:
        found = yaml.safe_load(document)
        metadata, readers = found["metadata"], sorted(_readers(found["sops"]))
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return False
    return metadata.get("annotations") == manifest.annotations and readers == sorted(set(recipients))


def _readers(sops: Mapping[str, Any]) -> Iterator[str]:
    yield from (entry["recipient"] for entry in sops.get("age") or [])
    yield from (entry["fp"] for entry in sops.get("pgp") or [])


def _annotation(label_domain: str) -> str:
    return f"{label_domain}/content"


def _is_of_cluster_api(key: str) -> bool:
    domain = key.rpartition("/")[0]
    return domain == _DOMAIN or domain.endswith(f".{_DOMAIN}")

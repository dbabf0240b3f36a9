"""Flux: where a cluster reads from, and what it applies (domain reference 10).

`ignore` replaces Flux's own list of exclusions, and a source that reads a whole
repository would restart every tenant's reconciliation at every commit: so each
source excludes everything and takes back what its reader needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import is_in

FLUX_NAMESPACE: Final = "schiff-system"
"""Where Flux runs, on management clusters and tenants alike."""

DEFINITIONS: Final = "cluster-definitions"
COMPONENTS: Final = "cluster-components"
CONFIG: Final = "cluster-config"
"""Names of the three sources: management objects, versioned folders, a tenant's own folder."""

DECRYPTION_KEY: Final = "sops-age"
"""The secret with the private key; Flux looks for it beside the Kustomization."""

DECRYPTION: Final[Mapping[str, Any]] = {"provider": "sops", "secretRef": {"name": DECRYPTION_KEY}}
FLUX_KEY_DECRYPTION: Final[Mapping[str, Any]] = {"provider": "sops"}
"""Without a key of its own, a Kustomization in another namespace decrypts with the one Flux itself was given."""

_GIT_SECRETS: Final = {"ssh://": "git-ssh", "https://": "git-https", "http://": "git-https"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How often Flux looks, how soon it tries again, how long it waits."""

    interval: str
    retry: str
    timeout: str


BOOTSTRAP_PACE: Final = Pace("10m", "1m", "5m")
FOLDER_PACE: Final = Pace("10m", "2m", "5m")
COMPONENT_PACE: Final = Pace("1h", "2m", "10m")


def git_repository(name: str, url: str, branch: str, folders: Iterable[str], secrets: Mapping[str, bytes]) -> Manifest:
    """Return a source that holds these folders alone.

    It names credentials when the URL cannot do without (SSH), or when the
    fleet holds a document of that name for the cluster that reads.
    """
    spec: dict[str, Any] = {"url": url, "interval": "5m", "ref": {"branch": branch}}
    secret = next((name for scheme, name in _GIT_SECRETS.items() if url.startswith(scheme)), "")
    if url.startswith("ssh://") or is_in(secrets, secret, FLUX_NAMESPACE):
        spec["secretRef"] = {"name": secret}
    spec["ignore"] = "/*\n" + "".join(f"!/{folder}\n" for folder in folders)
    return Manifest("source.toolkit.fluxcd.io/v1", "GitRepository", name, FLUX_NAMESPACE, body={"spec": spec})


def flux_kustomization(
    name: str,
    path: str,
    source: str,
    pace: Pace,
    *,
    namespace: str = FLUX_NAMESPACE,
    prune: bool = True,
    orphan: bool = False,
    wait: bool = False,
    decryption: Mapping[str, Any] | None = None,
    depends_on: Collection[str] = (),
    images: Collection[Mapping[str, str]] = (),
    kubeconfig: str = "",
) -> Manifest:
    """Return a Flux Kustomization of one folder of a source.

    `kubeconfig` names the secret of another cluster to apply to; `orphan`
    leaves everything where it is when this object goes, whatever `prune` says.
    """
    spec: dict[str, Any] = {"interval": pace.interval, "retryInterval": pace.retry, "timeout": pace.timeout}
    if depends_on:
        spec["dependsOn"] = [{"name": other} for other in sorted(depends_on)]
    spec["path"] = f"./{path}"
    spec["prune"] = prune
    if orphan:
        spec["deletionPolicy"] = "Orphan"
    if wait:
        spec["wait"] = True
    spec["sourceRef"] = {"kind": "GitRepository", "name": source}
    if namespace != FLUX_NAMESPACE:
        spec["sourceRef"]["namespace"] = FLUX_NAMESPACE
    if decryption is not None:
        spec["decryption"] = decryption
    if images:
        spec["images"] = list(images)
    if kubeconfig:
        spec["kubeConfig"] = {"secretRef": {"name": kubeconfig}}
    return Manifest("kustomize.toolkit.fluxcd.io/v1", "Kustomization", name, namespace, body={"spec": spec})

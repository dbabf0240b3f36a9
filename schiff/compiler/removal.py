"""How a cluster leaves: states that are delivered one after the other, each after the previous was observed.

Removing every file at once leaves machines behind, and Flux looks at the
annotation of the *live* object, so that removing a file alone deletes nothing
that was kept from pruning (domain reference 21):

a. The bootstrap Kustomizations are gone, or they would wait for an API server that is gone; the Cluster may be pruned.
b. The Cluster alone is gone: Cluster API removes its machines while infrastructure, pools and credentials stay.
c. The Cluster has left the API server: the rest may be pruned.
d. The folder lists nothing, which prunes the rest.
e. The folder is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from schiff.manifests.cluster_objects import PRUNE
from schiff.manifests.manifest import Manifest
from schiff.model.tenant_cluster import Removal

BOOTSTRAP = "kustomizations"
"""The folder of what a management cluster applies remotely."""

Files = Mapping[str, Sequence[Manifest]]


def leaving(files: Files, removal: Removal | None) -> Files:
    """Return the files of a cluster in a state of its removal; in the last two there are none."""
    if removal is None:
        return files
    if removal in {"d", "e"}:
        return {}
    own = {path: objects for path, objects in files.items() if not path.startswith(f"{BOOTSTRAP}/")}
    return {
        path: [_released(item, removal) for item in objects if _stays(item, removal)] for path, objects in own.items()
    }


def _stays(manifest: Manifest, removal: Removal) -> bool:
    return removal == "a" or manifest.kind != "Cluster"


def _released(manifest: Manifest, removal: Removal) -> Manifest:
    """Return a manifest that may now be pruned where it is this state's turn."""
    if removal == "c" or (removal == "a" and manifest.kind == "Cluster"):
        return replace(manifest, annotations={**manifest.annotations, PRUNE: "enabled"})
    return manifest

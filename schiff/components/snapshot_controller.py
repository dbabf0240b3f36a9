"""The snapshot controller and its definitions, which every driver of volumes shares (domain reference 15).

It comes before every driver, and so before any VolumeSnapshotClass. vsphere-csi
up to v3.7.3 brings both itself, so a cluster with such a version does not run
this component, whatever its release pins. A cluster that leaves v3.7.3 changes
the owner of three definitions, and a definition that is collected as garbage
takes every snapshot of the cluster with it. Three things keep them:

1. Drivers run after this component, so Flux has applied the definitions here, and with them the labels of their
   owner, before vsphere-csi is applied without them. Flux collects only what still has its own labels.
2. The live definitions have the annotation that Flux never prunes. It goes with them wherever they move next.
3. An apply of the old folder that was under way takes labels and annotation back. The policy in the folder refuses
   to delete the definitions in any case, and is in force long before the controller counts as ready.

All other objects have names of their own here, so nothing else changes its owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.protocol import BASE, Files, OrdinaryComponent, versioned_folder
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

SNAPSHOT_CONTROLLER: Final = "snapshot-controller"

_OTHER_OWNER: Final = "vsphere-csi"
_LAST_THAT_BRINGS_IT: Final = ComponentVersion.parse("v3.7.3")


class SnapshotControllerSettings(Spec):
    """Nothing: classes of snapshots belong to the drivers."""


class SnapshotController(OrdinaryComponent):
    """Definitions, the controller, and the policy that keeps the definitions."""

    name = SNAPSHOT_CONTROLLER
    settings = SnapshotControllerSettings
    requires = ("calico",)
    images = ("sig-storage/snapshot-controller",)

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether nothing else in the cluster brings it."""
        return not is_brought(cluster)

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the vendored files; no definition among them is ever pruned."""
        return versioned_folder(vendored, {BASE: {"patches": [kept_definitions()]}})


def is_brought(cluster: ResolvedCluster) -> bool:
    """Return whether the cluster's vsphere-csi is of a version that brings controller and definitions itself."""
    pinned = cluster.layers.release.components.get(_OTHER_OWNER)
    on_vsphere = cluster.identity.provider == "vsphere"
    return on_vsphere and pinned is not None and pinned.version <= _LAST_THAT_BRINGS_IT


COMPONENT = SnapshotController()

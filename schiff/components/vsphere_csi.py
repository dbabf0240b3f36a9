"""Volumes on vSphere (domain reference 15).

The driver's configuration is one secret, ``vsphere-config-secret``: it holds
credentials, so people write and encrypt it, with the cluster's FQDN as
`cluster-id`. Versions up to v3.7.3 bring the snapshot controller themselves,
all later ones run after the component of that name. Rules, in the order of the
code:

1. The FQDN fits into the driver's cluster-id.
2. Exactly one class is the default.
3. Where a site has zones, a volume is made when its pod has a place, or the pod cannot follow it.
4. The configuration has the key that the driver reads, in the driver's namespace.
5. Versions that do not bring the snapshot controller have it from the release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from schiff.components.protocol import (
    BASE,
    Files,
    Identifier,
    OrdinaryComponent,
    SettingProblem,
    versioned_folder,
)
from schiff.components.secret_documents import secret_problems
from schiff.components.snapshot_controller import SNAPSHOT_CONTROLLER, is_brought
from schiff.components.storage_classes import (
    DEFAULT_CLASS,
    DEFAULT_RULE,
    NEVER,
    SnapshotClassSpec,
    VolumeClassSpec,
    default_annotations,
    default_problems,
    snapshot_classes,
    storage_class,
)
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.names import Name
from schiff.values.versions import ComponentVersion

DRIVER: Final = "csi.vsphere.vmware.com"
NAMESPACE: Final = "vmware-system-csi"
ZONES: Final = "zones"
CLUSTER_ID_BUDGET: Final = 64
CONFIGURATION: Final = SecretTarget("vsphere-config-secret", NAMESPACE)
CONFIGURATION_KEY: Final = "csi-vsphere.conf"

_PROVISIONER = "/spec/template/spec/containers/5"
_SIDECARS = (
    "csi-attacher", "csi-node-driver-registrar", "csi-provisioner", "csi-resizer", "csi-snapshotter", "livenessprobe",
    "snapshot-controller",
)  # fmt: skip


class StorageClassSpec(VolumeClassSpec):
    """One class of volumes; `policy` must exist in vCenter, else the site's own is taken."""

    policy: str | None = None
    filesystem: Literal["ext4", "xfs"] = "ext4"


class VsphereCsiSettings(Spec):
    """Classes of volumes and of snapshots, by name."""

    classes: Mapping[Name, StorageClassSpec] = {"default": StorageClassSpec()}
    snapshot_classes: Mapping[Name, SnapshotClassSpec] = {"vsphere": SnapshotClassSpec()}


class VsphereCsi(OrdinaryComponent):
    """The driver and a cluster's classes."""

    name = "vsphere-csi"
    settings = VsphereCsiSettings
    requires = ("calico", "vsphere-cpi")
    after = (SNAPSHOT_CONTROLLER,)
    namespaces = (NAMESPACE,)
    images = ("csi-vsphere/driver", "csi-vsphere/syncer", *(f"sig-storage/{name}" for name in _SIDECARS))
    rules: Mapping[str, str] = {
        "cluster-id": f"The FQDN of a cluster fits into the {CLUSTER_ID_BUDGET} characters of a cluster-id.",
        DEFAULT_CLASS: DEFAULT_RULE,
        "zone-binding": "Where a site has zones, classes bind WaitForFirstConsumer.",
        "configuration": f"A document `{CONFIGURATION.name}` is for namespace `{NAMESPACE}` and has the key"
        f" `{CONFIGURATION_KEY}`.",
        SNAPSHOT_CONTROLLER: "A version that does not bring the snapshot controller has it from the release.",
    }
    never = NEVER
    example = """\
classes:
  standard: {default: true}
  retained: {policy: gold, reclaimPolicy: Retain}
snapshotClasses:
  vsphere: {}
  vsphere-kept: {deletionPolicy: Retain}
"""

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether the machines are vSphere's."""
        return cluster.identity.provider == "vsphere"

    def variant(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> str:  # noqa: ARG002
        """Return the variant that places volumes by zone, where the site has zones."""
        return ZONES if cluster.site.failure_domains else BASE

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the vendored files; with zones the provisioner looks at them."""
        zones = {"resources": ["../base"], "patches": [_zone_patch()]}
        return versioned_folder(vendored, {BASE: {}, ZONES: zones})

    def objects(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> Sequence[Manifest]:
        """Return the classes of volumes and of snapshots."""
        classes = [_storage_class(name, settings, cluster) for name in sorted(settings.classes)]
        return (*classes, *snapshot_classes(DRIVER, settings.snapshot_classes))

    def identifiers(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> Iterator[Identifier]:  # noqa: ARG002
        """Give the cluster-id, by which a vCenter tells the volumes of clusters apart."""
        if cluster.site.vcenter:
            yield Identifier("vcenter", "cluster-id", cluster.site.vcenter.server, cluster.identity.fqdn)

    def problems(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> Iterator[SettingProblem]:
        """Give what does not fit the site, the release or the other drivers."""
        fqdn = cluster.identity.fqdn
        if len(fqdn) > CLUSTER_ID_BUDGET:
            message = f"the cluster-id {fqdn} has {len(fqdn)} characters, at most {CLUSTER_ID_BUDGET} fit"
            yield SettingProblem((), message, "shorten the name of the cluster", "cluster-id")
        yield from default_problems(cluster, self.name, settings.classes)
        for name, spec in sorted(settings.classes.items()):
            if spec.binding == "Immediate" and cluster.site.failure_domains:
                message = f"site {cluster.identity.site} has zones, and this class picks one before the pod has a node"
                cure = "write WaitForFirstConsumer"
                yield SettingProblem(("classes", name, "binding"), message, cure, "zone-binding")
        yield from secret_problems(cluster, CONFIGURATION, (CONFIGURATION_KEY,), (), "configuration")
        yield from _snapshot_controller_problems(cluster)


def _snapshot_controller_problems(cluster: ResolvedCluster) -> Iterator[SettingProblem]:
    """Give a version that needs the snapshot controller where the release lacks it; `requires` knows no versions."""
    if SNAPSHOT_CONTROLLER not in cluster.layers.release.components and not is_brought(cluster):
        version = cluster.layers.release.components[VsphereCsi.name].version
        message = f"{VsphereCsi.name} {version} needs the snapshot controller, which the release lacks"
        yield SettingProblem((), message, f"pin {SNAPSHOT_CONTROLLER} too", SNAPSHOT_CONTROLLER)


def _storage_class(name: str, settings: VsphereCsiSettings, cluster: ResolvedCluster) -> Manifest:
    spec = settings.classes[name]
    policy = spec.policy or (cluster.site.vcenter.storage_policy if cluster.site.vcenter else None)
    parameters = {"storagepolicyname": policy} if policy else {}
    parameters["csi.storage.k8s.io/fstype"] = spec.filesystem
    annotations = default_annotations(cluster, VsphereCsi.name, name, settings.classes)
    return replace(storage_class(f"vsphere-{name}", DRIVER, parameters, spec), annotations=annotations)


def _zone_patch() -> dict[str, Any]:
    """Return the patch of the provisioner; it fails, rather than patch another container, when the order changes."""
    arguments = ("--feature-gates=Topology=true", "--strict-topology")
    return patch(
        "Deployment",
        "vsphere-csi-controller",
        [
            {"op": "test", "path": f"{_PROVISIONER}/name", "value": "csi-provisioner"},
            *({"op": "add", "path": f"{_PROVISIONER}/args/-", "value": argument} for argument in arguments),
        ],
    )


COMPONENT = VsphereCsi()

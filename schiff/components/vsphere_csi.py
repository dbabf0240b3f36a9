"""Volumes on vSphere (domain reference 15).

The driver's configuration is one secret, ``vsphere-config-secret``: it holds
credentials, so people write and encrypt it, with the cluster's FQDN as
`cluster-id`. StorageClasses are immutable but for their expansion: a class is
named in the layers, its name is the same in every environment, and other
content is another class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self

from pydantic import model_validator

from schiff.components.protocol import BASE, Files, OrdinaryComponent, SettingProblem, versioned_folder
from schiff.errors import InvalidValue
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.names import Name
from schiff.values.versions import ComponentVersion

DRIVER: Final = "csi.vsphere.vmware.com"
NAMESPACE: Final = "vmware-system-csi"
ZONES: Final = "zones"
CLUSTER_ID_BUDGET: Final = 64

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_PROVISIONER = "/spec/template/spec/containers/5"
_SIDECARS = (
    "csi-attacher", "csi-node-driver-registrar", "csi-provisioner", "csi-resizer", "csi-snapshotter", "livenessprobe",
    "snapshot-controller",
)  # fmt: skip


class StorageClassSpec(Spec):
    """One class of volumes; `policy` must exist in vCenter, else the site's own is taken."""

    policy: str | None = None
    default: bool = False
    filesystem: Literal["ext4", "xfs"] = "ext4"
    reclaim_policy: Literal["Delete", "Retain"] = "Delete"
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "WaitForFirstConsumer"
    expandable: bool = True


class VsphereCsiSettings(Spec):
    """Classes of volumes by name; exactly one is the default."""

    classes: Mapping[Name, StorageClassSpec] = {"default": StorageClassSpec(default=True)}

    @model_validator(mode="after")
    def _one_default(self) -> Self:
        defaults = sorted(name for name, spec in self.classes.items() if spec.default)
        if self.classes and len(defaults) != 1:
            found = ", ".join(defaults) or "none is"
            raise InvalidValue(f"exactly one of the classes is the default, but here: {found}")
        return self


class VsphereCsi(OrdinaryComponent):
    """The driver, the snapshot controller, and a cluster's classes."""

    name = "vsphere-csi"
    settings = VsphereCsiSettings
    requires = ("calico", "vsphere-cpi")
    namespaces = (NAMESPACE,)
    images = ("csi-vsphere/driver", "csi-vsphere/syncer", *(f"sig-storage/{name}" for name in _SIDECARS))

    def applies_to(self, cluster: ResolvedCluster) -> bool:
        """Return whether the machines are vSphere's."""
        return cluster.identity.provider == "vsphere"

    def variant(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> str:  # noqa: ARG002
        """Return the variant that places volumes by zone, where the site has zones."""
        return ZONES if cluster.site.failure_domains else BASE

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return driver, snapshot controller and definitions; with zones the provisioner looks at them."""
        zones = {"resources": ["../base"], "patches": [_zone_patch()]}
        return versioned_folder(vendored, {BASE: {}, ZONES: zones})

    def objects(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> Sequence[Manifest]:
        """Return the storage classes, and how snapshots are made."""
        classes = [_storage_class(name, spec, cluster) for name, spec in sorted(settings.classes.items())]
        body = {"driver": DRIVER, "deletionPolicy": "Delete"}
        return (*classes, Manifest("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass", "vsphere", body=body))

    def problems(self, cluster: ResolvedCluster, settings: VsphereCsiSettings) -> Iterator[SettingProblem]:  # noqa: ARG002
        """Give an FQDN that the driver cannot take as its cluster-id."""
        fqdn = cluster.identity.fqdn
        if len(fqdn) > CLUSTER_ID_BUDGET:
            message = f"the cluster-id {fqdn} has {len(fqdn)} characters, at most {CLUSTER_ID_BUDGET} fit"
            yield SettingProblem((), message, "shorten the name of the cluster")


def _storage_class(name: str, spec: StorageClassSpec, cluster: ResolvedCluster) -> Manifest:
    policy = spec.policy or (cluster.site.vcenter.storage_policy if cluster.site.vcenter else None)
    parameters = {"storagepolicyname": policy} if policy else {}
    return Manifest(
        "storage.k8s.io/v1",
        "StorageClass",
        f"vsphere-{name}",
        annotations={_DEFAULT_CLASS: "true"} if spec.default else {},
        body={
            "provisioner": DRIVER,
            "parameters": {**parameters, "csi.storage.k8s.io/fstype": spec.filesystem},
            "allowVolumeExpansion": spec.expandable,
            "volumeBindingMode": spec.binding,
            "reclaimPolicy": spec.reclaim_policy,
        },
    )


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

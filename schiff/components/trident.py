"""NetApp Trident: volumes on ONTAP, by NFS, iSCSI, NVMe and Fibre Channel (domain reference 15).

The operator reads one TridentOrchestrator; backends are TridentBackendConfigs,
of which an API server checks nothing. Names on the array are derived from the
cluster, because the default prefix is every cluster's on a shared array.
`uninstall` and `wipeout` are never written. Rules, in the order of the code:

1. Exactly one class of volumes is the default, over all drivers of the cluster.
2. A class names a driver that a backend has, or a backend.
3. The economy driver of NAS has no snapshots.
4. A prefix begins with a letter, and leaves room for the names of qtrees.
5. Backends of one driver on one storage virtual machine have different prefixes.
6. Volumes are exported to every node.
7. Credentials have the keys that Trident reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from schiff.components.kept_definitions import kept_definitions
from schiff.components.protocol import (
    BASE,
    Files,
    Identifier,
    Never,
    OrdinaryComponent,
    SettingProblem,
    versioned_folder,
)
from schiff.components.storage_classes import NEVER, default_annotations, snapshot_classes, storage_class
from schiff.components.trident_rules import RULES, driver_of, export_cidrs, prefix_of, problems, secret_of
from schiff.components.trident_settings import BackendSpec, TridentSettings, VolumeDefaultsSpec
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.networks import Address
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "trident"
PROVISIONER: Final = "csi.trident.netapp.io"

_API: Final = "trident.netapp.io/v1"
_WAY_OUT: Final = "add a backend under a new name, move its volumes there, then remove this one"


class Trident(OrdinaryComponent):
    """Orchestrator, backends, classes."""

    name = "trident"
    settings = TridentSettings
    optional = True
    requires = ("calico", "snapshot-controller")
    namespaces = (NAMESPACE,)
    images = ("docker.io/netapp/trident-operator",)
    rules = RULES
    never = (
        *NEVER,
        *(
            Never("TridentBackendConfig", ("spec", field), _WAY_OUT)
            for field in ("backendName", "storageDriverName", "storagePrefix", "svm")
        ),
    )
    example = """\
backends:
  nas:
    driver: ontap-nas
    managementLIF: 10.4.8.10
    dataLIF: 10.4.8.11
    svm: svm-schiff-1
    defaults: {encryption: true, snapshotReserve: 5}
  san:
    driver: ontap-san
    managementLIF: 10.4.8.10
    svm: svm-schiff-2
classes:
  ontap-nas: {driver: ontap-nas, default: true}
  ontap-san: {driver: ontap-san, filesystem: ext4}
"""

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return the operator and its kinds, which are never pruned: with them all backends would go."""
        return versioned_folder(vendored, {BASE: {"patches": [kept_definitions()]}})

    def objects(self, cluster: ResolvedCluster, settings: TridentSettings) -> Sequence[Manifest]:
        """Return the orchestrator, backends, and the classes of volumes and of snapshots."""
        return (
            _orchestrator(cluster, settings),
            *(_backend(cluster, name, spec) for name, spec in sorted(settings.backends.items())),
            *(_storage_class(cluster, name, settings) for name in sorted(settings.classes)),
            *snapshot_classes(PROVISIONER, settings.snapshot_classes),
        )

    def identifiers(self, cluster: ResolvedCluster, settings: TridentSettings) -> Iterator[Identifier]:
        """Give each backend's name, and the prefix of its volumes on the storage virtual machine."""
        for name, spec in sorted(settings.backends.items()):
            yield Identifier("trident", "backend", cluster.identity.fqdn, backend_name(cluster, name))
            yield Identifier("ontap", "storage-prefix", spec.svm, prefix_of(cluster, spec))

    def problems(self, cluster: ResolvedCluster, settings: TridentSettings) -> Iterator[SettingProblem]:
        """Give what does not fit together, or not to the cluster."""
        return problems(cluster, settings)


def backend_name(cluster: ResolvedCluster, name: str) -> str:
    """Return what a backend is called in the cluster and in Trident."""
    return f"{cluster.identity.name}-{name}"


def _orchestrator(cluster: ResolvedCluster, settings: TridentSettings) -> Manifest:
    spec = {
        "namespace": NAMESPACE,
        "debug": settings.debug,
        "imageRegistry": f"{cluster.spec.registry}/trident",
        "silenceAutosupport": True,
    }
    return Manifest(_API, "TridentOrchestrator", "trident", body={"spec": spec})


def _backend(cluster: ResolvedCluster, name: str, backend: BackendSpec) -> Manifest:
    spec: dict[str, Any] = {
        "version": 1,
        "backendName": backend_name(cluster, name),
        "storageDriverName": backend.driver,
        "managementLIF": _lif(backend.management_lif),
    }
    if backend.data_lif is not None:
        spec["dataLIF"] = _lif(backend.data_lif)
    spec |= {"svm": backend.svm, "storagePrefix": prefix_of(cluster, backend)}
    if backend.is_nas:
        spec |= {"autoExportPolicy": True, "autoExportCIDRs": list(map(str, export_cidrs(cluster, backend)))}
    else:
        spec |= {"sanType": backend.protocol, "useCHAP": backend.uses_chap}
    spec["credentials"] = {"name": secret_of(cluster, name, backend).name}
    if backend.labels:
        spec["labels"] = dict(sorted(backend.labels.items()))
    spec["defaults"] = _texts(backend.defaults)
    return Manifest(_API, "TridentBackendConfig", backend_name(cluster, name), NAMESPACE, body={"spec": spec})


def _lif(address: Address) -> str:
    """Return an address as ONTAP reads it: one of version 6 in brackets."""
    return f"[{address}]" if address.value.version == 6 else str(address)


def _texts(defaults: VolumeDefaultsSpec) -> dict[str, str]:
    """Return defaults as Trident reads them: every value is a text, booleans and numbers too."""
    said = defaults.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in said.items()}


def _storage_class(cluster: ResolvedCluster, name: str, settings: TridentSettings) -> Manifest:
    spec = settings.classes[name]
    driver = driver_of(spec, settings)
    parameters = {"backendType": driver, "provisioningType": spec.provisioning}
    if spec.backend is not None:
        parameters["storagePools"] = f"{backend_name(cluster, spec.backend)}:.*"
    if spec.snapshots is not None or driver != "ontap-nas-economy":
        parameters["snapshots"] = "false" if spec.snapshots is False else "true"
    if spec.filesystem is not None:
        parameters["fsType"] = spec.filesystem
    annotations = default_annotations(cluster, Trident.name, name, settings.classes)
    return replace(storage_class(name, PROVISIONER, parameters, spec), annotations=annotations)


COMPONENT = Trident()

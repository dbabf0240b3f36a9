"""Portworx on Pure Storage: replicated volumes, and volumes of the array itself (domain reference 15).

The operator reads one StorageCluster of the tenant. Who deletes that object
deletes no data, because no `deleteStrategy` is ever written; and Flux never
deletes it. How to reach the arrays is the secret ``px-pure-secret``. Rules, in
the order of the code:

1. Exactly one class of volumes is the default, over all drivers of the cluster.
2. Three nodes may have storage, or Portworx's own database never has a majority.
3. No class asks for more replicas than there are workers.
4. The document of the arrays has the key that Portworx reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from schiff.components.kept_definitions import KEPT
from schiff.components.portworx_settings import CloudStorageSpec, LocalStorageSpec, PortworxClassSpec, PortworxSettings
from schiff.components.protocol import Identifier, Never, OrdinaryComponent, SettingProblem
from schiff.components.secret_documents import secret_problems
from schiff.components.storage_classes import (
    DEFAULT_CLASS,
    DEFAULT_RULE,
    NEVER,
    default_annotations,
    default_problems,
    snapshot_classes,
    storage_class,
)
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster

NAMESPACE: Final = "portworx"
PROVISIONER: Final = "pxd.portworx.com"
ARRAYS: Final = SecretTarget("px-pure-secret", NAMESPACE)
ARRAYS_KEY: Final = "pure.json"
QUORUM: Final = 3
VERSION: Final = "3.6.1"
"""The Portworx that the offered operator installs."""

_ANNOTATIONS: Final = {**KEPT, "portworx.io/disable-storage-class": "true"}
"""Never pruned; and the operator makes no classes beside ours."""

_WAY_OUT: Final = "it stays as it was made; data moves to another cluster"


class Portworx(OrdinaryComponent):
    """The storage cluster and its classes."""

    name = "portworx"
    settings = PortworxSettings
    optional = True
    requires = ("calico", "snapshot-controller")
    namespaces = (NAMESPACE,)
    images = ("portworx/px-operator",)
    rules: Mapping[str, str] = {
        DEFAULT_CLASS: DEFAULT_RULE,
        "storage-nodes": f"At least {QUORUM} nodes may have storage: Portworx's own database needs a majority.",
        "replicas": "A class asks for no more replicas than there are workers.",
        "arrays": f"A document `{ARRAYS.name}` is for namespace `{NAMESPACE}` and has the key `{ARRAYS_KEY}`.",
    }
    never = (
        *NEVER,
        Never("StorageCluster", ("spec", "kvdb"), _WAY_OUT),
        Never("StorageCluster", ("spec", "cloudStorage", "provider"), _WAY_OUT),
    )
    example = """\
cloudStorage: {deviceSpecs: [size=500], maxStorageNodesPerZone: 3}
sanType: ISCSI
classes:
  repl2: {repl: 2, ioProfile: auto, default: true}
  flash: {backend: pure_block, maxIops: 10000}
  shared: {backend: pure_file, exportRules: "*(rw)"}
"""

    def objects(self, cluster: ResolvedCluster, settings: PortworxSettings) -> Sequence[Manifest]:
        """Return the storage cluster, and the classes of volumes and of snapshots."""
        return (
            _storage_cluster(cluster, settings),
            *(_storage_class(cluster, name, settings) for name in sorted(settings.classes)),
            *snapshot_classes(PROVISIONER, settings.snapshot_classes),
        )

    def identifiers(self, cluster: ResolvedCluster, settings: PortworxSettings) -> Iterator[Identifier]:  # noqa: ARG002
        """Give the name by which arrays and Portworx know the cluster; two sites share no array."""
        yield Identifier("portworx", "cluster", cluster.identity.site, storage_cluster_name(cluster))

    def problems(self, cluster: ResolvedCluster, settings: PortworxSettings) -> Iterator[SettingProblem]:
        """Give what does not fit together, or not to the cluster."""
        yield from default_problems(cluster, self.name, settings.classes)
        yield from _node_problems(cluster, settings)
        if settings.uses_arrays:
            yield from secret_problems(cluster, ARRAYS, (ARRAYS_KEY,), (), "arrays")


def storage_cluster_name(cluster: ResolvedCluster) -> str:
    """Return what the storage cluster is called."""
    return f"px-{cluster.identity.name}"


def _node_problems(cluster: ResolvedCluster, settings: PortworxSettings) -> Iterator[SettingProblem]:
    most = settings.cloud.max_storage_nodes_per_zone * (len(cluster.site.failure_domains) or 1)
    if settings.storage is None and most < QUORUM:
        message = f"at most {most} nodes would have storage, and Portworx's own database needs {QUORUM}"
        path = ("cloudStorage", "maxStorageNodesPerZone")
        yield SettingProblem(path, message, "raise it", "storage-nodes")
    workers = sum(pool.size for pool in cluster.spec.pools.values())
    for name, spec in sorted(settings.classes.items()):
        if spec.backend is None and spec.replicas > workers:
            message = f"{spec.replicas} replicas need as many workers, and the cluster has {workers}"
            cure = "ask for fewer, or add workers"
            yield SettingProblem(("classes", name, "repl"), message, cure, "replicas")


def _storage_cluster(cluster: ResolvedCluster, settings: PortworxSettings) -> Manifest:
    spec: dict[str, Any] = {
        "image": f"portworx/oci-monitor:{VERSION}",
        "imagePullPolicy": "IfNotPresent",
        "customImageRegistry": cluster.spec.registry,
        "preserveFullCustomImageRegistry": True,
        "kvdb": {"internal": True},
        "secretsProvider": "k8s",
        **_data(settings),
        "csi": {"enabled": True, "installSnapshotController": False, "volumeSnapshotClass": {"create": False}},
        "stork": {"enabled": True},
        "monitoring": {"prometheus": {"enabled": False}, "telemetry": {"enabled": False}},
    }
    if settings.uses_arrays:
        spec["env"] = [{"name": "PURE_FLASHARRAY_SAN_TYPE", "value": settings.san_type}]
    name, api = storage_cluster_name(cluster), "core.libopenstorage.org/v1"
    return Manifest(api, "StorageCluster", name, NAMESPACE, annotations=_ANNOTATIONS, body={"spec": spec})


def _data(settings: PortworxSettings) -> dict[str, Any]:
    if settings.storage is not None:
        return {"storage": _said(settings.storage)}
    return {"cloudStorage": {"provider": "pure", **_said(settings.cloud)}}


def _said(spec: CloudStorageSpec | LocalStorageSpec) -> dict[str, Any]:
    said = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: value for key, value in said.items() if value not in ([], False)}


def _storage_class(cluster: ResolvedCluster, name: str, settings: PortworxSettings) -> Manifest:
    spec = settings.classes[name]
    annotations = default_annotations(cluster, Portworx.name, name, settings.classes)
    return replace(storage_class(f"px-{name}", PROVISIONER, _parameters(spec), spec), annotations=annotations)


def _parameters(spec: PortworxClassSpec) -> dict[str, str]:
    if spec.backend is None:
        parameters = {"repl": str(spec.replicas), "io_profile": spec.io_profile or "auto"}
    else:
        parameters = {"backend": spec.backend}
    if spec.max_iops is not None:
        parameters["max_iops"] = str(spec.max_iops)
    if spec.export_rules is not None:
        parameters["pure_export_rules"] = spec.export_rules
    if spec.filesystem is not None:
        parameters["csi.storage.k8s.io/fstype"] = spec.filesystem
    return parameters


COMPONENT = Portworx()

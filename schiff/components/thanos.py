"""Thanos: samples of a cluster from the first day on, in an object store (domain reference 16).

The sidecar that fills the store is Prometheus' own; here are queries, the store gateway and the compactor. How the
store is reached is one secret with credentials, which people write; where in it a cluster's samples lie, the settings
of Prometheus say. Rules, in the order of the code:

1. A part of a bucket has exactly one compactor: two destroy each other's work, and without one nothing is ever deleted.
   A cluster with a part of its own compacts it; clusters that share one say which of them does.
2. The document of the object store has the key that sidecars, store gateway and compactor read, in their namespace.
3. A coarser resolution is kept at least as long as a finer one, and a finer one until the coarser is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from schiff.components.prometheus import has_driver
from schiff.components.prometheus_operator import NAMESPACE
from schiff.components.prometheus_settings import (
    OBJECT_STORE_KEY,
    OBJECT_STORE_SECRET,
    Gibibytes,
    ObjectStore,
    PrometheusSettings,
    VolumeSpec,
    object_store,
)
from schiff.components.protocol import (
    BASE,
    Files,
    Identifier,
    OrdinaryComponent,
    SettingProblem,
    versioned_folder,
)
from schiff.components.secret_documents import secret_problems
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster
from schiff.model.spec import Spec
from schiff.values.versions import ComponentVersion

OBJECT_STORE: Final = SecretTarget(OBJECT_STORE_SECRET, NAMESPACE)
COMPACTOR: Final = "compactor"
IN_POD: Final = "compactor-in-pod"

_COMPACTOR: Final = "thanos-compactor"
_VOLUME: Final = "/spec/jobTemplate/spec/template/spec/volumes/0"
_MADE_AFTER: Final = {"raw": 2, "fiveMinutes": 10}
_EXAMPLE: Final = """\
compactor: true
retention: {raw: 30d, fiveMinutes: 180d, oneHour: 730d}
compactorVolume: {size: 200Gi}
"""

Days = Annotated[str, Field(pattern=r"^[1-9][0-9]*d$")]


class RetentionSpec(Spec):
    """How long samples are kept at each resolution."""

    raw: Days = "90d"
    five_minutes: Days = "180d"
    one_hour: Days = "365d"


class CompactorVolumeSpec(VolumeSpec):
    """The compactor's volume: it holds the blocks of one run, and what it makes of them."""

    size: Gibibytes = "100Gi"


class ThanosSettings(Spec):
    """Who compacts, with how much room, and what for how long; where blocks lie, Prometheus' `objectStore` says."""

    compactor: bool | None = None
    retention: RetentionSpec = RetentionSpec()
    compactor_volume: CompactorVolumeSpec = CompactorVolumeSpec()


class Thanos(OrdinaryComponent):
    """Queries, store gateway, compactor."""

    name = "thanos"
    settings = ThanosSettings
    requires = ("calico", "prometheus")
    after = ("portworx", "trident", "vsphere-csi")
    images = ("thanos/thanos",)
    rules: Mapping[str, str] = {
        "nobody-compacts": "A part of a bucket that belongs to one cluster is compacted by it.",
        "who-compacts": "Of clusters that share a part of a bucket, each says whether it compacts.",
        "objstore": f"A document `{OBJECT_STORE_SECRET}` is for namespace `{NAMESPACE}` and has the key"
        f" `{OBJECT_STORE_KEY}`.",
        "retention-order": "A coarser resolution is kept at least as long as a finer one.",
        "retention-downsampled": "A resolution is kept until the next one is made of it.",
    }
    example = _EXAMPLE

    def variant(self, cluster: ResolvedCluster, settings: ThanosSettings) -> str:
        """Return whether the cluster compacts, and where: without a driver of volumes, in the pod."""
        if not compacts(cluster, settings):
            return BASE
        return COMPACTOR if _has_volume(cluster, settings) else IN_POD

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return queries and store gateway; with the compactor beside them; with it and no volume."""
        compactor = {"resources": ["../base", "compactor.yaml"]}
        in_pod = {"resources": [f"../{COMPACTOR}"], "patches": [_in_pod_patch()]}
        return versioned_folder(vendored, {BASE: {}, COMPACTOR: compactor, IN_POD: in_pod})

    def inputs(self, cluster: ResolvedCluster, settings: ThanosSettings) -> Sequence[Manifest]:
        """Return what the compactor reads at each run, and the volume it works on; nothing where it does not run."""
        if not compacts(cluster, settings):
            return ()
        kept = settings.retention
        data = {"RETENTION_RAW": kept.raw, "RETENTION_5M": kept.five_minutes, "RETENTION_1H": kept.one_hour}
        labels = cluster.identity.labels
        read = Manifest("v1", "ConfigMap", _COMPACTOR, NAMESPACE, labels=labels, body={"data": data})
        if not _has_volume(cluster, settings):
            return (read,)
        claim = _claim(settings.compactor_volume)
        return (read, Manifest("v1", "PersistentVolumeClaim", _COMPACTOR, NAMESPACE, labels=labels, body=claim))

    def identifiers(self, cluster: ResolvedCluster, settings: ThanosSettings) -> Iterator[Identifier]:
        """Give the part of the bucket that the cluster compacts: no other may."""
        if compacts(cluster, settings):
            store = _store(cluster)
            yield Identifier("s3", COMPACTOR, store.bucket, store.prefix)

    def problems(self, cluster: ResolvedCluster, settings: ThanosSettings) -> Iterator[SettingProblem]:
        """Give a store that nobody reaches, or with no compactor or perhaps two; and samples that go too early."""
        store = _store(cluster)
        if store.is_own and settings.compactor is False:
            message = f"nobody else compacts {store.prefix} in {store.bucket}: it would grow for ever"
            yield SettingProblem(("compactor",), message, "leave it out", "nobody-compacts")
        elif not store.is_own and settings.compactor is None:
            message = f"{store.prefix} in {store.bucket} is no part of this cluster's own"
            cure = "write true on exactly one of the clusters that share it, false on the others"
            yield SettingProblem(("compactor",), message, cure, "who-compacts")
        yield from secret_problems(cluster, OBJECT_STORE, (OBJECT_STORE_KEY,), (), "objstore")
        yield from _retention_problems(settings.retention)


def compacts(cluster: ResolvedCluster, settings: ThanosSettings) -> bool:
    """Return whether the cluster runs the compactor: if it says so, else where its part of the bucket is its own."""
    return _store(cluster).is_own if settings.compactor is None else settings.compactor


def _store(cluster: ResolvedCluster) -> ObjectStore:
    """Return what Prometheus' settings say; wrong ones are told where they are written, and count as none here."""
    try:
        said = PrometheusSettings.model_validate(cluster.spec.components.get("prometheus", {}))
    except ValidationError:
        said = PrometheusSettings()
    return object_store(cluster, said)


def _has_volume(cluster: ResolvedCluster, settings: ThanosSettings) -> bool:
    return settings.compactor_volume.storage_class is not None or has_driver(cluster)


def _claim(volume: VolumeSpec) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"]}
    if volume.storage_class is not None:
        spec["storageClassName"] = volume.storage_class
    return {"spec": {**spec, "resources": {"requests": {"storage": volume.size}}}}


def _in_pod_patch() -> dict[str, Any]:
    operations: list[dict[str, Any]] = [
        {"op": "test", "path": f"{_VOLUME}/name", "value": "blocks"},
        {"op": "remove", "path": f"{_VOLUME}/persistentVolumeClaim"},
        {"op": "add", "path": f"{_VOLUME}/emptyDir", "value": {}},
    ]
    return patch("CronJob", _COMPACTOR, operations)


# --- retention


def _retention_problems(retention: RetentionSpec) -> Iterator[SettingProblem]:
    kept = {"raw": retention.raw, "fiveMinutes": retention.five_minutes, "oneHour": retention.one_hour}
    days = {name: int(text.removesuffix("d")) for name, text in kept.items()}
    for finer, coarser in (("raw", "fiveMinutes"), ("fiveMinutes", "oneHour")):
        if days[finer] > days[coarser]:
            message = f"is over after {kept[coarser]}, {finer} only after {kept[finer]}"
            cure = f"write {kept[finer]} or more"
            yield SettingProblem(("retention", coarser), message, cure, "retention-order")
    for finer, made in _MADE_AFTER.items():
        if days[finer] <= made:
            message = f"is over after {kept[finer]}; the next resolution is made of samples {made} days old"
            yield SettingProblem(("retention", finer), message, f"write {made + 1}d or more", "retention-downsampled")


COMPONENT = Thanos()

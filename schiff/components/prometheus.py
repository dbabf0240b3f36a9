"""Prometheus: what happens in a cluster, and since when (domain reference 16).

Rules, in the order of the code:

1. Its external labels say whose samples these are, for good: the FQDN as `cluster`, and what the platform knows of the
   cluster as `platform_*`, because Prometheus takes no '/' in a label. Nobody else may say them.
2. Little is kept here; where the cluster runs Thanos, a sidecar brings every block to the object store. What is kept
   must outlast an object store that is away.
3. Samples lie on a volume of the default class, or of the one that is named; where no driver runs, in the pod.
4. What the platform runs is watched where it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from schiff.components import vsphere_csi
from schiff.components.prometheus_operator import NAMESPACE
from schiff.components.prometheus_settings import (
    OBJECT_STORE_KEY,
    OBJECT_STORE_SECRET,
    PrometheusSettings,
    object_store,
)
from schiff.components.prometheus_watched import watched
from schiff.components.protocol import Identifier, Never, OrdinaryComponent, SettingProblem
from schiff.components.vsphere_csi import VsphereCsiSettings
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion

REPLICA_LABEL: Final = "prometheus_replica"
"""What Thanos takes for the same samples twice."""

_API: Final = "monitoring.coreos.com/v1"
_NAME: Final = "prometheus"
_EVERYTHING: Final[Mapping[str, Any]] = {}
_SELECTED: Final = ("serviceMonitor", "podMonitor", "probe", "rule")
_ORDERED_DRIVERS: Final = ("portworx", "trident")
_SHORTEST_WITH_STORE: Final = 12
_EXAMPLE: Final = """\
retention: 3d
volume: {size: 100Gi}
resources: {cpu: "1", memory: 4Gi, memoryLimit: 8Gi}
externalLabels: {department: network}
alertmanagersSecret: alertmanagers
"""
_LABELS_WAY_OUT: Final = "blocks under the old labels stay somebody else's: order a new cluster, or keep the labels"


class Prometheus(OrdinaryComponent):
    """Prometheus with its rules and monitors, and kube-state-metrics."""

    name = _NAME
    settings = PrometheusSettings
    requires = ("calico", "prometheus-operator")
    after = (*_ORDERED_DRIVERS, "vsphere-csi")
    images = ("kube-state-metrics/kube-state-metrics",)
    rules: Mapping[str, str] = {
        "reserved-label": "No setting says a label that the platform says of every cluster.",
        "short-retention": "With Thanos, samples are kept for half a day at least: an object store may be away.",
        "storage-class": "A volume names a class that the cluster has.",
    }
    never = (
        Never(_NAME.title(), ("spec", "externalLabels"), _LABELS_WAY_OUT),
        Never(_NAME.title(), ("spec", "replicaExternalLabelName"), _LABELS_WAY_OUT),
        Never(
            _NAME.title(),
            ("spec", "storage", "volumeClaimTemplate", "spec", "storageClassName"),
            "volumes keep their class: delete the claims replica by replica, Thanos has their blocks",
        ),
    )
    example = _EXAMPLE

    def objects(self, cluster: ResolvedCluster, settings: PrometheusSettings) -> Sequence[Manifest]:
        """Return Prometheus, what it knows of its release, and monitors of what the platform runs here."""
        prometheus = Manifest(_API, "Prometheus", _NAME, NAMESPACE, body={"spec": _spec(cluster, settings)})
        return (prometheus, _release(cluster), *watched(cluster))

    def identifiers(self, cluster: ResolvedCluster, settings: PrometheusSettings) -> Iterator[Identifier]:
        """Give the label that tells clusters apart, and with Thanos the part of the bucket."""
        yield Identifier("prometheus", "cluster label", "", cluster.identity.fqdn)
        if runs_thanos(cluster):
            store = object_store(cluster, settings)
            yield Identifier("s3", "prefix", store.bucket, store.prefix, shared=not store.is_own)

    def problems(self, cluster: ResolvedCluster, settings: PrometheusSettings) -> Iterator[SettingProblem]:
        """Give what would lose samples, or mix them with somebody else's."""
        reserved = external_labels(cluster).keys() | {REPLICA_LABEL}
        for name in sorted(settings.external_labels):
            if name in reserved or name.startswith("platform_"):
                message = f"the platform says {name} of every cluster"
                cure = "name the label otherwise"
                yield SettingProblem(("externalLabels", name), message, cure, "reserved-label")
        if runs_thanos(cluster) and _hours(settings.retention) < _SHORTEST_WITH_STORE:
            message = f"{settings.retention} is over before a block that could not be brought away is tried again"
            cure = f"keep {_SHORTEST_WITH_STORE}h or more"
            yield SettingProblem(("retention",), message, cure, "short-retention")
        yield from _class_problems(cluster, settings)


def runs_thanos(cluster: ResolvedCluster) -> bool:
    """Return whether the cluster's release brings Thanos, which runs wherever it is named."""
    return "thanos" in cluster.layers.release.components


def image(cluster: ResolvedCluster, component: str, name: str) -> dict[str, str]:
    """Return the image of a component's own release, from the cluster's registry; nothing when nobody pins it."""
    pinned = cluster.layers.release.components.get(component)
    if pinned is None:
        return {}
    tag = release_of(pinned.version)
    return {"version": tag, "image": f"{cluster.spec.registry}/{name}:{tag}"}


def release_of(version: ComponentVersion) -> str:
    """Return upstream's version, without what schiff counts behind it."""
    return "v{}.{}.{}".format(*version.triple)


# --- labels


def external_labels(cluster: ResolvedCluster) -> dict[str, str]:
    """Return what every sample says about its cluster."""
    identity = cluster.identity
    said = {
        "customer": identity.customer,
        "environment": identity.environment,
        "fqdn": identity.fqdn,
        "location": identity.location,
        "provider": identity.provider,
        "site": identity.site,
        "zone": identity.zone,
    }
    return {"cluster": identity.fqdn, **{f"platform_{key}": value for key, value in said.items()}}


def _release(cluster: ResolvedCluster) -> Manifest:
    """Return a rule that says in every query which release the cluster should run."""
    labels = {
        "release": cluster.layers.release.name,
        "digest": cluster.assignment.release,
        "kubernetes": str(cluster.assignment.kubernetes),
    }
    rule = {"record": "schiff_release_info", "expr": "vector(1)", "labels": labels}
    body = {"spec": {"groups": [{"name": "schiff-release", "rules": [rule]}]}}
    return Manifest(_API, "PrometheusRule", "schiff-release", NAMESPACE, body=body)


# --- the object


def _spec(cluster: ResolvedCluster, settings: PrometheusSettings) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "replicas": settings.replicas,
        **image(cluster, "prometheus", "prometheus/prometheus"),
        "serviceAccountName": _NAME,
        "retention": settings.retention,
        "scrapeInterval": settings.scrape_interval,
        "replicaExternalLabelName": REPLICA_LABEL,
        "externalLabels": {**external_labels(cluster), **dict(sorted(settings.external_labels.items()))},
    }
    for kind in _SELECTED:
        spec |= {f"{kind}Selector": _EVERYTHING, f"{kind}NamespaceSelector": _EVERYTHING}
    spec |= {
        "arbitraryFSAccessThroughSMs": {"deny": True},
        "resources": settings.resources.requirements(),
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000},
        "topologySpreadConstraints": [_apart()],
        **_storage(cluster, settings),
    }
    if settings.alertmanagers_secret is not None:
        key = {"name": settings.alertmanagers_secret, "key": "alertmanagers.yml"}
        spec["additionalAlertManagerConfigs"] = key
    if runs_thanos(cluster):
        secret = {"name": OBJECT_STORE_SECRET, "key": OBJECT_STORE_KEY}
        spec["thanos"] = {**image(cluster, "thanos", "thanos/thanos"), "objectStorageConfig": secret}
    return spec


def _apart() -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": _NAME}},
    }


# --- volumes


def _storage(cluster: ResolvedCluster, settings: PrometheusSettings) -> dict[str, Any]:
    """Return a claim and the size at which old samples go, a fifth below what the volume holds."""
    volume = settings.volume
    size = {"retentionSize": f"{volume.gibibytes * 4 // 5 or 1}GB"}
    if volume.storage_class is None and not has_driver(cluster):
        return {**size, "storage": {"emptyDir": {"sizeLimit": volume.size}}}
    claim: dict[str, Any] = {"accessModes": ["ReadWriteOnce"]}
    if volume.storage_class is not None:
        claim["storageClassName"] = volume.storage_class
    claim["resources"] = {"requests": {"storage": volume.size}}
    return {**size, "storage": {"volumeClaimTemplate": {"spec": claim}}}


def has_driver(cluster: ResolvedCluster) -> bool:
    """Return whether something in the cluster makes volumes: vSphere's driver there, another where it is ordered."""
    virtual = cluster.identity.provider == "vsphere" and "vsphere-csi" in cluster.layers.release.components
    classless = cluster.spec.components.get("vsphere-csi", {}).get("classes") == {}
    ordered = any(name in cluster.spec.components for name in _ORDERED_DRIVERS)
    return ordered or (virtual and not classless)


def _class_problems(cluster: ResolvedCluster, settings: PrometheusSettings) -> Iterator[SettingProblem]:
    """Give a class that vSphere's driver does not make, where no other driver could."""
    named = settings.volume.storage_class
    if named is None or any(name in cluster.spec.components for name in _ORDERED_DRIVERS):
        return
    known = _classes_of_vsphere(cluster)
    if named not in known:
        message = f"no storage class is called {named!r}"
        cure = f"known: {', '.join(known) or 'none, for the cluster runs no driver'}"
        yield SettingProblem(("volume", "storageClass"), message, cure, "storage-class")


def _classes_of_vsphere(cluster: ResolvedCluster) -> list[str]:
    if not has_driver(cluster):
        return []
    try:
        said = VsphereCsiSettings.model_validate(cluster.spec.components.get("vsphere-csi", {}))
    except ValidationError:  # is told where it is written
        said = VsphereCsiSettings()
    made = vsphere_csi.COMPONENT.objects(cluster, said)
    return sorted(item.name for item in made if item.kind == "StorageClass")


def _hours(retention: str) -> int:
    return int(retention[:-1]) * (24 if retention.endswith("d") else 1)


COMPONENT = Prometheus()

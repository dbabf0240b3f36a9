"""Velero: a cluster's objects, saved to the S3 of its site (domain reference 18).

Rules, in the order of the code:

1. Two clusters on one prefix see, and delete, each other's backups: bucket and prefix follow from site and FQDN.
2. Clusters of a site save one after the other: minute, hour and day of a schedule follow from the FQDN by a digest, so
   that they stay, and are spread.
3. The document of the S3 has the key that Velero reads, in its namespace.
4. A management cluster saves its objects too, but its way back is Git and `clusterctl move`: restored objects of
   Cluster API have no status, and would be made again, so a restore pauses every Cluster it brings back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from schiff.components.secret_documents import secret_problems
from schiff.components.velero_settings import PERIODS, ScheduleSpec, VeleroSettings
from schiff.manifests.kustomize import patch
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.values.digests import digest
from schiff.values.versions import ComponentVersion

NAMESPACE: Final = "velero"
CREDENTIALS_KEY: Final = "cloud"
LOCATION: Final = "default"
SNAPSHOTS: Final = "snapshots"
RESTORE_PAUSED: Final = "restore-paused"
"""The ConfigMap that a restore on a management cluster is told to change objects by."""

_API: Final = "velero.io/v1"
_OPTIONAL_DRIVERS: Final = ("portworx", "trident")
_CONTAINER: Final = "/spec/template/spec/containers/0"
_MINUTES: Final = 60
_DAYS: Final = 7
_WAY_OUT: Final = "backups stay where they were: keep it, or give up the old ones and order a new cluster"


class Velero(OrdinaryComponent):
    """The controller, where backups go, and when they are made."""

    name = "velero"
    settings = VeleroSettings
    requires = ("calico",)
    after = ("snapshot-controller", "vsphere-csi", "trident", "portworx", "kyverno")
    namespaces = (NAMESPACE,)
    images = ("velero/velero", "velero/velero-plugin-for-aws")
    rules: Mapping[str, str] = {
        "needs-snapshots": "Volumes are snapshotted only where something makes snapshots.",
        "keeps-too-short": "A backup is kept until the next one but one, so that a failed one leaves another.",
        "credentials": f"A document with the credentials is for namespace `{NAMESPACE}` and has the key"
        f" `{CREDENTIALS_KEY}`.",
    }
    never = (
        Never("BackupStorageLocation", ("spec", "objectStorage", "bucket"), _WAY_OUT),
        Never("BackupStorageLocation", ("spec", "objectStorage", "prefix"), _WAY_OUT),
    )
    example = """\
storage: {url: "https://s3.schiff.example", ca: s3-ca}
schedules:
  daily: {keep: 30d, fromHour: 1, untilHour: 5}
  weekly: {every: weekly, keep: 180d, excluded: [build]}
  hourly-shop: {every: hourly, keep: 2d, namespaces: [shop]}
"""

    def variant(self, cluster: ResolvedCluster, settings: VeleroSettings) -> str:  # noqa: ARG002
        """Return the variant that looks for snapshots, where one is asked for."""
        return SNAPSHOTS if any(_snapshots(spec, settings) for spec in settings.schedules.values()) else BASE

    def folder(self, version: ComponentVersion, vendored: Mapping[str, bytes]) -> Files:  # noqa: ARG002
        """Return definitions and controller; for snapshots the controller looks at their kinds, which must be there."""
        argument = {"op": "add", "path": f"{_CONTAINER}/args/-", "value": "--features=EnableCSI"}
        looking = patch(
            "Deployment", "velero", [{"op": "test", "path": f"{_CONTAINER}/name", "value": "velero"}, argument]
        )
        return versioned_folder(
            vendored,
            {BASE: {"patches": [kept_definitions()]}, SNAPSHOTS: {"resources": ["../base"], "patches": [looking]}},
        )

    def inputs(self, cluster: ResolvedCluster, settings: VeleroSettings) -> Sequence[Manifest]:  # noqa: ARG002
        """Return, on a management cluster, how a restore must change what it brings back."""
        return (_restore_paused(),) if cluster.self_managed else ()

    def objects(self, cluster: ResolvedCluster, settings: VeleroSettings) -> Sequence[Manifest]:
        """Return the location and the schedules."""
        schedules = sorted(settings.schedules.items())
        return (_location(cluster, settings), *(_schedule(name, spec, cluster, settings) for name, spec in schedules))

    def identifiers(self, cluster: ResolvedCluster, settings: VeleroSettings) -> Iterator[Identifier]:
        """Give the prefix, which is this cluster's alone in the bucket of a server."""
        yield Identifier(
            "s3", "prefix", f"{_url(cluster, settings)}/{_bucket(cluster, settings)}", _prefix(cluster, settings)
        )

    def problems(self, cluster: ResolvedCluster, settings: VeleroSettings) -> Iterator[SettingProblem]:
        """Give schedules that save less than they say, and credentials that Velero would look for in vain."""
        for name, spec in sorted(settings.schedules.items()):
            if _snapshots(spec, settings) and not _snapshot_drivers(cluster):
                path = ("snapshotVolumes",) if spec.snapshot_volumes is None else ("schedules", name, "snapshotVolumes")
                message = "no driver in this cluster makes snapshots"
                cure = f"run a driver that does ({', '.join(_OPTIONAL_DRIVERS)}), or write false"
                yield SettingProblem(path, message, cure, "needs-snapshots")
            if spec.keep.seconds < 2 * PERIODS[spec.every]:
                message = f"{spec.keep} is shorter than two times from one backup to the next"
                yield SettingProblem(("schedules", name, "keep"), message, "keep it longer", "keeps-too-short")
        credentials = SecretTarget(settings.storage.credentials, NAMESPACE)
        place = ("storage", "credentials")
        yield from secret_problems(cluster, credentials, (CREDENTIALS_KEY,), place, "credentials")


# --- where


def _url(cluster: ResolvedCluster, settings: VeleroSettings) -> str:
    return settings.storage.url or f"https://s3.{cluster.identity.site}.{cluster.identity.base_domain}"


def _bucket(cluster: ResolvedCluster, settings: VeleroSettings) -> str:
    return settings.storage.bucket or f"velero-{cluster.identity.site}"


def _prefix(cluster: ResolvedCluster, settings: VeleroSettings) -> str:
    return settings.storage.prefix or cluster.identity.fqdn


def _location(cluster: ResolvedCluster, settings: VeleroSettings) -> Manifest:
    storage = settings.storage
    place: dict[str, Any] = {"bucket": _bucket(cluster, settings), "prefix": _prefix(cluster, settings)}
    if storage.ca is not None:
        place["caCertRef"] = {"name": storage.ca, "key": "ca.crt"}
    spec = {
        "provider": "aws",
        "default": True,
        "accessMode": storage.access_mode,
        "objectStorage": place,
        "credential": {"name": storage.credentials, "key": CREDENTIALS_KEY},
        "config": {"region": storage.region, "s3Url": _url(cluster, settings), "s3ForcePathStyle": "true"},
    }
    return Manifest(_API, "BackupStorageLocation", LOCATION, NAMESPACE, body={"spec": spec})


# --- when


def cron(spec: ScheduleSpec, fqdn: str, name: str) -> str:
    """Return when one cluster's schedule runs, in UTC: the same at each look, and another one for each cluster."""
    number = int(digest([fqdn, name]).removeprefix("sha256:")[:12], 16)
    number, minute = divmod(number, _MINUTES)
    if spec.every == "hourly":
        return f"{minute} * * * *"
    number, hour = divmod(number, spec.until_hour - spec.from_hour)
    day = f"{number % _DAYS}" if spec.every == "weekly" else "*"
    return f"{minute} {spec.from_hour + hour} * * {day}"


def _schedule(name: str, spec: ScheduleSpec, cluster: ResolvedCluster, settings: VeleroSettings) -> Manifest:
    hours, rest = divmod(spec.keep.seconds, 3_600)
    minutes, seconds = divmod(rest, 60)
    template: dict[str, Any] = {
        "ttl": f"{hours}h{minutes}m{seconds}s",
        "includedNamespaces": list(spec.namespaces),
        "snapshotVolumes": _snapshots(spec, settings),
        "storageLocation": LOCATION,
    }
    if spec.excluded:
        template["excludedNamespaces"] = list(spec.excluded)
    body = {"spec": {"schedule": cron(spec, cluster.identity.fqdn, name), "template": template}}
    return Manifest(_API, "Schedule", name, NAMESPACE, body=body)


def _snapshot_drivers(cluster: ResolvedCluster) -> list[str]:
    """Return the drivers that make snapshots here: vSphere's own where machines are vSphere's, others where named."""
    own = ["vsphere-csi"] if cluster.identity.provider == "vsphere" else []
    named = [*own, *(name for name in _OPTIONAL_DRIVERS if name in cluster.spec.components)]
    return [name for name in named if name in cluster.layers.release.components]


def _snapshots(spec: ScheduleSpec, settings: VeleroSettings) -> bool:
    return settings.snapshot_volumes if spec.snapshot_volumes is None else spec.snapshot_volumes


# --- management clusters


def _restore_paused() -> Manifest:
    rule = {
        "conditions": {"groupResource": "clusters.cluster.x-k8s.io", "resourceNameRegex": ".*"},
        "mergePatches": [{"patchData": '{"spec": {"paused": true}}'}],
    }
    text = to_yaml([{"version": "v1", "resourceModifierRules": [rule]}])
    return Manifest("v1", "ConfigMap", RESTORE_PAUSED, NAMESPACE, body={"data": {"rules.yaml": text}})


COMPONENT = Velero()

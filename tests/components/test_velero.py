from __future__ import annotations

import re
from collections import Counter
from typing import Any, Literal

import pytest
import yaml

from schiff.components.protocol import Identifier
from schiff.components.velero import COMPONENT, cron
from schiff.components.velero_settings import ScheduleSpec, VeleroSettings
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion
from tests.makers import a_resolved_cluster, a_resolved_management_cluster

FLEET = [f"customer-{letter}-{number}.site-{number % 3}.l.schiff.example" for letter in "abcd" for number in range(250)]


def settings(**values: Any) -> VeleroSettings:
    return VeleroSettings.model_validate(values)


def objects(cluster: ResolvedCluster | None = None, **values: Any) -> dict[tuple[str, str], Manifest]:
    made = COMPONENT.objects(cluster or a_resolved_cluster(), settings(**values))
    return {(item.kind, item.name): item for item in made}


def test_backups_go_to_the_sites_bucket_below_the_clusters_fqdn() -> None:
    location = objects()["BackupStorageLocation", "default"]
    assert location.body["spec"] == {
        "provider": "aws",
        "default": True,
        "accessMode": "ReadWrite",
        "objectStorage": {
            "bucket": "velero-vsphere-site-1",
            "prefix": "customer-a-1.vsphere-site-1.location-1.schiff.example",
        },
        "credential": {"name": "velero-s3", "key": "cloud"},
        "config": {
            "region": "schiff",
            "s3Url": "https://s3.vsphere-site-1.schiff.example",
            "s3ForcePathStyle": "true",
        },
    }


def test_a_ca_is_referred_to_never_written() -> None:
    place = objects(storage={"ca": "s3-ca"})["BackupStorageLocation", "default"].body["spec"]["objectStorage"]
    assert place["caCertRef"] == {"name": "s3-ca", "key": "ca.crt"}
    assert "caCert" not in place


def test_no_two_clusters_share_a_prefix_unless_they_are_told_so() -> None:
    def found(cluster: ResolvedCluster, **values: Any) -> Identifier:
        (identifier,) = COMPONENT.identifiers(cluster, settings(**values))
        return identifier

    virtual, metal = a_resolved_cluster("vsphere"), a_resolved_cluster("metal3")
    assert found(virtual) != found(metal)
    assert found(virtual)[:2] == ("s3", "prefix")
    same = {"url": "https://s3.schiff.example", "bucket": "velero", "prefix": "x"}
    assert found(virtual, storage=same) == found(metal, storage=same)


def test_a_schedule_says_what_is_kept_for_how_long() -> None:
    schedule = objects(schedules={"shop": {"every": "hourly", "keep": "2d", "namespaces": ["shop"], "excluded": ["x"]}})
    assert schedule["Schedule", "shop"].body["spec"]["template"] == {
        "ttl": "48h0m0s",
        "includedNamespaces": ["shop"],
        "snapshotVolumes": False,
        "storageLocation": "default",
        "excludedNamespaces": ["x"],
    }


def test_a_clusters_minute_never_changes() -> None:
    assert cron(ScheduleSpec(), FLEET[0], "daily") == cron(ScheduleSpec(), FLEET[0], "daily")
    assert objects()["Schedule", "daily"].body["spec"]["schedule"] == "2 1 * * *"


def test_a_thousand_clusters_are_spread_over_every_minute_of_the_night() -> None:
    times = Counter(cron(ScheduleSpec(), fqdn, "daily") for fqdn in FLEET)
    hours = Counter(time.split()[1] for time in times.elements())
    assert set(hours) == {"1", "2", "3", "4"}
    assert all(200 <= count <= 300 for count in hours.values())
    assert len(times) > 200
    assert max(times.values()) <= 14


def test_weekly_backups_are_spread_over_the_days_hourly_ones_over_the_minutes() -> None:
    days = Counter(cron(ScheduleSpec(every="weekly"), fqdn, "weekly").split()[4] for fqdn in FLEET)
    assert set(days) == {str(day) for day in range(7)}
    assert max(days.values()) < 2 * min(days.values())
    minutes = Counter(cron(ScheduleSpec(every="hourly"), fqdn, "often").split()[0] for fqdn in FLEET)
    assert len(minutes) == 60
    assert all(re.fullmatch(r"[0-9]+ \* \* \* \*", cron(ScheduleSpec(every="hourly"), fqdn, "x")) for fqdn in FLEET)


def test_two_schedules_of_a_cluster_do_not_start_at_once() -> None:
    together = sum(cron(ScheduleSpec(), fqdn, "daily") == cron(ScheduleSpec(), fqdn, "nightly") for fqdn in FLEET)
    assert together < 20


def test_a_management_cluster_brings_its_clusters_back_paused() -> None:
    (found,) = COMPONENT.inputs(a_resolved_management_cluster(), settings())
    (rule,) = yaml.safe_load(found.body["data"]["rules.yaml"])["resourceModifierRules"]
    assert rule["conditions"]["groupResource"] == "clusters.cluster.x-k8s.io"
    assert yaml.safe_load(rule["mergePatches"][0]["patchData"]) == {"spec": {"paused": True}}
    assert COMPONENT.inputs(a_resolved_cluster(), settings()) == ()


def test_kinds_of_snapshots_are_looked_for_only_where_volumes_are_snapshotted() -> None:
    cluster = a_resolved_cluster()
    assert COMPONENT.variant(cluster, settings()) == "base"
    assert COMPONENT.variant(cluster, settings(snapshotVolumes=True)) == "snapshots"
    quiet = settings(snapshotVolumes=True, schedules={"daily": {"snapshotVolumes": False}})
    assert COMPONENT.variant(cluster, quiet) == "base"
    folder = COMPONENT.folder(ComponentVersion.parse("v1.18.3"), {"velero.yaml": b"d"})
    assert "--features=EnableCSI" in str(folder["snapshots/kustomization.yaml"])
    assert "EnableCSI" not in str(folder["base/kustomization.yaml"])


@pytest.mark.parametrize("provider", ["vsphere", "metal3"])
def test_nothing_secret_is_written(provider: Literal["vsphere", "metal3"]) -> None:
    text = to_yaml(objects(a_resolved_cluster(provider), storage={"ca": "s3-ca"}).values())
    assert "aws_secret" not in text
    assert "caCert:" not in text

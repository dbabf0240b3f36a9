from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from schiff.components.prometheus import REPLICA_LABEL
from schiff.components.prometheus_settings import OBJECT_STORE_KEY, OBJECT_STORE_SECRET
from schiff.components.thanos import COMPONENT, ThanosSettings
from schiff.model.resolved import ResolvedCluster
from tests.components.example_clusters import offering_all
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, a_resolved_cluster, changed

FQDN = "customer-a-1.vsphere-site-1.location-1.schiff.example"
FOLDER = Path("stacks/fleet/components/thanos/v0.42.5")
COMMON = {"objectStore": {"bucket": "samples", "prefix": "all"}}


def settings(**values: Any) -> ThanosSettings:
    return ThanosSettings.model_validate(values)


def a_cluster(
    provider: Literal["vsphere", "metal3"] = "vsphere", prometheus: dict[str, Any] | None = None
) -> ResolvedCluster:
    order = VSPHERE_ORDER if provider == "vsphere" else METAL3_ORDER
    documents = changed(order, "components.prometheus", prometheus or {}, offering_all())
    return a_resolved_cluster(provider, documents=documents)


def vendored(kind: str, name: str) -> dict[str, Any]:
    for file in FOLDER.rglob("*.yaml"):
        for item in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if (item["kind"], item["metadata"]["name"]) == (kind, name):
                return dict(item)
    raise AssertionError(name)


def arguments(pod: dict[str, Any]) -> list[str]:
    return [str(argument) for argument in pod["containers"][0]["args"]]


def test_a_cluster_compacts_the_part_of_the_bucket_that_is_its_own() -> None:
    cluster = a_cluster()
    assert COMPONENT.variant(cluster, settings()) == "compactor"
    [one] = COMPONENT.identifiers(cluster, settings())
    assert one == ("s3", "compactor", "thanos-vsphere-site-1", FQDN, False)


def test_of_clusters_that_share_a_part_exactly_one_compacts_and_two_would_be_seen() -> None:
    one, other = a_cluster(prometheus=COMMON), a_cluster("metal3", COMMON)
    assert COMPONENT.variant(other, settings(compactor=False)) == "base"
    assert list(COMPONENT.identifiers(other, settings(compactor=False))) == []
    both = [list(COMPONENT.identifiers(cluster, settings(compactor=True))) for cluster in (one, other)]
    assert both[0] == both[1] == [("s3", "compactor", "samples", "all", False)]


def test_clusters_with_parts_of_their_own_do_not_collide() -> None:
    found = {(*COMPONENT.identifiers(a_cluster(provider), settings()),) for provider in ("vsphere", "metal3")}
    assert len(found) == 2


def test_without_a_driver_of_volumes_the_compactor_works_in_its_pod_unless_a_class_is_named() -> None:
    metal = a_cluster("metal3")
    assert COMPONENT.variant(metal, settings()) == "compactor-in-pod"
    assert COMPONENT.variant(metal, settings(compactorVolume={"storageClass": "gold"})) == "compactor"
    assert [item.kind for item in COMPONENT.inputs(metal, settings())] == ["ConfigMap"]


def test_each_run_reads_what_is_kept_for_how_long() -> None:
    said = settings(retention={"raw": "30d"})
    told, claim = COMPONENT.inputs(a_cluster(), said)
    assert told.body["data"] == {"RETENTION_RAW": "30d", "RETENTION_5M": "180d", "RETENTION_1H": "365d"}
    assert claim.body["spec"]["resources"] == {"requests": {"storage": "100Gi"}}
    pod = vendored("CronJob", "thanos-compactor")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert {f"$({key})" for key in told.body["data"]} == {
        argument.partition("=")[2] for argument in arguments(pod) if "retention" in argument
    }
    assert pod["containers"][0]["envFrom"] == [{"configMapRef": {"name": told.name}}]
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": claim.name}


def test_a_cluster_that_does_not_compact_has_nothing_for_it() -> None:
    assert list(COMPONENT.inputs(a_cluster(prometheus=COMMON), settings(compactor=False))) == []


def test_two_runs_of_the_compactor_never_overlap() -> None:
    job = vendored("CronJob", "thanos-compactor")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert "--wait" not in arguments(job["jobTemplate"]["spec"]["template"]["spec"])


def test_wrong_settings_of_prometheus_are_told_there_and_not_here() -> None:
    assert list(COMPONENT.problems(a_cluster(prometheus={"retention": "x"}), settings())) == []


def test_replicas_of_one_prometheus_count_once() -> None:
    query = vendored("Deployment", "thanos-query")["spec"]["template"]["spec"]
    assert f"--query.replica-label={REPLICA_LABEL}" in arguments(query)


@pytest.mark.parametrize("address", ["prometheus-operated.monitoring-system.svc", "thanos-store.monitoring-system.svc"])
def test_queries_see_the_last_hours_and_everything_before(address: str) -> None:
    query = vendored("Deployment", "thanos-query")["spec"]["template"]["spec"]
    [listed] = [text for text in arguments(query) if text.startswith("--endpoint.sd-config=")]
    endpoints = yaml.safe_load(listed.partition("=")[2])["endpoints"]
    assert {"address": f"dnssrv+_grpc._tcp.{address}"} in endpoints


@pytest.mark.parametrize(("kind", "name"), [("StatefulSet", "thanos-store"), ("CronJob", "thanos-compactor")])
def test_how_the_object_store_is_reached_is_a_secret_that_people_write(kind: str, name: str) -> None:
    spec = vendored(kind, name)["spec"]
    pod = (spec.get("jobTemplate") or {"spec": spec})["spec"]["template"]["spec"]
    assert {"name": "objstore", "secret": {"secretName": OBJECT_STORE_SECRET}} in pod["volumes"]
    assert f"--objstore.config-file=/etc/thanos/{OBJECT_STORE_KEY}" in arguments(pod)

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from schiff.components.prometheus import COMPONENT
from schiff.components.prometheus_settings import PrometheusSettings
from schiff.components.prometheus_watched import WATCHED
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.model.resolved import ResolvedCluster
from tests.components.example_clusters import offering_all
from tests.makers import VSPHERE_ORDER, Documents, a_resolved_cluster, changed

FQDN = "customer-a-1.vsphere-site-1.location-1.schiff.example"
FOLDER = Path("stacks/fleet/components/prometheus/v3.13.1")


def settings(**values: Any) -> PrometheusSettings:
    return PrometheusSettings.model_validate(values)


def a_cluster(provider: Literal["vsphere", "metal3"] = "vsphere", without: str = "") -> ResolvedCluster:
    return a_resolved_cluster(provider, documents=pinning(without))


def pinning(without: str) -> Documents:
    documents = offering_all()
    documents["head.yaml"]["components"] = {
        name: {"version": "v3.13.1"} if name == "prometheus" else pin
        for name, pin in documents["head.yaml"]["components"].items()
        if name != without
    }
    documents["components/prometheus.yaml"] = {"versions": {"v3.13.1": {}}}
    return documents


def spec(cluster: ResolvedCluster | None = None, **values: Any) -> dict[str, Any]:
    objects = COMPONENT.objects(cluster or a_cluster(), settings(**values))
    return next(dict(item.body["spec"]) for item in objects if item.kind == "Prometheus")


def kinds(cluster: ResolvedCluster) -> set[tuple[str, str]]:
    return {(item.kind, item.name) for item in COMPONENT.objects(cluster, settings())}


def test_two_replicas_say_whose_samples_these_are_and_differ_by_one_label() -> None:
    found = spec(externalLabels={"department": "network"})
    assert found["replicas"] == 2
    assert found["replicaExternalLabelName"] == "prometheus_replica"
    assert found["externalLabels"] == {
        "cluster": FQDN,
        "platform_customer": "customer-a",
        "platform_environment": "tst",
        "platform_fqdn": FQDN,
        "platform_location": "location-1",
        "platform_provider": "vsphere",
        "platform_site": "vsphere-site-1",
        "platform_zone": "intranet",
        "department": "network",
    }


def test_every_monitor_and_rule_of_every_namespace_counts() -> None:
    found = spec()
    for kind in ("serviceMonitor", "podMonitor", "probe", "rule"):
        assert found[f"{kind}Selector"] == found[f"{kind}NamespaceSelector"] == {}


def test_its_image_is_the_releases_from_the_clusters_own_registry() -> None:
    assert spec()["image"] == "registry.schiff.example/prometheus/prometheus:v3.13.1"
    assert spec()["version"] == "v3.13.1"


def test_a_release_that_does_not_pin_it_leaves_the_version_to_the_operator() -> None:
    assert "image" not in spec(a_cluster(without="prometheus"))


def test_with_thanos_a_sidecar_brings_blocks_away_by_a_secret_it_is_only_told_the_name_of() -> None:
    thanos = spec()["thanos"]
    assert thanos["objectStorageConfig"] == {"name": "thanos-objstore", "key": "objstore.yml"}
    assert thanos["image"].startswith("registry.schiff.example/thanos/thanos:v")
    assert "thanos" not in spec(a_cluster(without="thanos"))


@pytest.mark.parametrize(
    ("provider", "said", "storage"),
    [
        ("vsphere", {}, {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}}}),
        (
            "vsphere",
            {"volume": {"storageClass": "vsphere-default", "size": "20Gi"}},
            {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "vsphere-default",
                "resources": {"requests": {"storage": "20Gi"}},
            },
        ),
    ],
)
def test_a_volume_is_of_the_default_class_or_of_the_one_that_is_named(
    provider: Literal["vsphere", "metal3"], said: Mapping[str, Any], storage: Mapping[str, Any]
) -> None:
    assert spec(a_cluster(provider), **said)["storage"] == {"volumeClaimTemplate": {"spec": storage}}


def test_without_a_driver_or_a_class_samples_lie_in_the_pod() -> None:
    in_pod = {"emptyDir": {"sizeLimit": "50Gi"}}
    documents = changed(VSPHERE_ORDER, "components.vsphere-csi", {"classes": {}}, offering_all())
    assert spec(a_cluster("metal3"))["storage"] == in_pod
    assert spec(a_resolved_cluster(documents=documents))["storage"] == in_pod


@pytest.mark.parametrize(("size", "kept"), [("50Gi", "40GB"), ("1Gi", "1GB")])
def test_old_samples_go_before_the_volume_is_full(size: str, kept: str) -> None:
    assert spec(volume={"size": size})["retentionSize"] == kept


def test_a_retention_of_two_hours_is_fine_where_nothing_is_brought_away() -> None:
    assert not list(COMPONENT.problems(a_cluster(without="thanos"), settings(retention="2h")))


def test_another_driver_may_make_any_class() -> None:
    documents = offering_all()
    documents["sites/vsphere-site-1/customer-a/customer-a-1.yaml"]["components"] = {"trident": {}}
    cluster = a_resolved_cluster(documents=documents)
    assert not list(COMPONENT.problems(cluster, settings(volume={"storageClass": "gold"})))


def test_what_the_platform_runs_is_watched_where_it_runs() -> None:
    everything, fewer = kinds(a_cluster()), kinds(a_cluster("metal3", without="kyverno"))
    assert {name for _, name in everything} == {
        "prometheus", "schiff-release", "schiff-platform", *(f"schiff-{name}" for name in WATCHED),
    }  # fmt: skip
    assert {name for _, name in everything - fewer} == {"schiff-kyverno", "schiff-vsphere-csi"}


def test_each_watched_part_has_an_alarm() -> None:
    objects = COMPONENT.objects(a_cluster(), settings())
    [rule] = [item for item in objects if item.name == "schiff-platform"]
    [group] = rule.body["spec"]["groups"]
    assert {alarm["labels"]["component"] for alarm in group["rules"]} == set(WATCHED)


def test_who_asks_for_a_right_gets_a_token_that_only_this_namespace_can_name() -> None:
    [metallb] = [item for item in COMPONENT.objects(a_cluster(), settings()) if item.name == "schiff-metallb"]
    [endpoint] = metallb.body["spec"]["podMetricsEndpoints"]
    assert endpoint["authorization"] == {"credentials": {"name": "prometheus-token", "key": "token"}}
    assert spec()["arbitraryFSAccessThroughSMs"] == {"deny": True}


def test_every_query_can_be_joined_with_the_release() -> None:
    cluster = a_cluster()
    [rule] = [item for item in COMPONENT.objects(cluster, settings()) if item.name == "schiff-release"]
    [recorded] = rule.body["spec"]["groups"][0]["rules"]
    assert recorded["record"] == "schiff_release_info"
    assert recorded["labels"] == {"release": "head", "digest": "head", "kubernetes": str(cluster.assignment.kubernetes)}


def test_clusters_never_share_a_label_and_share_a_part_of_a_bucket_only_when_they_say_so() -> None:
    own = list(COMPONENT.identifiers(a_cluster(), settings()))
    common = list(COMPONENT.identifiers(a_cluster(), settings(objectStore={"prefix": "all"})))
    assert [(one.kind, one.scope, one.value, one.shared) for one in own] == [
        ("cluster label", "", FQDN, False),
        ("prefix", "thanos-vsphere-site-1", FQDN, False),
    ]
    assert common[1][2:] == ("thanos-vsphere-site-1", "all", True)
    assert len(list(COMPONENT.identifiers(a_cluster(without="thanos"), settings()))) == 1


def test_flux_is_watched_where_it_runs() -> None:
    monitors = yaml.safe_load_all((FOLDER / "monitors.yaml").read_text(encoding="utf-8"))
    flux = next(item for item in monitors if item["metadata"]["name"] == "flux")
    assert flux["spec"]["namespaceSelector"] == {"matchNames": [FLUX_NAMESPACE]}


def test_an_alarm_says_what_is_wrong_and_how_bad_it_is() -> None:
    for item in yaml.safe_load_all((FOLDER / "rules.yaml").read_text(encoding="utf-8")):
        assert item["metadata"]["labels"] == {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
        for group in item["spec"]["groups"]:
            for rule in [rule for rule in group["rules"] if "alert" in rule]:
                assert rule["labels"]["severity"] in {"critical", "warning", "none"}
                assert rule["annotations"]["summary"]

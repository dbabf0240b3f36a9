from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.components.flux import COMPONENT, FluxSettings
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import ComponentVersion
from tests.makers import (
    MANAGEMENT_CLUSTER,
    VSPHERE_ORDER,
    a_resolved_cluster,
    a_resolved_management_cluster,
    changed,
)

V2, SHARDED = ComponentVersion.parse("v2.9.3"), ComponentVersion.parse("v2.9.3-s2")
VENDORED = {"namespace.yaml": b"n", "internet/network-policies.yaml": b"p"}
ALERTS = {"type": "generic", "address": "https://alerts.schiff.example/tenants"}


def kustomization(variant: str, version: ComponentVersion = V2) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(str(COMPONENT.folder(version, VENDORED)[f"{variant}/kustomization.yaml"]))
    return read


def arguments(variant: str, controller: str, version: ComponentVersion = SHARDED) -> list[str]:
    """Return what a folder adds to the arguments of a controller."""
    patches = kustomization(variant, version)["patches"]
    (text,) = [patch["patch"] for patch in patches if patch["target"]["name"] == controller]
    return [each["value"] for each in yaml.safe_load(text) if each["path"].endswith("args/-")]


def manager(shards: int | None = None) -> ResolvedCluster:
    return a_resolved_management_cluster(documents=changed(MANAGEMENT_CLUSTER, "facts.shards", shards))


@pytest.mark.parametrize(("zone", "variant"), [("intranet", "intranet"), ("internet", "internet")])
def test_the_variant_follows_the_zone(zone: str, variant: str) -> None:
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "zone", zone))
    assert COMPONENT.variant(cluster, FluxSettings()) == variant


def test_a_zone_nobody_knows_is_taken_for_an_open_one() -> None:
    documents = changed("zones/m2m.yaml", "audit", {})
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "zone", "m2m", documents))
    assert COMPONENT.variant(cluster, FluxSettings()) == "internet"


def test_only_the_internets_variant_closes_the_namespace() -> None:
    assert kustomization("intranet")["resources"] == ["../base"]
    assert kustomization("internet")["resources"] == ["../base", "network-policies.yaml"]


def test_every_controller_runs_as_its_own_account_and_reports_events() -> None:
    patches = {patch["target"]["name"]: yaml.safe_load(patch["patch"]) for patch in kustomization("base")["patches"]}
    assert sorted(patches) == [
        "helm-controller",
        "kustomize-controller",
        "notification-controller",
        "source-controller",
    ]
    for name, operations in patches.items():
        values = [operation["value"] for operation in operations]
        assert values[0] == name
        assert ("--events-addr=http://notification-controller/" in values) == (name != "notification-controller")


def test_no_service_is_named_with_a_domain_that_a_cluster_may_have_changed() -> None:
    assert "cluster.local" not in yaml.safe_dump(kustomization("base"))


def test_kustomizations_without_a_key_of_their_own_decrypt_with_the_one_flux_was_given() -> None:
    patches = {patch["target"]["name"]: patch["patch"] for patch in kustomization("base")["patches"]}
    assert [name for name, text in patches.items() if "--sops-age-secret=sops-age" in text] == ["kustomize-controller"]


def test_intervals_jitter_since_the_second_revision() -> None:
    for controller in ("helm-controller", "kustomize-controller", "source-controller"):
        assert "--interval-jitter-percentage=10" in arguments("base", controller)
        assert "--interval-jitter-percentage=10" not in arguments("base", controller, V2)
    assert arguments("base", "notification-controller") == []


def test_a_version_without_shards_has_no_variant_of_them() -> None:
    assert {path.partition("/")[0] for path in COMPONENT.folder(V2, VENDORED)} == {"base", "intranet", "internet"}


def test_each_shard_watches_its_key_and_the_rest_watch_what_has_none() -> None:
    assert kustomization("intranet-2-shards", SHARDED)["resources"] == [
        "../unsharded/intranet",
        "../shards/1",
        "../shards/2",
    ]
    assert "patches" not in kustomization("intranet-2-shards", SHARDED), "one would find the shards by their old name"
    assert arguments("unsharded/intranet", "kustomize-controller") == ["--watch-label-selector=!sharding.fluxcd.io/key"]
    found = arguments("shards/2", "kustomize-controller")
    assert "--watch-label-selector=sharding.fluxcd.io/key=shard2" in found
    assert "--sops-age-secret=sops-age" in found


def test_a_shard_is_another_deployment_with_pods_of_its_own() -> None:
    (patch,) = kustomization("shards/2", SHARDED)["patches"]
    renamed = {each["path"]: each["value"] for each in yaml.safe_load(patch["patch"]) if each["op"] == "replace"}
    assert set(renamed.values()) == {"kustomize-controller-shard2"}
    assert set(renamed) == {"/metadata/name", "/spec/selector/matchLabels/app", "/spec/template/metadata/labels/app"}
    assert patch["options"] == {"allowNameChange": True}


def test_shards_are_a_management_clusters_and_its_facts_say_how_many() -> None:
    documents = changed(MANAGEMENT_CLUSTER, "facts.shards", 4)
    assert COMPONENT.variant(manager(4), FluxSettings()) == "intranet-4-shards"
    assert COMPONENT.variant(manager(), FluxSettings()) == "intranet"
    assert COMPONENT.variant(a_resolved_cluster(documents=documents), FluxSettings()) == "intranet"


def test_a_tenant_tells_what_it_fails_to_pull_or_apply() -> None:
    settings = FluxSettings.model_validate({"alerts": ALERTS})
    provider, alert = COMPONENT.objects(a_resolved_cluster(), settings)
    assert provider.body["spec"] == ALERTS
    assert alert.body["spec"]["providerRef"] == {"name": provider.name}
    assert [source["kind"] for source in alert.body["spec"]["eventSources"]] == ["GitRepository", "Kustomization"]
    assert alert.body["spec"]["eventMetadata"]["cluster"] == a_resolved_cluster().identity.fqdn
    assert COMPONENT.objects(a_resolved_cluster(), FluxSettings()) == ()


def test_a_management_cluster_speaks_by_its_facts_alone() -> None:
    assert COMPONENT.objects(manager(), FluxSettings.model_validate({"alerts": ALERTS})) == ()

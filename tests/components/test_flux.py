from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.components.flux import COMPONENT, FluxSettings
from schiff.values.versions import ComponentVersion
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed

V2 = ComponentVersion.parse("v2.9.3")
VENDORED = {"namespace.yaml": b"n", "internet/network-policies.yaml": b"p"}


def kustomization(variant: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(str(COMPONENT.folder(V2, VENDORED)[f"{variant}/kustomization.yaml"]))
    return read


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

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from schiff.compiler.bootstrap import bootstrap_kustomizations
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.model.resolved import ResolvedCluster
from tests.compiler.compiling import PARTS
from tests.makers import a_resolved_cluster, a_resolved_management_cluster


def by_name(cluster: ResolvedCluster) -> dict[str, Manifest]:
    files = bootstrap_kustomizations(cluster, PARTS)
    return {item.name: item for objects in files.values() for item in objects}


def spec(cluster: ResolvedCluster, name: str) -> dict[str, Any]:
    return dict(by_name(cluster)[name].body["spec"])


def test_the_two_bootstrap_files(assert_golden: Callable[[str, str], None]) -> None:
    files = bootstrap_kustomizations(a_resolved_cluster(), PARTS)
    assert list(files) == ["cni-kustomization.yaml", "flux-kustomization.yaml"]
    assert_golden(
        "components/bootstrap.yaml", "".join(f"#### {name}\n{to_yaml(items)}" for name, items in files.items())
    )


def test_flux_waits_for_the_network_and_its_configuration_for_flux() -> None:
    cluster = a_resolved_cluster()
    assert "dependsOn" not in spec(cluster, "customer-a-1-cni")
    assert spec(cluster, "customer-a-1-flux")["dependsOn"] == [{"name": "customer-a-1-cni"}]
    assert spec(cluster, "customer-a-1-config")["dependsOn"] == [{"name": "customer-a-1-flux"}]


def test_all_of_them_are_applied_to_the_tenant_and_none_prunes() -> None:
    for item in by_name(a_resolved_cluster()).values():
        assert item.namespace == "vsphere-site-1-customer-a-1"
        assert item.body["spec"]["kubeConfig"] == {"secretRef": {"name": "customer-a-1-kubeconfig"}}
        assert item.body["spec"]["prune"] is False


def test_a_management_cluster_applies_its_own_to_itself() -> None:
    for item in by_name(a_resolved_management_cluster()).values():
        assert "kubeConfig" not in item.body["spec"]
        assert item.namespace == "schiff-system"


@pytest.mark.parametrize("removal", ["a", "b", "c", "d", "e"])
def test_a_cluster_that_leaves_has_none(removal: Any) -> None:
    assert bootstrap_kustomizations(a_resolved_cluster(removal=removal), PARTS) == {}


def test_only_what_brings_an_encrypted_document_decrypts() -> None:
    key = b"metadata: {name: sops-age, namespace: schiff-system}\n"
    vcenter = b"metadata: {name: vsphere-cloud-secret, namespace: kube-system}\n"
    cluster = a_resolved_cluster()
    with_key = replace(cluster, secrets={"key.yaml": key})
    with_vcenter = replace(cluster, secrets={"vcenter.yaml": vcenter})
    for each, decrypting in (
        (cluster, set()),
        (with_key, {"customer-a-1-config"}),
        (with_vcenter, {"customer-a-1-cni"}),
    ):
        assert {name for name, item in by_name(each).items() if "decryption" in item.body["spec"]} == decrypting


def test_the_key_is_the_tenants_copy_where_there_is_one_else_the_one_flux_was_given() -> None:
    key = b"metadata: {name: sops-age, namespace: schiff-system}\n"
    copy = key.replace(b"schiff-system", b"vsphere-site-1-customer-a-1")
    cluster = replace(a_resolved_cluster(), secrets={"key.yaml": key})
    with_copy = replace(cluster, secrets={"key.yaml": key, "copy.yaml": copy})
    assert spec(cluster, "customer-a-1-config")["decryption"] == {"provider": "sops"}
    own = {"provider": "sops", "secretRef": {"name": "sops-age"}}
    assert spec(with_copy, "customer-a-1-config")["decryption"] == own
    management = replace(a_resolved_management_cluster(), secrets={"key.yaml": key})
    assert spec(management, "schiff-mgmt-x-config")["decryption"] == own

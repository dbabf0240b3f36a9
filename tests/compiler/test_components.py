from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest
import yaml

from schiff.compiler.bootstrap import own_folder
from schiff.compiler.components import locations, shared_folders
from schiff.compiler.file_tree import FileTree
from schiff.model.resolved import ResolvedCluster
from tests.compiler.compiling import PARTS, as_text
from tests.makers import (
    METAL3_ORDER,
    VSPHERE_ORDER,
    a_fleet,
    a_resolved_cluster,
    a_resolved_management_cluster,
    changed,
)

HOLD = {"by": "customer-a", "reason": "season", "since": "2026-11-01"}
POOLS = {"pools": {"services": {"addresses": ["10.2.0.192/28"]}}}


def a_secret(name: str, namespace: str) -> bytes:
    return f"metadata: {{name: {name}, namespace: {namespace}}}\nsops:\n  mac: ENC[x]\n".encode()


SECRETS = {
    "key.yaml": a_secret("sops-age", "schiff-system"),
    "vcenter.yaml": a_secret("vsphere-cloud-secret", "kube-system"),
    "csi.yaml": a_secret("vsphere-config-secret", "vmware-system-csi"),
    "capv.yaml": a_secret("capv", "vsphere-site-1-customer-a-1"),
}


def folder(cluster: ResolvedCluster) -> FileTree:
    return locations(cluster, PARTS)


def read(tree: FileTree, path: str) -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load(tree[path])
    return value


def kustomization(tree: FileTree, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = read(tree, f"kustomizations/{name}_schiff-system.yaml")["spec"]
    return spec


def objects(tree: FileTree, paths: Iterable[str]) -> list[tuple[str, str, str, str]]:
    found = []
    for path in paths:
        item = yaml.safe_load(tree[path])
        metadata = item["metadata"]
        found.append(
            (item.get("apiVersion", ""), item.get("kind", ""), metadata.get("namespace", ""), metadata["name"])
        )
    return found


def applied(tree: FileTree, folder_: str) -> list[str]:
    """Return the files that applying one folder applies."""
    listed = read(tree, posixpath.join(folder_, "kustomization.yaml"))["resources"]
    return [posixpath.join(folder_, resource) for resource in listed if not resource.startswith("..")]


@pytest.mark.parametrize("provider", ["vsphere", "metal3"])
def test_a_tenants_folder(provider: Literal["vsphere", "metal3"], assert_golden: Callable[[str, str], None]) -> None:
    documents = changed(METAL3_ORDER, "components.metallb", POOLS)
    tree = folder(a_resolved_cluster(provider, documents=documents))
    assert_golden(f"components/locations-{provider}.yaml", as_text(tree, without="#"))


def test_every_file_is_applied_by_exactly_one_kustomization() -> None:
    cluster = replace(a_resolved_cluster(), secrets=SECRETS)
    tree = folder(cluster)
    roots = [
        "",
        "cni",
        "self",
        *(
            posixpath.dirname(path)
            for path in tree
            if path.startswith("config/") and path.endswith("kustomization.yaml")
        ),
    ]
    found = [path for root in roots for path in applied(tree, root)]
    assert sorted(found) == sorted(path for path in tree if not path.endswith("kustomization.yaml"))


def test_no_object_has_two_owners() -> None:
    tree = folder(replace(a_resolved_cluster(), secrets=SECRETS))
    found = objects(tree, [path for path in tree if not path.endswith("kustomization.yaml")])
    assert len(found) == len(set(found))


def test_files_are_called_after_their_object_in_a_folder_of_its_plural_kind() -> None:
    tree = folder(a_resolved_cluster("metal3"))
    assert "gitrepositories/cluster-components_schiff-system.yaml" in tree
    assert "namespaces/metallb-system.yaml" in tree
    assert "config/metallb/bgppeers/leaf-1_metallb-system.yaml" in tree


def test_the_cni_folder_reaches_the_versioned_folders_of_the_same_repository() -> None:
    cluster = a_resolved_cluster()
    tree = folder(cluster)
    shared = {str(path / name) for path, files in shared_folders([cluster], a_fleet(), PARTS).items() for name in files}
    for resource in read(tree, "cni/kustomization.yaml")["resources"]:
        if resource.startswith(".."):
            target = posixpath.normpath(posixpath.join(own_folder(cluster), "cni", resource))
            assert f"{target}/kustomization.yaml" in shared


def test_nothing_the_tenant_applies_leaves_its_own_folder() -> None:
    tree = folder(a_resolved_cluster())
    for path in tree:
        if path.endswith("kustomization.yaml") and not path.startswith("cni/"):
            assert not any(resource.startswith("..") for resource in read(tree, path)["resources"])


def test_encrypted_documents_go_to_who_applies_them_byte_for_byte() -> None:
    tree = folder(replace(a_resolved_cluster(), secrets=SECRETS))
    assert tree["self/secrets/key.yaml"] == SECRETS["key.yaml"]
    assert tree["cni/secrets/vcenter.yaml"] == SECRETS["vcenter.yaml"]
    assert tree["secrets/csi.yaml"] == SECRETS["csi.yaml"]
    assert not [path for path in tree if path.endswith("capv.yaml")]


def test_self_decrypts_only_where_there_is_something_to_decrypt() -> None:
    cluster = a_resolved_cluster()
    path = "self/kustomizations/self_schiff-system.yaml"
    assert "decryption" not in read(folder(cluster), path)["spec"]
    assert read(folder(replace(cluster, secrets=SECRETS)), path)["spec"]["decryption"]["provider"] == "sops"


def test_a_component_waits_for_what_it_requires_and_its_objects_wait_for_it() -> None:
    tree = folder(
        a_resolved_cluster(
            documents=changed(VSPHERE_ORDER, "components.metallb", {"pools": {"a": {"addresses": "10.1.0.200"}}})
        )
    )
    assert kustomization(tree, "metallb-config")["dependsOn"] == [{"name": "metallb"}]
    assert kustomization(tree, "metallb-config")["sourceRef"]["name"] == "cluster-config"
    assert kustomization(tree, "metallb")["sourceRef"]["name"] == "cluster-components"


def test_a_component_without_objects_of_the_cluster_has_no_second_kustomization() -> None:
    tree = folder(a_resolved_cluster())
    assert "kustomizations/metallb_schiff-system.yaml" in tree
    assert "kustomizations/metallb-config_schiff-system.yaml" not in tree


def test_images_are_pulled_from_the_clusters_registry_without_their_own_host() -> None:
    documents = changed("defaults.yaml", "registry", "mirror.schiff.example/edge")
    images = kustomization(folder(a_resolved_cluster(documents=documents)), "metallb")["images"]
    assert {"name": "quay.io/metallb/speaker", "newName": "mirror.schiff.example/edge/metallb/speaker"} in images


def test_calicos_routers_wait_for_its_api_server_in_the_tenant() -> None:
    peering = changed(METAL3_ORDER, "components", {"calico": {"bgp": True}, "metallb": {"mode": "l2"}})
    tree = folder(a_resolved_cluster("metal3", documents=peering))
    assert "dependsOn" not in kustomization(tree, "calico-config")
    assert "config/calico/bgppeers/leaf-1.yaml" in tree
    assert "cni/bgppeers/leaf-1.yaml" not in tree


def test_the_customer_reads_what_runs_and_whether_it_is_held() -> None:
    path = "configmaps/schiff-release_schiff-system.yaml"
    free = read(folder(a_resolved_cluster()), path)["data"]
    assert free == {"release": "head", "digest": "head", "environment": "tst", "kubernetes": "v1.35.4", "hold": "false"}
    held = changed(VSPHERE_ORDER, "hold", HOLD, changed(VSPHERE_ORDER, "environment", "prd"))
    held = changed("management-clusters/schiff-mgmt-x.yaml", "environments", ["tst", "ref", "prd"], held)
    data = read(folder(a_resolved_cluster(documents=held)), path)["data"]
    assert (data["hold"], data["holdBy"], data["holdSince"]) == ("true", "customer-a", "2026-11-01")
    assert "holdUntil" not in data


def test_a_management_cluster_keeps_the_source_that_its_tenants_share_out_of_its_own_folder() -> None:
    tree = folder(a_resolved_management_cluster())
    assert "self/gitrepositories/cluster-config_schiff-system.yaml" in tree
    assert "gitrepositories/cluster-components_schiff-system.yaml" not in tree


def test_the_folder_stays_until_the_last_state_of_a_removal() -> None:
    whole = folder(a_resolved_cluster())
    for removal in ("a", "b", "c", "d"):
        assert folder(a_resolved_cluster(removal=removal)) == whole
    assert folder(a_resolved_cluster(removal="e")) == FileTree()


def test_clusters_share_each_versioned_folder_with_all_its_variants() -> None:
    clusters = [a_resolved_cluster("vsphere"), a_resolved_cluster("metal3")]
    shared = shared_folders(clusters, a_fleet(), PARTS)
    assert list(shared) == [
        PurePosixPath("components", name)
        for name in ("calico/v3.32.1", "flux/v2.9.3", "metallb/v0.16.1", "vsphere-cpi/v1.35.1", "vsphere-csi/v3.7.3")
    ]
    assert {path.split("/")[0] for path in shared[PurePosixPath("components/flux/v2.9.3")]} == {
        "base",
        "intranet",
        "internet",
    }


def test_no_value_of_a_layer_reaches_a_versioned_folder() -> None:
    documents = changed(VSPHERE_ORDER, "components.calico", {"encapsulation": "VXLAN", "mtu": 1400})
    documents = changed("defaults.yaml", "registry", "mirror.schiff.example", documents)
    one = shared_folders([a_resolved_cluster()], a_fleet(), PARTS)
    other = shared_folders([a_resolved_cluster(documents=documents)], a_fleet(documents), PARTS)
    assert dict(one) == dict(other)

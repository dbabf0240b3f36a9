from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schiff.compiler.file_tree import FileTree, difference, tree_id
from schiff.compiler.tenant_cluster import definitions
from schiff.errors import InvalidInput
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import KubernetesVersion
from tests.compiler.compiling import PARTS, as_text, listed, objects, of_kind, on_metal3, on_vsphere
from tests.makers import a_resolved_cluster, changed

TEMPLATES = ("VSphereMachineTemplate", "Metal3MachineTemplate", "Metal3DataTemplate", "KubeadmConfigTemplate")
FILES = [
    "Cluster.yml",
    "KubeadmControlPlane.yml",
    "MachineDeployment.yml",
    "MachineHealthcheck.yml",
    "MachineTemplate.yml",
    "Role.yml",
]


def template_names(tree: FileTree) -> set[str]:
    return {f"{each['kind']}/{each['metadata']['name']}" for kind in TEMPLATES for each in of_kind(tree, kind)}


def compiled(cluster: ResolvedCluster) -> FileTree:
    return definitions(cluster, PARTS)


@pytest.mark.parametrize("provider", ["vsphere", "metal3"])
def test_whole_folder_of_a_cluster(provider: Any, assert_golden: Callable[[str, str], None]) -> None:
    assert_golden(f"definitions/{provider}.yaml", as_text(compiled(a_resolved_cluster(provider))))


def test_whole_folder_of_servers_that_configure_their_network_with_netplan(
    assert_golden: Callable[[str, str], None],
) -> None:
    cluster = on_metal3({"nodes.configuration": "netplan", "controlPlane.vip": "kube-vip"})
    assert_golden("definitions/metal3-netplan.yaml", as_text(compiled(cluster)))


def test_pools_in_zones_with_taints_and_labels(assert_golden: Callable[[str, str], None]) -> None:
    pool = {
        "class": "large",
        "replicas": 5,
        "zones": ["az-1", "az-2"],
        "labels": {"schiff.example/tier": "database", "node-role.kubernetes.io/database": ""},
        "taints": [{"key": "database", "value": "yes", "effect": "NoSchedule"}],
    }
    tree = compiled(on_vsphere({"pools.db": pool}))
    assert_golden("definitions/zones.yaml", as_text(tree).partition("#### MachineDeployment.yml")[2])


def test_files_are_called_as_controllers_and_people_expect_them() -> None:
    tree = compiled(a_resolved_cluster())
    bootstrap = ["kustomizations/cni-kustomization.yaml", "kustomizations/flux-kustomization.yaml"]
    assert sorted(tree) == sorted([*FILES, *bootstrap, "kustomization.yaml"])
    assert sorted(listed(tree)) == sorted([*FILES, *bootstrap])


def secret(namespace: str) -> bytes:
    return f"kind: Secret\nmetadata: {{name: one, namespace: {namespace}}}\nsops:\n    mac: ENC[ä]\n".encode()


def test_encrypted_documents_pass_byte_for_byte_and_are_listed() -> None:
    document = secret("vsphere-site-1-customer-a-1")
    tree = compiled(replace(a_resolved_cluster(), secrets={"vcenter.yaml": document}))
    assert tree["secrets/vcenter.yaml"] == document
    assert "secrets/vcenter.yaml" in listed(tree)


def test_what_is_encrypted_for_the_tenant_does_not_reach_the_management_cluster() -> None:
    cluster = replace(a_resolved_cluster(), secrets={"git.yaml": secret("schiff-system")})
    assert not [path for path in compiled(cluster) if path.startswith("secrets/")]


def test_equal_input_gives_equal_bytes() -> None:
    assert tree_id(compiled(on_metal3())) == tree_id(compiled(on_metal3()))


@settings(max_examples=15, deadline=None)
@given(replicas=st.integers(0, 200))
def test_scaling_a_pool_keeps_its_templates(replicas: int) -> None:
    scaled = compiled(on_vsphere({"pools.md-0.replicas": replicas}))
    assert template_names(scaled) == template_names(compiled(on_vsphere()))


@pytest.mark.parametrize("make", [on_vsphere, on_metal3])
def test_what_only_labels_objects_keeps_every_template(make: Callable[[Mapping[str, Any]], ResolvedCluster]) -> None:
    before = make({})
    after = make({"labels": {"team": "blue"}})
    release = Assignment(f"sha256:{'a' * 64}", before.assignment.kubernetes)
    after = replace(after, identity=replace(after.identity, customer="customer-b"), assignment=release)
    assert difference(compiled(before), compiled(after))
    assert template_names(compiled(after)) == template_names(compiled(before))


def test_another_machine_size_changes_that_pools_template_alone() -> None:
    two = {"pools.db": {"class": "large", "replicas": 1}}
    sized = {"machineClasses.huge": {"cpus": 32, "memoryMiB": 131072, "diskGiB": 200}, "pools.db.class": "huge"}
    before, after = template_names(compiled(on_vsphere(two))), template_names(compiled(on_vsphere({**two, **sized})))
    [gone], [new] = before - after, after - before
    assert gone.startswith("VSphereMachineTemplate/customer-a-1-db-")
    assert new.startswith("VSphereMachineTemplate/customer-a-1-db-")


def test_another_node_network_renames_data_templates_and_the_machine_templates_that_name_them() -> None:
    before, after = template_names(compiled(on_metal3())), template_names(compiled(on_metal3({"nodes.mtu": 1500})))
    changed_kinds = sorted(name.partition("/")[0] for name in after - before)
    assert changed_kinds == ["Metal3DataTemplate"] * 2 + ["Metal3MachineTemplate"] * 2


def test_flux_never_removes_templates_so_that_old_generations_outlive_a_rollout() -> None:
    for tree in (compiled(on_vsphere()), compiled(on_metal3())):
        kept = [each["metadata"].get("annotations", {}) for kind in TEMPLATES for each in of_kind(tree, kind)]
        assert kept
        assert all(annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled" for annotations in kept)


def test_the_release_is_written_on_few_objects() -> None:
    tree = compiled(a_resolved_cluster())
    marked = {
        each["kind"]
        for each in objects(tree)
        if "schiff.example/release" in each.get("metadata", {}).get("annotations", {})
    }
    assert marked == {"Cluster", "KubeadmControlPlane", "MachineDeployment"}


def test_version_and_image_change_together_on_a_hop() -> None:
    hop = Assignment("head", KubernetesVersion.parse("v1.34.6"))
    tree = compiled(replace(a_resolved_cluster("metal3"), assignment=hop))
    images = [each["spec"]["template"]["spec"]["image"] for each in of_kind(tree, "Metal3MachineTemplate")]
    [plane] = of_kind(tree, "KubeadmControlPlane")
    assert plane["spec"]["version"] == "v1.34.6"
    assert {image["url"].rpartition("/")[2] for image in images} == {"ubuntu-2404-kube-v1.34.6.qcow2"}
    assert all(image["checksum"] == f"{image['url']}.sha256" for image in images)


def test_every_reference_points_at_an_object_of_the_folder() -> None:
    for tree in (compiled(on_vsphere({"pools.md-0.zones": ["az-1", "az-2"]})), compiled(on_metal3())):
        known = {(each["kind"], each["metadata"]["name"]) for each in objects(tree) if "metadata" in each}
        wanted = set(_references(objects(tree))) - {("VSphereClusterIdentity", "vsphere-site-1")}
        assert wanted
        assert wanted <= known


def _references(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [found for each in value for found in _references(each)]
    if not isinstance(value, dict):
        return []
    below = [found for each in value.values() for found in _references(each)]
    is_reference = {"kind", "name"} <= value.keys() and {"apiGroup", "apiVersion"} & value.keys()
    return [*below, (value["kind"], value["name"])] if is_reference else below


def test_nothing_that_flux_could_take_for_a_variable_is_written() -> None:
    for cluster in (on_vsphere(), on_metal3(), on_metal3({"nodes.configuration": "netplan"})):
        assert not [path for path, content in compiled(cluster).items() if "${" in str(content)]


def test_files_on_machines_stay_within_what_cluster_api_takes() -> None:
    for cluster in (on_vsphere(), on_metal3({"nodes.configuration": "netplan", "controlPlane.vip": "kube-vip"})):
        [plane] = of_kind(compiled(cluster), "KubeadmControlPlane")
        assert all(0 < len(file["content"]) <= 10_240 for file in plane["spec"]["kubeadmConfigSpec"]["files"])


def test_everything_that_an_infrastructure_cannot_do_is_said_at_once() -> None:
    documents = changed("sites/baremetal-site-1/customer-a/customer-a-2.yaml", "pools.md-0.hosts", ["r1-u01", "r9-u99"])
    cluster = a_resolved_cluster("metal3", documents=documents)
    with pytest.raises(InvalidInput) as raised:
        compiled(cluster)
    assert [problem.message for problem in raised.value.problems] == [
        "r1-u01 is controller, the class asks for worker",
        "the site has no server 'r9-u99'",
    ]
    assert {str(problem.place) for problem in raised.value.problems} == {
        "sites/baremetal-site-1/customer-a/customer-a-2.yaml"
    }
    assert {problem.path for problem in raised.value.problems} == {"pools[md-0].hosts"}


def test_a_site_of_an_unknown_provider_is_refused() -> None:
    cluster = a_resolved_cluster()
    strange = replace(cluster, identity=replace(cluster.identity, provider="openstack"))
    with pytest.raises(InvalidInput, match="no provider is called 'openstack'; installed: metal3, vsphere"):
        compiled(strange)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from schiff.compiler.file_tree import FileTree
from schiff.compiler.management_cluster import self_definitions
from tests.compiler.compiling import PARTS, as_text, listed, objects, of_kind
from tests.makers import MANAGEMENT_CLUSTER, Documents, a_fleet, a_resolved_management_cluster, changed


def compiled(documents: Documents | None = None) -> FileTree:
    return self_definitions(a_resolved_management_cluster(documents), a_fleet(documents), PARTS)


def test_whole_folder_of_a_management_cluster(assert_golden: Callable[[str, str], None]) -> None:
    assert_golden("definitions/self-definitions.yaml", as_text(compiled()))


def test_files_are_called_as_the_first_management_clusters_had_them() -> None:
    tree = compiled(changed(MANAGEMENT_CLUSTER, "cluster.pools.md-1", {"class": "large", "replicas": 1}))
    assert set(tree) == {
        "Cluster.yml",
        "Kubeadm-config.yml",
        "MachineTemplates.yml",
        "kustomization.yaml",
        "machinedeployment-0.yml",
        "machinedeployment-1.yml",
        "machinehealthcheck.yml",
        "providers.yml",
    }
    assert set(listed(tree)) == set(tree) - {"kustomization.yaml"}


def test_its_objects_lie_in_the_namespace_of_its_own_name() -> None:
    [cluster] = of_kind(compiled(), "Cluster")
    assert cluster["metadata"]["namespace"] == "schiff-mgmt-x"


def test_flux_may_remove_nothing_of_it() -> None:
    manifests = [each for each in objects(compiled()) if "metadata" in each]
    prune = {each["metadata"].get("annotations", {}).get("kustomize.toolkit.fluxcd.io/prune") for each in manifests}
    assert prune == {"disabled"}


def test_it_runs_the_infrastructures_of_its_sites_and_no_others() -> None:
    only_vsphere = changed(MANAGEMENT_CLUSTER, "sites", ["vsphere-site-1"])
    documents = {path: data for path, data in only_vsphere.items() if "baremetal" not in path}
    both = of_kind(compiled(), "InfrastructureProvider")
    one = of_kind(compiled(documents), "InfrastructureProvider")
    assert [each["metadata"]["name"] for each in both] == ["metal3", "vsphere"]
    assert [each["metadata"]["name"] for each in one] == ["vsphere"]


def test_providers_run_the_versions_of_the_release() -> None:
    tree = compiled(changed("head.yaml", "managementPlane.capv", "v1.16.2"))
    versions = {
        f"{each['kind']}/{each['metadata']['name']}": each["spec"]["version"]
        for each in objects(tree, "providers.yml")
        if each["kind"].endswith("Provider")
    }
    assert versions == {
        "BootstrapProvider/kubeadm": "v1.13.5",
        "ControlPlaneProvider/kubeadm": "v1.13.5",
        "CoreProvider/cluster-api": "v1.13.5",
        "IPAMProvider/in-cluster": "v1.0.3",
        "IPAMProvider/metal3": "v1.13.2",
        "InfrastructureProvider/metal3": "v1.13.2",
        "InfrastructureProvider/vsphere": "v1.16.2",
    }


def test_encrypted_documents_of_its_own_namespace_pass_byte_for_byte_and_no_others() -> None:
    bmc = b"metadata: {name: bmc, namespace: schiff-mgmt-x}\n"
    secrets = {"bmc.yaml": bmc, "git.yaml": b"metadata: {name: git-ssh, namespace: schiff-system}\n"}
    cluster = replace(a_resolved_management_cluster(), secrets=secrets)
    tree = self_definitions(cluster, a_fleet(), PARTS)
    assert tree["secrets/bmc.yaml"] == bmc
    assert "secrets/bmc.yaml" in listed(tree)
    assert "secrets/git.yaml" not in tree


def test_infobloxs_provider_runs_where_a_site_has_addresses_there_and_comes_from_the_clusters_registry() -> None:
    facts = changed("sites/vsphere-site-1/site.yaml", "facts.infoblox", {"instance": "production"})
    pinned = changed("head.yaml", "managementPlane.ipamInfoblox", "v0.2.1", facts)
    found = {each["metadata"]["name"]: each for each in of_kind(compiled(pinned), "IPAMProvider")}
    assert found["infoblox"]["spec"] == {
        "version": "v0.2.1",
        "fetchConfig": {"oci": "registry.schiff.example/cluster-api/ipam-infoblox"},
    }
    assert found["infoblox"]["metadata"]["namespace"] == "capi-ipam-infoblox-system"
    unused = changed("head.yaml", "managementPlane.ipamInfoblox", "v0.2.1")
    assert "infoblox" not in {each["metadata"]["name"] for each in of_kind(compiled(unused), "IPAMProvider")}

"""What of the compiled files goes to API servers."""

from __future__ import annotations

import yaml

from schiff.compiler.environment import CompiledEnvironment, compile_environment
from schiff.compiler.file_tree import FileTree
from schiff.delivery.direct_objects import DirectShare, direct_share
from schiff.sources.plugins import load_parts
from tests.makers import a_resolved_environment

FOLDER = "schiff-mgmt-x/sites/site-1/customer-a/shop"


def a_share(*items: dict[str, object], **files: str) -> DirectShare:
    return direct_share({FOLDER: FileTree({"objects.yml": yaml.safe_dump_all(items), **files})})


def an_object(kind: str, name: str = "shop", **more: object) -> dict[str, object]:
    return {
        "apiVersion": "example.org/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "site-1-shop"},
        **more,
    }


def everything() -> DirectShare:
    compiled: CompiledEnvironment = compile_environment(a_resolved_environment(), load_parts())
    return direct_share({str(one.path): one.files for one in compiled.folders if one.repository == "definitions"})


def test_namespaces_come_first_and_clusters_last() -> None:
    kinds = [item.key.kind for item in everything().objects]
    namespaces, clusters = kinds.count("Namespace"), kinds.count("Cluster")
    assert kinds[:namespaces] == ["Namespace"] * namespaces
    assert kinds[-clusters:] == ["Cluster"] * clusters
    assert namespaces >= clusters > 0


def test_nothing_that_leads_flux_to_definitions_is_sent_and_what_leads_to_components_is() -> None:
    flux = {
        item.key.name: item.data for item in everything().objects if item.key.kind in {"Kustomization", "GitRepository"}
    }
    assert "cluster-components" in flux
    assert "customer-a-1-config" in flux
    assert not {"cluster-definitions", "self-definitions", "flux.tst", "vsphere-site-1-customer-a-1"} & flux.keys()


def test_encrypted_documents_are_named_and_not_sent() -> None:
    share = a_share(
        an_object("Cluster"), **{"secrets/key.yaml": yaml.safe_dump(an_object("Secret", sops={"mac": "x"}))}
    )
    assert [item.key.kind for item in share.objects] == ["Cluster"]
    assert share.left_out == (f"{FOLDER}/secrets/key.yaml",)


def test_no_secret_is_sent_because_the_state_would_hold_what_the_server_keeps_in_it() -> None:
    token = {**an_object("Secret"), "apiVersion": "v1", "type": "kubernetes.io/service-account-token"}
    assert a_share(token) == DirectShare((), (f"{FOLDER}/objects.yml",))


def test_the_list_of_a_folder_is_no_object() -> None:
    assert a_share(**{"kustomization.yaml": "kind: Kustomization\nresources: []\n"}).objects == ()


def test_what_flux_must_not_prune_is_kept_until_it_may_be() -> None:
    def kept(value: str) -> bool:
        annotated = an_object("Cluster")
        annotated["metadata"] = {"name": "shop", "annotations": {"kustomize.toolkit.fluxcd.io/prune": value}}
        return a_share(annotated).objects[0].is_kept

    assert kept("disabled")
    assert not kept("enabled")
    assert not a_share(an_object("MachineDeployment")).objects[0].is_kept


def test_numbers_stay_whole_and_texts_stay_texts() -> None:
    [item] = a_share(an_object("Cluster", spec={"replicas": 3, "version": "1.30", "mode": "0644", "on": True})).objects
    assert item.data["spec"] == {"replicas": 3, "version": "1.30", "mode": "0644", "on": True}
    assert type(item.data["spec"]["replicas"]) is int

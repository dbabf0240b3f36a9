"""A management cluster's Flux pulls what `up` pushed, over HTTP, and applies it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from tests.bed.example_fleet import MADE_UP
from tests.bed.objects import KUSTOMIZE, Objects, condition, is_ready
from tests.git.repositories import commit
from tests.journeys.delivered import Delivered, difference
from tests.journeys.loop import Loop

SITES = "./schiff-mgmt-x/sites/"


@pytest.fixture(scope="module")
def definitions(loop: Loop) -> Delivered:
    """Return what was delivered, once the management cluster applied it."""
    loop.settle()
    return Delivered(loop.repository("definitions"))


def test_every_folder_of_the_management_cluster_is_applied(loop: Loop, definitions: Delivered) -> None:
    applied = loop.own_kustomizations()
    assert {item["metadata"]["name"] for item in applied if not is_ready(item)} == set()
    paths = {item["spec"]["path"].removeprefix("./") for item in applied}
    lists = {path.rpartition("/")[0] for path in definitions.files if path.endswith("/kustomization.yaml")}
    assert lists <= paths


def test_live_objects_equal_what_was_delivered(loop: Loop, definitions: Delivered) -> None:
    objects, differences, compared = loop.management.objects, [], 0
    for path in loop.own_paths(SITES):
        for name, document in definitions.folder(path).items():
            if not is_kept_as_written(objects, document):
                continue
            wanted = {key: value for key, value in document.items() if key not in {"sops", "stringData"}}
            differences += [f"{name}{found}" for found in difference(wanted, loop.find(document))]
            compared += 1
    assert differences == []
    assert compared > 100


def is_kept_as_written(objects: Objects, document: Mapping[str, Any]) -> bool:
    """Say whether the server keeps this version; without conversion, another loses what the kept one lacks."""
    resource = objects.client.resource(document["apiVersion"], document["kind"])
    return resource is not None and objects.client.is_stored(resource)


def test_encrypted_documents_arrive_with_their_values(loop: Loop, definitions: Delivered) -> None:
    folders = [definitions.folder(path) for path in loop.own_paths(SITES)]
    secrets = [document for folder in folders for document in folder.values() if "sops" in document]
    assert {one["metadata"]["namespace"] for one in secrets} >= {"capv-system", "baremetal-site-1"}
    for document in secrets:
        metadata = document["metadata"]
        live = loop.management.objects.get("v1", "Secret", metadata["name"], metadata["namespace"])
        assert live is not None
        values = {key: base64.b64decode(value).decode() for key, value in live["data"].items()}
        assert values == dict.fromkeys(document["stringData"], MADE_UP)


def test_a_management_cluster_reads_its_own_folder_alone(loop: Loop, definitions: Delivered) -> None:
    assert any(path.startswith(".schiff/") for path in definitions.files)
    commit(loop.repository("definitions"), {"schiff-mgmt-z/flux/tst/kustomization.yaml": "resources: []\n"})
    loop.settle()
    assert {path.split("/")[0] for path in loop.artifact_of(loop.management.objects, "cluster-definitions")} == {
        "schiff-mgmt-x"
    }
    assert {path.split("/")[0] for path in loop.artifact_of(loop.management.objects, "cluster-components")} == {
        "components",
        "locations",
    }


def test_bootstrap_waits_for_a_kubeconfig_and_says_so(loop: Loop, definitions: Delivered) -> None:
    assert definitions.files
    name, namespace = "customer-a-2", "vsphere-site-1-customer-a-2"
    said = {
        stage: loop.management.objects.get(KUSTOMIZE, "Kustomization", f"{name}-{stage}", namespace)
        for stage in ("cni", "flux", "config")
    }
    assert {stage: condition(item or {}, "Ready")["message"] for stage, item in said.items()} == {
        "cni": f"unable to read KubeConfig secret '{namespace}/{name}-kubeconfig' error: "
        f'secrets "{name}-kubeconfig" not found',
        "flux": f"dependency '{namespace}/{name}-cni' is not ready",
        "config": f"dependency '{namespace}/{name}-flux' is not ready",
    }

"""The guard of the platform's namespaces, judged by a real API server.

The test is an administrator there, whom the guard lets through; so here it looks at names instead of groups.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from schiff.components.rbac_manager import COMPONENT
from schiff.components.rbac_manager_settings import RbacManagerSettings
from tests.bed.kubernetes_client import KubernetesClient
from tests.makers import a_resolved_cluster

API = "/apis/admissionregistration.k8s.io/v1"
PATHS = (f"{API}/validatingadmissionpolicies", f"{API}/validatingadmissionpolicybindings")
NAMESPACES = "/api/v1/namespaces"
OWNER = "schiff.example/owner"
SECONDS = 30


def namespace(name: str, owner: str = "") -> dict[str, Any]:
    labels = {OWNER: owner} if owner else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.fixture(scope="module")
def guarded(api_server: KubernetesClient) -> Iterator[KubernetesClient]:
    """Give a server whose guard looks at namespaces called guarded-*."""
    assert api_server.create(NAMESPACES, namespace("guarded-before", "platform")).status_code == 201
    objects = [item.as_dict() for item in COMPONENT.inputs(a_resolved_cluster(), RbacManagerSettings())]
    objects[0]["spec"]["matchConditions"][0]["expression"] = "request.name.startsWith('guarded-')"
    for path, item in zip(PATHS, objects, strict=True):
        answer = api_server.create(path, item)
        assert answer.status_code == 201, answer.text
    until = time.monotonic() + SECONDS
    while api_server.create(NAMESPACES, namespace("guarded-x", "platform"), dryRun="All").status_code == 201:
        assert time.monotonic() < until
        time.sleep(0.2)
    yield api_server
    for path, item in zip(PATHS, objects, strict=True):
        api_server.delete(f"{path}/{item['metadata']['name']}")


def test_nobody_makes_a_namespace_of_the_platform(guarded: KubernetesClient) -> None:
    answer = guarded.create(NAMESPACES, namespace("guarded-x", "platform"), dryRun="All")
    assert "only the platform calls a namespace its own" in answer.text


def test_a_namespace_of_ones_own_comes_and_goes(guarded: KubernetesClient) -> None:
    assert guarded.create(NAMESPACES, namespace("guarded-own", "shop")).status_code == 201
    assert guarded.merge(f"{NAMESPACES}/guarded-own", {"metadata": {"labels": {"a": "b"}}}).status_code == 200
    assert guarded.delete(f"{NAMESPACES}/guarded-own").status_code == 200


def test_the_label_is_neither_put_on_nor_taken_away(guarded: KubernetesClient) -> None:
    assert guarded.create(NAMESPACES, namespace("guarded-plain")).status_code == 201
    on = guarded.merge(f"{NAMESPACES}/guarded-plain", {"metadata": {"labels": {OWNER: "platform"}}})
    away = guarded.merge(f"{NAMESPACES}/guarded-before", {"metadata": {"labels": {OWNER: None}}})
    assert "only the platform calls a namespace its own" in on.text
    assert "the namespace belongs to the platform" in away.text


def test_a_namespace_of_the_platform_stays(guarded: KubernetesClient) -> None:
    answer = guarded.delete(f"{NAMESPACES}/guarded-before")
    assert answer.status_code == 422
    assert "the namespace belongs to the platform" in answer.text

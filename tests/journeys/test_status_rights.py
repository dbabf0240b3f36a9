"""A real API server says what the reading account may do, and fills its token: exactly what schiff delivers for it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from schiff.compiler.status_access import STATUS_ACCOUNT, STATUS_TOKEN, kubeconfig_access, management_account
from schiff.compiler.status_access import tenant_account as in_tenant
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.manifest import Manifest
from tests.bed.control_plane import ControlPlane
from tests.bed.crds import CrdSet
from tests.bed.golden import copy_golden_etcd, wait_served
from tests.bed.kubernetes_client import KubernetesClient
from tests.bed.objects import Objects
from tests.bed.waiting import wait_for
from tests.makers import a_resolved_cluster, a_resolved_management_cluster

pytestmark = pytest.mark.xdist_group("status-rights")

USER = f"system:serviceaccount:{STATUS_ACCOUNT.namespace}:{STATUS_ACCOUNT.name}"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
OPEN_TO_ALL = {
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
}
"""What Kubernetes lets everybody ask: about themselves."""

FLUX = {
    ("helm.toolkit.fluxcd.io", "helmreleases"),
    ("kustomize.toolkit.fluxcd.io", "kustomizations"),
    ("source.toolkit.fluxcd.io", "gitrepositories"),
    ("source.toolkit.fluxcd.io", "helmcharts"),
    ("source.toolkit.fluxcd.io", "helmrepositories"),
    ("source.toolkit.fluxcd.io", "ocirepositories"),
}
CLUSTER_API = {
    ("cluster.x-k8s.io", "clusters"),
    ("cluster.x-k8s.io", "machinedeployments"),
    ("cluster.x-k8s.io", "machinesets"),
    ("cluster.x-k8s.io", "machines"),
    ("controlplane.cluster.x-k8s.io", "kubeadmcontrolplanes"),
    ("infrastructure.cluster.x-k8s.io", "metal3machines"),
    ("infrastructure.cluster.x-k8s.io", "vspheremachines"),
}


@pytest.fixture(scope="module")
def server(bin_dir: Path, crds: CrdSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesClient]:
    """Return a client of a control plane that knows every upstream kind and makes tokens."""
    folder = tmp_path_factory.mktemp("rights")
    copy_golden_etcd(bin_dir, crds, folder / "data")
    with ControlPlane(bin_dir, folder) as plane, plane.client() as client:
        wait_served(client, crds)
        yield client


def delivered(client: KubernetesClient, manifests: Iterable[Manifest], *namespaces: str) -> None:
    """Apply manifests as Flux does, namespaces first; a role that is there takes the rights of the new one."""
    here = Objects(client)
    for name in (FLUX_NAMESPACE, *namespaces):
        here.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for manifest in manifests:
        here.apply(manifest.as_dict())


def may(
    client: KubernetesClient, verb: str, resource: str, *, group: str = "", namespace: str = "", name: str = ""
) -> bool:
    """Ask the API server, which decides as it would for the account's own request."""
    asked = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
    answer = client.create(REVIEWS, {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": USER, "groups": ["system:serviceaccounts", "system:authenticated"],
                 "resourceAttributes": asked},
    }).json()  # fmt: skip
    return bool(answer["status"]["allowed"])


def allowed(client: KubernetesClient) -> set[tuple[str, str, str]]:
    """Return every verb on every served resource that the account may use on all objects everywhere."""
    resources = {(each.api_version.rpartition("/")[0], each.plural) for each in client.resources().values()}
    asked = product(resources - OPEN_TO_ALL, VERBS)
    return {(group, plural, verb) for (group, plural), verb in asked if may(client, verb, plural, group=group)}


def read(resources: set[tuple[str, str]]) -> set[tuple[str, str, str]]:
    return {(group, plural, verb) for (group, plural), verb in product(resources, ("get", "list"))}


def test_in_a_tenant_the_account_reads_flux_and_nodes_and_changes_nothing(server: KubernetesClient) -> None:
    delivered(server, in_tenant(a_resolved_cluster()))
    assert allowed(server) == read(FLUX | {("", "nodes")})
    assert may(server, "get", "configmaps", namespace=FLUX_NAMESPACE, name="schiff-release")
    assert not may(server, "get", "configmaps", namespace=FLUX_NAMESPACE, name="other")
    assert not may(server, "list", "configmaps", namespace=FLUX_NAMESPACE)


def test_on_a_management_cluster_the_account_reads_cluster_api_and_each_tenants_own_secret(
    server: KubernetesClient,
) -> None:
    tenant = a_resolved_cluster()
    space, machines = tenant.identity.namespace, ("vspheremachines", "metal3machines")
    account = management_account(a_resolved_management_cluster(), machines)
    delivered(server, [*account, *kubeconfig_access(tenant)], space)
    assert allowed(server) == read(FLUX | CLUSTER_API | {("", "nodes")})
    assert may(server, "get", "secrets", namespace=space, name="customer-a-1-status")
    for verb, where, name in (
        ("get", space, "customer-a-1-kubeconfig"),
        ("list", space, ""),
        ("update", space, "customer-a-1-status"),
        ("get", FLUX_NAMESPACE, "customer-a-1-status"),
    ):
        assert not may(server, verb, "secrets", namespace=where, name=name), (verb, where, name)


def test_the_tenant_fills_the_token_and_applying_it_again_keeps_it(server: KubernetesClient) -> None:
    manifests, here = in_tenant(a_resolved_cluster()), Objects(server)

    def filled() -> dict[str, Any] | None:
        found = here.get("v1", "Secret", STATUS_TOKEN)
        return dict(found["data"]) if found and found.get("data") else None

    delivered(server, manifests)
    first = wait_for(filled, "a token in the secret", 30)
    assert {"token", "ca.crt", "namespace"} <= first.keys()
    assert b64decode(first["namespace"]).decode() == FLUX_NAMESPACE
    delivered(server, manifests)
    assert filled() == first

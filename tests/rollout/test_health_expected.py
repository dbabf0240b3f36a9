"""What is expected comes from delivered files: here from a compiled fleet, and it can be met."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schiff.compiler.environment import CompiledEnvironment, Folder, compile_environment
from schiff.compiler.file_tree import tree_id
from schiff.delivery.delivered import Line
from schiff.errors import InvalidValue
from schiff.rollout.health import Expected, Verdict, expected_of
from schiff.sources.plugins import load_parts
from tests.makers import a_resolved_environment
from tests.rollout.recorded_cluster import Object, World, changed, key, machines, recorded, stage

COMMIT = "main@sha1:" + "7" * 40
MANAGEMENT_CLUSTER = "schiff-mgmt-x"
TENANT = "vsphere-site-1/customer-a-1"


def compiled() -> CompiledEnvironment:
    return compile_environment(a_resolved_environment(), load_parts())


def line(folder: Folder) -> Line:
    return Line(
        str(folder.path),
        tree_id(folder.files),
        folder.kind,
        folder.name,
        folder.release,
        folder.kubernetes,
        folder.removal or "",
    )


def content(folder: Folder) -> dict[str, bytes]:
    return {f"{folder.path}/{name}": as_bytes(data) for name, data in folder.files.items()}


def as_bytes(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode()


def tenant_expected() -> Expected:
    folders = {folder.repository: folder for folder in compiled().folders if folder.name == TENANT}
    lists = next(folder for folder in compiled().folders if "/flux/" in str(folder.path))
    wanted = ("sources.yaml", "vsphere-site-1-customer-a-1.yaml")
    listed = {name: data for name, data in content(lists).items() if name.endswith(wanted)}
    files = content(folders["definitions"]) | content(folders["components"]) | listed
    return expected_of(line(folders["definitions"]), line(folders["components"]), files)


def management_expected() -> Expected:
    own = [folder for folder in compiled().folders if folder.management_cluster == MANAGEMENT_CLUSTER]
    lists = next(folder for folder in own if "/flux/" in str(folder.path))
    definitions = next(folder for folder in own if folder.path.name == "self-definitions")
    components = next(f for f in own if f.repository == "components" and f.kind == "folder")
    tenants = [folder.name.replace("/", "-") for folder in own if folder.kind == "cluster"]
    listed = {name: data for name, data in content(lists).items() if not any(one in name for one in tenants)}
    names = {"definitions": "cluster-definitions", "components": "cluster-components"}
    trees = {(names[folder.repository], str(folder.path)): tree_id(folder.files) for folder in own}
    trees["cluster-definitions", f"{MANAGEMENT_CLUSTER}/flux/ref"] = "b" * 40
    files = content(definitions) | content(components) | listed
    return expected_of(line(definitions), line(components), files, trees)


def reported(item: Any) -> Object:
    """Return a delivered object as it is once its controller is content with it."""
    metadata = {**item["metadata"], "generation": 1}
    like = {
        "Cluster": "capi-settled-cluster",
        "KubeadmControlPlane": "capi-settled-kcp",
        "MachineDeployment": "capi-settled-md",
        "GitRepository": "gitrepository-ready",
        "Kustomization": "kustomization-ready",
    }.get(item["kind"])
    if like is None:
        return {**item, "metadata": metadata}
    status = recorded(like)["status"] | {"observedGeneration": 1}
    for one in status["conditions"]:
        one["observedGeneration"] = 1
    replicas = item.get("spec", {}).get("replicas")
    status |= {name: replicas for name in status if name.endswith("eplicas")}
    if item["kind"] == "KubeadmControlPlane":
        status["version"] = item["spec"]["version"]
    status |= {name: COMMIT for name in status if name.endswith("Revision")}
    if "artifact" in status:
        status["artifact"]["revision"] = COMMIT
    return {**item, "metadata": metadata, "status": status}


def content_world(expected: Expected) -> World:
    """Return the world in which everything delivered is there, and every controller content.

    A management cluster's two sides are one API server.
    """
    management = [reported(item) for item in expected.management]
    kcp, *pools = [item for item in management if item["kind"] in {"KubeadmControlPlane", "MachineDeployment"}]
    made = [item for pool in pools for item in machines(kcp, pool)]
    for item in made:
        item["metadata"]["namespace"] = expected.namespace
        if item["kind"] == "Machine":
            item["spec"]["clusterName"] = expected.cluster.rpartition("/")[2]
    live = {key(item): item for item in [*management, *made]}
    own = {key(item): item for item in map(reported, expected.tenant)}
    is_tenant = expected.cluster == TENANT
    return World(expected, live if is_tenant else live | own, own if is_tenant else live | own)


@pytest.mark.parametrize("made", [tenant_expected, management_expected], ids=["a tenant", "a management cluster"])
def test_what_schiff_delivers_can_be_healthy(made: Any) -> None:
    world = content_world(made())
    said = {name: (one.reason, one.message) for name, one in world.health.layers.items()}
    assert said == dict.fromkeys(("capi", "flux", "tenant"), ("Healthy", "everything is as it was delivered"))
    assert world.health.object == made().cluster


def test_sides_and_kinds_of_a_tenant() -> None:
    expected = tenant_expected()
    assert (expected.cluster, expected.release, expected.removal) == (TENANT, "head", "")
    assert sorted((item["kind"], item["metadata"]["name"]) for item in expected.management) == [
        ("Cluster", "customer-a-1"),
        ("GitRepository", "cluster-components"),
        ("GitRepository", "cluster-definitions"),
        ("KubeadmControlPlane", "customer-a-1"),
        ("Kustomization", "customer-a-1-cni"),
        ("Kustomization", "customer-a-1-config"),
        ("Kustomization", "customer-a-1-flux"),
        ("Kustomization", "vsphere-site-1-customer-a-1"),
        ("MachineDeployment", "customer-a-1-md-0"),
    ]
    kinds = {item["kind"] for item in expected.tenant}
    assert {"ConfigMap", "GitRepository", "Kustomization"} <= kinds
    assert [item["metadata"]["name"] for item in expected.tenant if item["kind"] == "ConfigMap"] == ["schiff-release"]


def test_the_lists_of_other_environments_are_held_against_their_own_trees() -> None:
    expected = management_expected()
    without = {one: tree for one, tree in expected.trees.items() if "flux/ref" not in one[1]}
    world = content_world(replace(expected, trees=without))
    assert (world.health.verdict, world.health.reason) == (Verdict.Unknown, "TreeNotKnown")


def test_encrypted_documents_and_other_files_are_not_read() -> None:
    expected = tenant_expected()
    definitions = Line(expected.definitions, "d" * 40, "cluster", TENANT, "head", expected.kubernetes)
    components = Line(expected.components, "c" * 40, "cluster", TENANT, "head", expected.kubernetes)
    files = {
        f"{expected.definitions}/secrets/x.yaml": b"kind: Secret\ndata: [broken",
        f"{expected.definitions}/README": b"kind: Cluster\n: [",
        f"{expected.components}/own.yaml": b"apiVersion: example.org/v1\nkind: Kustomization\nmetadata: {name: x}\n",
        f"{expected.components}/kustomization.yaml": b"apiVersion: kustomize.config.k8s.io/v1\nkind: Kustomization\n",
    }
    empty = expected_of(definitions, components, files)
    assert (empty.management, empty.tenant) == ((), ())


def test_a_broken_file_of_a_judged_kind_is_named() -> None:
    expected = tenant_expected()
    definitions = Line(expected.definitions, "d" * 40, "cluster", TENANT)
    components = Line(expected.components, "c" * 40, "cluster", TENANT)
    with pytest.raises(InvalidValue, match=r"Cluster\.yml is not YAML"):
        expected_of(definitions, components, {f"{expected.definitions}/Cluster.yml": b"kind: Cluster\n: ["})


def test_a_release_of_before_in_the_tenant_is_not_ours() -> None:
    world = content_world(tenant_expected())
    shown = next(live for one, live in world.tenant.items() if one[1] == "ConfigMap")
    old = changed(shown, ("data", "digest"), "sha256:" + "0" * 64)
    tenant = world.having(old, tenant=True).health.layers["tenant"]
    assert (tenant.verdict, tenant.reason, tenant.object) == (
        Verdict.Progressing,
        "ReleaseNotReached",
        "ConfigMap/schiff-system/schiff-release",
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    world = content_world(tenant_expected())
    with pytest.raises(InvalidValue, match="has no time zone"):
        replace(world, at=world.at.replace(tzinfo=None)).health  # noqa: B018
    assert stage("settled")["cluster"]["kind"] == "Cluster"

"""Direct delivery: the compiled objects of `definitions` go to an API server through Pulumi's Kubernetes provider.

Engine and API server are real; the provider is the stand-in of `tests/kubernetes_provider`. The tests share one
management cluster: what an earlier one left there is schiff's own, as after a lost state.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
import yaml

from schiff.delivery.managed_fields import owned_part
from tests.bed.control_plane import ControlPlane
from tests.bed.crds import CrdSet
from tests.bed.golden import copy_golden_etcd, wait_served
from tests.bed.kubernetes_client import KubernetesClient
from tests.git.repositories import files
from tests.journeys.direct_project import DirectProject
from tests.journeys.observed_removal import enter_removal
from tests.journeys.pulumi_project import PRODUCTION, PulumiProject, a_small_fleet
from tests.makers import METAL3_ORDER, VSPHERE_ORDER
from tools.parts import ROOT

FLUX = {"kustomize.toolkit.fluxcd.io/name": "vsphere-site-1-customer-a-1"}
CANARY = "correct-horse-battery-staple"
EXAMPLE = ROOT / "examples" / "direct"
_ONE_CLUSTER = """
import os
from pathlib import Path
import pulumi
from schiff.delivery.direct_objects import DirectObject, ObjectKey
from schiff.resources.kubernetes import ManagementApi

version = f"cluster.x-k8s.io/{os.environ['VERSION']}"
data = {
    "apiVersion": version,
    "kind": "Cluster",
    "metadata": {"name": "versions", "namespace": "default"},
    "spec": {"clusterNetwork": {"serviceDomain": "cluster.local"}},
}
item = DirectObject("folder", "file", ObjectKey("cluster.x-k8s.io", "Cluster", "default", "versions"), version, data)
api = ManagementApi("schiff-mgmt-x", "schiff-mgmt-x", Path(pulumi.Config().require("kubeconfig")))
api.send(item, pulumi.ComponentResource("schiff:index:Site", "site"), [], protect=False)
"""


@pytest.fixture(scope="module")
def management(
    bin_dir: Path, crds: CrdSet, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ControlPlane, KubernetesClient]]:
    """Return a management cluster that knows every upstream kind, and its administrator's client."""
    plane = ControlPlane(bin_dir, tmp_path_factory.mktemp("direct"), "schiff-mgmt-x")
    copy_golden_etcd(bin_dir, crds, plane.data)
    with plane, plane.client() as client:
        wait_served(client, crds)
        yield plane, client


@pytest.fixture(scope="module")
def begun(bin_dir: Path, crds: CrdSet, tmp_path_factory: pytest.TempPathFactory) -> PulumiProject:
    """Return a project with ledgers; without upstream's definitions of Metal3 it has virtual machines alone."""
    documents = a_small_fleet()
    if any("metal3clusters" in crd.resource for crd in crds.missing):
        del documents[METAL3_ORDER]
    return PulumiProject.made(tmp_path_factory.mktemp("begun") / "project", documents)


@pytest.fixture
def direct(management: tuple[ControlPlane, KubernetesClient], begun: PulumiProject, tmp_path: Path) -> DirectProject:
    """Return a project that delivers `tst` directly, and did not yet."""
    return DirectProject.of(PulumiProject.copied(begun, tmp_path / "project"), *management)


def test_a_preview_sends_nothing_and_up_leaves_exactly_what_was_compiled(direct: DirectProject) -> None:
    direct.project.run("pulumi", "stack", "init", "--no-select", "tst")
    before = direct.versions()
    assert "kubernetes:cluster.x-k8s.io/v1beta2:Cluster" in direct.project.pulumi("preview")
    assert direct.versions() == before

    said = direct.up()
    assert "objects by its API server" in said
    for text, item in direct.compiled():
        live = direct.live(item)
        assert live is not None, item
        if direct.client.is_stored(direct.resource(item)):  # the bed has no webhooks: another version loses fields
            assert owned_part(live) == item
            assert _unchanged_by(direct, text, item, live)
    assert direct.live(direct.one("MachineDeployment", "customer-a-1-md-0"))["spec"]["replicas"] == 3  # type: ignore[index]


def test_a_second_up_changes_nothing_and_the_state_holds_no_credentials(direct: DirectProject) -> None:
    direct.up()
    versions, heads = direct.versions(), direct.project.heads()
    assert "unchanged" in direct.project.pulumi("preview", "--expect-no-changes")
    direct.up()
    assert (direct.project.heads(), _stored_kinds(direct, direct.versions())) == (
        heads,
        _stored_kinds(direct, versions),
    )
    assert direct.refused("--cluster", "vsphere-site-1/customer-a-1")[0] == "whole-stack-only"
    user = direct.plane.administrator["user"]
    state = direct.state()
    assert user["client-key-data"] not in state
    assert user["client-certificate-data"] not in state


def test_the_branch_holds_a_record_and_no_file_and_components_stay_in_git(direct: DirectProject) -> None:
    direct.up()
    assert list(files(direct.record())) == [".schiff/tst.json"]
    header, *lines = direct.project.manifest()
    assert header["delivery"] == "direct"
    assert "vsphere-site-1/customer-a-1" in {line["name"] for line in lines}
    components = files(direct.project.repository("components"))
    assert any(path.startswith("locations/location-1/vsphere-site-1/customer-a-1/") for path in components)


def test_one_order_changes_one_object_and_what_others_change_is_taken_back_when_told_so(direct: DirectProject) -> None:
    direct.up()
    before = _stored_kinds(direct, direct.versions())
    direct.project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 5)
    direct.project.commit_fleet()
    direct.up()
    after = _stored_kinds(direct, direct.versions())
    deployment = direct.one("MachineDeployment", "customer-a-1-md-0")
    assert {path for path in after if after[path] != before[path]} == {direct.path(deployment)}

    direct.client.merge(direct.path(deployment), {"spec": {"replicas": 1}})
    assert "somebody else changed" in direct.project.pulumi("preview")
    code, message = direct.refused()
    assert code == "conflict"
    assert "MachineDeployment vsphere-site-1-customer-a-1/customer-a-1-md-0 spec.replicas" in message
    direct.up("--take-back")
    assert _live(direct, deployment)["spec"]["replicas"] == 5
    direct.client.delete(direct.path(deployment))
    direct.up()
    assert _live(direct, deployment)["spec"]["replicas"] == 5


def test_a_lost_state_costs_nothing(direct: DirectProject) -> None:
    direct.up()
    versions, heads = _stored_kinds(direct, direct.versions()), direct.project.heads()
    for path in direct.project.state():
        (direct.project.root / ".schiff" / "state" / path).unlink()
    direct.up()
    assert direct.project.heads() == heads
    assert versions.keys() == _stored_kinds(direct, direct.versions()).keys()


def test_destroy_takes_what_may_go_and_leaves_what_must_never_be_pruned(direct: DirectProject) -> None:
    direct.up()
    cluster, health = direct.one("Cluster", "customer-a-1"), direct.one("MachineHealthCheck", "customer-a-1-md-0")
    direct.project.schiff("destroy", "-e", "tst", "--yes")
    assert direct.live(cluster) is not None
    assert direct.live(health) is None
    assert files(direct.record()) == {}
    direct.up()
    assert direct.live(health) is not None


def test_in_production_a_destroy_is_refused_before_anything_goes(
    management: tuple[ControlPlane, KubernetesClient], begun: PulumiProject, tmp_path: Path
) -> None:
    direct = DirectProject.of(PulumiProject.copied(begun, tmp_path / "project"), *management, stack="prd")
    direct.up()
    versions = direct.versions()
    said = direct.project.schiff("destroy", "-e", "prd", "--yes", status=11)
    assert "protected" in said
    assert direct.versions() == versions
    protected = {each["urn"].rpartition("::")[2] for each in direct.resources() if each.get("protect")}
    assert "schiff-mgmt-x/vsphere-site-1-customer-a-9/customer-a-9" in protected


def test_a_cluster_leaves_through_states_a_to_e(
    management: tuple[ControlPlane, KubernetesClient], begun: PulumiProject, tmp_path: Path
) -> None:
    direct = DirectProject.of(PulumiProject.copied(begun, tmp_path / "project"), *management, stack="prd")
    direct.up()
    name = "vsphere-site-1/customer-a-9"
    cluster, plane = direct.one("Cluster", "customer-a-9"), direct.one("KubeadmControlPlane", "customer-a-9")
    bootstrap = direct.one("Kustomization", "customer-a-9-cni")
    namespace = direct.one("Namespace", "vsphere-site-1-customer-a-9")
    direct.project.edit(PRODUCTION, "decommission", "customer-a-9")
    direct.project.commit_fleet()
    direct.up()
    assert direct.live(bootstrap) is None
    assert _live(direct, cluster)["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "enabled"
    [sent] = [each for each in direct.resources() if each["urn"].endswith("v1beta2:Cluster::" + _named(cluster))]
    assert not sent.get("protect")
    assert not sent.get("retainOnDelete")

    enter_removal(direct.project, "prd", name, "b")
    assert direct.live(cluster) is None
    assert _live(direct, plane)["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    enter_removal(direct.project, "prd", name, "c")
    assert _live(direct, plane)["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"] == "enabled"
    enter_removal(direct.project, "prd", name, "d")
    assert [direct.live(item) for item in (plane, namespace)] == [None, None]
    enter_removal(direct.project, "prd", name, "e")
    assert [line["removal"] for line in direct.project.manifest("prd") if line.get("name") == name] == ["e"]


def test_a_template_that_changes_in_place_is_refused(direct: DirectProject) -> None:
    direct.up()
    template = next(item for _, item in direct.compiled() if item["kind"] == "VSphereMachineTemplate")
    spec = {**template["spec"]["template"]["spec"], "numCPUs": 64}
    earlier = {**template, "spec": {"template": {**template["spec"]["template"], "spec": spec}}}
    answer = direct.client.apply_yaml(
        direct.path(template), yaml.safe_dump(earlier), fieldManager=_manager(_live(direct, template))
    )
    assert answer.is_success, answer.text
    try:
        code, message = direct.refused()
        assert code == "invalid-input"
        assert "a template cannot change in place" in message
    finally:
        direct.client.apply_yaml(
            direct.path(template), yaml.safe_dump(template), fieldManager=_manager(_live(direct, template))
        )


def test_what_flux_owns_is_refused_whole_and_before_anything_is_sent(direct: DirectProject) -> None:
    direct.up()
    owned = [direct.one("Cluster", "customer-a-1"), direct.one("KubeadmControlPlane", "customer-a-1")]
    for item in owned:
        direct.client.merge(direct.path(item), {"metadata": {"labels": FLUX}})
    try:
        direct.project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 6)
        direct.project.commit_fleet()
        versions = direct.versions()
        code, message = direct.refused()
        assert code == "owned-by-flux"
        assert all(
            f"{item['kind']} vsphere-site-1-customer-a-1/customer-a-1 on schiff-mgmt-x (" in message for item in owned
        )
        assert direct.versions() == versions
    finally:
        for item in owned:
            direct.client.merge(direct.path(item), {"metadata": {"labels": dict.fromkeys(FLUX)}})


def test_what_somebody_else_made_is_only_taken_when_told_so(direct: DirectProject) -> None:
    item = direct.one("Cluster", "customer-a-1")
    direct.client.delete(direct.path(item))
    direct.client.create("/api/v1/namespaces", {**item, **_namespace(item["metadata"]["namespace"])})
    made = direct.client.create(direct.resource(item).path(item["metadata"]["namespace"]), item)
    assert made.is_success, made.text
    assert direct.refused()[0] == "not-owned"
    direct.up("--adopt")
    assert owned_part(_live(direct, item)) == item


def test_what_git_delivers_is_not_sent_and_the_other_way_round(direct: DirectProject) -> None:
    direct.choose(delivery="git")
    direct.up()
    direct.choose(delivery="direct")
    assert direct.refused()[0] == "delivered-by-git"
    direct.choose(delivery="git")
    direct.project.schiff("destroy", "-e", "tst", "--yes")
    direct.choose(delivery="direct")
    direct.up()
    direct.choose(delivery="git")
    assert direct.refused()[0] == "delivered-directly"


def test_servers_that_cannot_be_reached_end_in_a_sentence(direct: DirectProject, tmp_path: Path) -> None:
    broken = tmp_path / "kubeconfig"
    text = direct.plane.kubeconfig.read_text()
    broken.write_text(text.replace(direct.plane.url, "https://127.0.0.1:1"))
    direct.choose(kubeconfig=str(broken))
    code, message = direct.refused()
    assert code == "unreachable"
    assert "the API server of schiff-mgmt-x cannot be reached" in message
    broken.write_text(text.replace("schiff-mgmt-x", "another"))
    assert direct.refused()[0] == "no-context"
    broken.write_text("half: [")
    assert direct.refused()[0] == "no-kubeconfig"
    broken.unlink()
    assert direct.refused()[0] == "no-kubeconfig"


def test_a_server_that_went_away_after_a_delivery_ends_in_a_sentence(direct: DirectProject, tmp_path: Path) -> None:
    moved = tmp_path / "kubeconfig"
    moved.write_text(direct.plane.kubeconfig.read_text())
    direct.choose(kubeconfig=str(moved))
    direct.up()
    moved.write_text(moved.read_text().replace(direct.plane.url, "https://127.0.0.1:1"))
    assert direct.refused()[0] == "unreachable"
    moved.write_text(direct.plane.kubeconfig.read_text())
    direct.up()


def test_another_version_of_a_kind_is_the_same_object(direct: DirectProject) -> None:
    folder = direct.project.root / "examples" / "versions"
    shutil.copytree(EXAMPLE, folder)
    (folder / "__main__.py").write_text(_ONE_CLUSTER)
    lab = PulumiProject(folder, direct.project.variables)
    lab.run("pulumi", "stack", "init", "--no-select", "lab")
    lab.run("pulumi", "config", "set", "kubeconfig", str(direct.plane.kubeconfig), "--stack", "lab")
    seen = []
    for version in ("v1beta1", "v1beta2"):
        lab.pulumi("up", "--yes", "--skip-preview", stack="lab", VERSION=version)
        path = "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusters/versions"
        seen.append(direct.client.get(path).json()["metadata"]["uid"])
    assert seen[0] == seen[1]
    exported = json.loads(lab.run("pulumi", "stack", "export", "--stack", "lab").stdout)["deployment"]["resources"]
    assert [each["type"] for each in exported if each["type"].endswith(":Cluster")] == [
        "kubernetes:cluster.x-k8s.io/v1beta2:Cluster"
    ]


def test_the_example_is_a_whole_program_of_ones_own(direct: DirectProject) -> None:
    assert len((EXAMPLE / "__main__.py").read_text().splitlines()) <= 25
    folder = direct.project.root / "examples" / "direct"
    shutil.copytree(EXAMPLE, folder)
    lab = PulumiProject(folder, direct.project.variables)
    lab.run("pulumi", "stack", "init", "--no-select", "lab")
    lab.run("pulumi", "config", "set", "kubeconfig", str(direct.plane.kubeconfig), "--stack", "lab")
    cluster = direct.one("Cluster", "customer-a-1")
    lab.pulumi("up", "--yes", "--skip-preview", stack="lab")
    assert owned_part(_live(direct, cluster))["spec"] == cluster["spec"]
    assert list(files(folder / ".schiff" / "lab-definitions.git")) == [".schiff/lab.json"]
    outputs = json.loads(lab.run("pulumi", "stack", "output", "--json", "--stack", "lab").stdout)
    assert json.loads(outputs["schiff_rollout"])["delivery"] == "direct"
    lab.pulumi("preview", "--expect-no-changes", stack="lab")


def test_encrypted_documents_are_left_to_people_and_named(direct: DirectProject, bin_dir: Path) -> None:
    document = direct.project.root / "stacks/fleet/sites/vsphere-site-1/customer-a/customer-a-1.secrets/pull.yaml"
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(_encrypted(bin_dir, document))
    direct.project.commit_fleet()
    answer = direct.project.json("up", "-e", "tst")
    path = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1/secrets/pull.yaml"
    assert path in answer["direct"]["leftOut"]
    output = json.loads(direct.project.run("pulumi", "stack", "output", "--json", "--stack", "tst").stdout)
    assert path in json.loads(output["schiff_rollout"])["leftOut"]
    assert not direct.client.get("/api/v1/namespaces/vsphere-site-1-customer-a-1/secrets/pull").is_success
    assert CANARY not in direct.state() + json.dumps(answer)


def _encrypted(bin_dir: Path, file: Path) -> str:
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    clear = {**_namespace("pull"), "kind": "Secret", "stringData": {"password": CANARY}}
    clear["metadata"] = {"name": "pull", "namespace": "vsphere-site-1-customer-a-1"}
    options = ["--age", recipient, "--encrypted-regex", "^(data|stringData)$", "--input-type", "json"]
    ended = subprocess.run(
        [
            bin_dir / "sops",
            "encrypt",
            *options,
            "--output-type",
            "yaml",
            "--filename-override",
            file.name,
            "/dev/stdin",
        ],
        input=json.dumps(clear),
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout


def _unchanged_by(direct: DirectProject, text: str, item: dict[str, Any], live: dict[str, Any]) -> bool:
    """Say whether applying the very text that Git holds, as Flux would, changes nothing (a dry run)."""
    answer = direct.client.apply_yaml(direct.path(item), text, dryRun="All", fieldManager="kustomize-controller")
    assert answer.is_success, answer.text
    return _desired(answer.json()) == _desired(live)


def _desired(live: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        key: value for key, value in live["metadata"].items() if key not in {"managedFields", "resourceVersion"}
    }
    return {**live, "metadata": metadata}


def _stored_kinds(direct: DirectProject, versions: dict[str, str]) -> dict[str, str]:
    """Leave out a kind that the bed keeps in another version: without webhooks each refresh finds it changed."""
    return {path: version for path, version in versions.items() if "metal3datatemplates" not in path}


def _manager(live: dict[str, Any]) -> str:
    return next(str(entry["manager"]) for entry in live["metadata"]["managedFields"] if entry["operation"] == "Apply")


def _named(item: dict[str, Any]) -> str:
    """Return what the resource of an object is called."""
    return f"schiff-mgmt-x/{item['metadata']['namespace']}/{item['metadata']['name']}"


def _live(direct: DirectProject, item: dict[str, Any]) -> dict[str, Any]:
    live = direct.live(item)
    assert live is not None
    return live


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}

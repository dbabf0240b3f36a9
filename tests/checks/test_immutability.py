"""What was delivered keeps its names and values, and versions go one way."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schiff.checks.immutability import home_problems, immutability_problems
from schiff.components.protocol import Never
from schiff.sources.plugins import load_parts

FOLDER = "cluster-definitions/m/sites/s/customer-a/a-1"
CLUSTER = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: a-1, namespace: s-a-1, labels: {x.example/environment: prd, other: one}}
spec:
  clusterNetwork: {pods: {cidrBlocks: [10.244.0.0/16]}}
  controlPlaneEndpoint: {host: 10.1.0.10, port: 6443}
  infrastructureRef: {kind: VSphereCluster, name: a-1}
  paused: false
"""
KCP = """
apiVersion: controlplane.cluster.x-k8s.io/v1beta2
kind: KubeadmControlPlane
metadata: {name: a-1, namespace: s-a-1}
spec: {replicas: 3, version: v1.34.6, kubeadmConfigSpec: {clusterConfiguration: {etcd: {local: {}}}}}
"""
MD = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: a-1-md-0, namespace: s-a-1}
spec: {clusterName: a-1, replicas: 3, selector: {matchLabels: {a: b}}, template: {spec: {version: v1.34.6}}}
"""
TEMPLATE = """
apiVersion: infrastructure.cluster.x-k8s.io/v1beta2
kind: Metal3MachineTemplate
metadata: {name: a-1-md-0-1c0ffee2, namespace: s-a-1, labels: {a: b}}
spec: {nodeReuse: false, template: {spec: {image: {url: x}}}}
"""
CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: x}
provisioner: csi.vsphere.vmware.com
parameters: {storagepolicyname: gold}
allowVolumeExpansion: true
"""


def changes(text: str, old: str, new: str) -> list[tuple[str, str]]:
    """Return rule and path of every problem when `old` becomes `new` in a delivered file."""
    assert old in text
    path = f"{FOLDER}/x.yml"
    found = immutability_problems({path: text}, {path: text.replace(old, new)}, load_parts().never)
    return [(problem.rule, problem.path) for problem in found]


@pytest.mark.parametrize(
    ("text", "old", "new", "rule", "path"),
    [
        (CLUSTER, "environment: prd", "environment: ref", "never-changes", "metadata.labels[x.example/environment]"),
        (CLUSTER, "10.244.0.0/16", "10.245.0.0/16", "never-changes", "spec.clusterNetwork"),
        (CLUSTER, "10.1.0.10", "10.1.0.11", "never-changes", "spec.controlPlaneEndpoint"),
        (CLUSTER, "kind: VSphereCluster", "kind: Metal3Cluster", "never-changes", "spec.infrastructureRef.kind"),
        (KCP, "v1.34.6", "v1.34.5", "never-back", "spec.version"),
        (KCP, "v1.34.6", "v1.36.0", "one-minor", "spec.version"),
        (KCP, "local", "external", "never-changes", "spec.kubeadmConfigSpec.clusterConfiguration.etcd"),
        (MD, "v1.34.6", "v1.33.9", "never-back", "spec.template.spec.version"),
        (MD, "clusterName: a-1", "clusterName: a-2", "never-changes", "spec.clusterName"),
        (MD, "{a: b}", "{a: c}", "never-changes", "spec.selector"),
        (TEMPLATE, "url: x", "url: y", "never-in-place", "spec"),
        (CLASS, "gold", "silver", "never-changes", "parameters"),
        (CLASS, "csi.vsphere.vmware.com", "csi.example", "never-changes", "provisioner"),
    ],
)
def test_what_never_changes_is_held(text: str, old: str, new: str, rule: str, path: str) -> None:
    assert changes(text, old, new) == [(rule, path)]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (CLUSTER, "other: one", "other: two"),
        (CLUSTER, "paused: false", "paused: true"),
        (KCP, "v1.34.6", "v1.35.0"),
        (KCP, "v1.34.6", "v1.34.7"),
        (KCP, "replicas: 3", "replicas: 5"),
        (MD, "replicas: 3", "replicas: 4"),
        (TEMPLATE, "{a: b}", "{a: c}"),
        (TEMPLATE, "nodeReuse: false", "nodeReuse: true"),
        (TEMPLATE, "1c0ffee2", "0be5a9d1"),
        (CLASS, "allowVolumeExpansion: true", "allowVolumeExpansion: false"),
        (CLASS, "name: x", "name: y"),
    ],
)
def test_what_may_change_is_left_alone(text: str, old: str, new: str) -> None:
    assert changes(text, old, new) == []


@pytest.mark.parametrize("folder", ["cluster-definitions/n/sites/s/customer-a/a-1", "m/sites/s/customer-b/a-1"])
def test_a_cluster_keeps_its_management_cluster_and_customer(folder: str) -> None:
    found = list(immutability_problems({f"{FOLDER}/x.yml": KCP}, {f"{folder}/x.yml": KCP}))
    assert [problem.rule for problem in found] == ["stays-home"]


def test_what_lies_in_a_sites_own_folder_is_no_cluster() -> None:
    before, after = ({f"{name}/sites/s/_site/secrets/x.yaml": KCP} for name in ("m", "n"))
    assert list(immutability_problems(before, after)) == []


def test_a_cluster_keeps_its_environment() -> None:
    before, after = {"tst": {f"{FOLDER}/x.yml": KCP}}, {"tst": {}, "ref": {f"{FOLDER}/x.yml": KCP}}
    (found,) = home_problems(before, after)
    assert (found.rule, found.cure) == ("stays-home", "keep tst, or order a new cluster")


def test_a_cluster_never_vanishes_with_its_order_alone() -> None:
    before: dict[str, dict[str, str]] = {
        "tst": {f"{FOLDER}/x.yml": KCP, f"{FOLDER}/kustomization.yaml": "resources: [x.yml]"}
    }
    (found,) = home_problems(before, {"tst": {}})
    assert str(found).startswith("sites/s/customer-a/a-1.yaml:1: s/a-1 is delivered in tst, and no order asks for it")


def test_a_cluster_whose_folder_lists_nothing_may_go() -> None:
    assert list(home_problems({"tst": {f"{FOLDER}/kustomization.yaml": "resources: []"}}, {"tst": {}})) == []


def test_a_cluster_of_that_name_at_another_site_is_another_cluster() -> None:
    other = FOLDER.replace("/s/", "/t/")
    before, after = {f"{FOLDER}/x.yml": KCP}, {f"{FOLDER}/x.yml": KCP, f"{other}/x.yml": KCP.replace("s-a-1", "t-a-1")}
    assert list(immutability_problems(before, after)) == []


def test_an_object_may_move_to_another_file() -> None:
    found = list(immutability_problems({f"{FOLDER}/x.yml": MD}, {f"{FOLDER}/y.yml": MD.replace("v1.34", "v1.33")}))
    assert [problem.rule for problem in found] == ["never-back"]


def test_tenants_have_storage_classes_of_their_own() -> None:
    folder = "cluster-components/locations/l/s/"
    before = {f"{folder}a-1/x.yaml": CLASS}
    after = {f"{folder}a-1/x.yaml": CLASS, f"{folder}a-2/x.yaml": CLASS.replace("gold", "silver")}
    assert list(immutability_problems(before, after)) == []


def test_the_reference_names_every_rule() -> None:
    text = (Path(__file__).parents[2] / "docs/reference/rules.md").read_text(encoding="utf-8")
    end = text.partition("## Compared with what was delivered")[2]
    listed = set(re.findall(r"^\| `([a-z-]+)`", end, re.MULTILINE))
    assert listed == {"never-vanishes", "stays-home", "never-changes", "never-in-place", "never-back", "one-minor"}


POOL = """
apiVersion: coil.cybozu.com/v2
kind: AddressPool
metadata: {name: x}
spec: {blockSizeBits: 0, subnets: [{ipv4: 10.9.0.0/29}]}
"""
NEVER = (
    Never("AddressPool", ("spec", "blockSizeBits"), "make another pool"),
    Never("AddressPool", ("spec", "subnets"), "add a subnet at the end", may_grow=True),
)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("blockSizeBits: 0", "blockSizeBits: 1", [("spec.blockSizeBits", "make another pool")]),
        ("10.9.0.0", "10.8.0.0", [("spec.subnets", "add a subnet at the end")]),
        ("subnets: [{", "subnets: [{ipv4: 10.8.0.0/29}, {", [("spec.subnets", "add a subnet at the end")]),
        ("/29}]", "/29}, {ipv4: 10.9.1.0/29}]", []),
    ],
)
def test_what_a_component_says_of_its_objects_is_held_with_its_way_out(
    old: str, new: str, found: list[tuple[str, str]]
) -> None:
    path = f"{FOLDER}/x.yml"
    problems = immutability_problems({path: POOL}, {path: POOL.replace(old, new)}, NEVER)
    assert [(problem.path, problem.cure) for problem in problems] == found

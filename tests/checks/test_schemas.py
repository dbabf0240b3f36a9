"""Objects are held against upstream schemas as strictly as an API server would."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from schiff.checks.documents import read_objects
from schiff.checks.schemas import schema_problems
from schiff.errors import Problem
from schiff.sources.schemas import load_schemas
from tools.schemas.build import BUILT_IN, PINNED, PROJECTS, content, crd_folder, openapi_folder, read_bundle
from tools.schemas.convert import custom_resource

CLUSTER = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: a-1, namespace: s-a-1, labels: {a: b}}
spec:
  clusterNetwork: {apiServerPort: 6443, pods: {cidrBlocks: [10.244.0.0/16]}, serviceDomain: cluster.local}
  controlPlaneRef: {apiGroup: controlplane.cluster.x-k8s.io, kind: KubeadmControlPlane, name: a-1}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, namespace: b, creationTimestamp: null}
spec:
  replicas: 1
  selector: {matchLabels: {a: b}}
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: a, image: b, resources: {limits: {cpu: 1, memory: 1Gi}}}]}
"""


def found(text: str) -> list[Problem]:
    """Return what the schemas say about a text that can be read."""
    objects, unreadable = read_objects("x.yml", text)
    assert unreadable == []
    return list(schema_problems(objects, load_schemas()))


def paths(text: str) -> list[tuple[str, str]]:
    """Return rule and path of each problem."""
    return [(problem.rule, problem.path) for problem in found(text)]


@pytest.mark.parametrize("text", [CLUSTER, DEPLOYMENT])
def test_a_good_object_passes(text: str) -> None:
    assert paths(text) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("clusterNetwork:", "clusterNetwrk:", "spec.clusterNetwrk"),
        ("pods:", "pod:", "spec.clusterNetwork.pod"),
        ("labels:", "lables:", "metadata.lables"),
        ("spec:\n", "status: {}\nspec:\n", "status"),
    ],
)
def test_an_unknown_field_is_named_as_the_server_names_it(old: str, new: str, path: str) -> None:
    assert ("unknown-field", path) in paths(CLUSTER.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("6443", "'6443'", "spec.clusterNetwork.apiServerPort"),
        ("6443", "70000", "spec.clusterNetwork.apiServerPort"),
        ("[10.244.0.0/16]", "[]", "spec.clusterNetwork.pods.cidrBlocks"),
        ("[10.244.0.0/16]", "", "spec.clusterNetwork.pods.cidrBlocks"),
        ("cluster.local", "''", "spec.clusterNetwork.serviceDomain"),
        ("kind: KubeadmControlPlane, ", "", "spec.controlPlaneRef.kind"),
        ("name: a-1}\n", "name: A_1}\n", "spec.controlPlaneRef.name"),
        ("labels: {a: b}", "labels: {a: 1}", "metadata.labels.a"),
    ],
)
def test_a_value_that_does_not_fit_is_named(old: str, new: str, path: str) -> None:
    assert ("schema", path) in paths(CLUSTER.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("replicas: 1", "replicas: one", "spec.replicas"),
        ("maxUnavailable: 1", "maxUnavailable: 1.5", "spec.strategy.rollingUpdate.maxUnavailable"),
        ("image: b", "imagee: b", "spec.template.spec.containers[0].imagee"),
        ("  selector: {matchLabels: {a: b}}\n", "", "spec.selector"),
    ],
)
def test_the_kinds_of_kubernetes_are_checked_too(old: str, new: str, path: str) -> None:
    assert [each for _, each in paths(DEPLOYMENT.replace(old, new))] == [path]


def test_a_near_field_is_offered() -> None:
    (problem,) = found(CLUSTER.replace("clusterNetwork:", "clusterNetwrk:"))
    assert problem.cure == "did you mean clusterNetwork?"


def test_a_problem_stands_on_its_line() -> None:
    (problem,) = found(CLUSTER.replace("6443", "0x"))
    assert (problem.place.line, problem.place.column) == (6, 20)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("apiVersion: cluster.x-k8s.io/v1\nkind: Cluster", "apiVersion"),
        ("apiVersion: cluster.x-k8s.io/v1beta2\nkind: Clustr", "kind"),
        ("apiVersion: v1", "kind"),
        ("kind: ConfigMap", "apiVersion"),
    ],
)
def test_an_unknown_kind_is_a_problem(text: str, path: str) -> None:
    assert [each for _, each in paths(text)] == [path]


def test_a_list_with_keys_holds_no_key_twice() -> None:
    ports = DEPLOYMENT.replace(
        "image: b", "image: b, ports: [{containerPort: 80, protocol: TCP}, {OTHER, protocol: TCP}]"
    )
    assert paths(ports.replace("OTHER", "containerPort: 81")) == []
    twice = ports.replace("OTHER", "containerPort: 80")
    assert paths(twice) == [("schema", "spec.template.spec.containers[0].ports[1]")]


def test_a_secret_is_never_repeated() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a: hunter2!}\ntype: [hunter2]\nimmutable: hunter2"
    messages = [str(problem) for problem in found(text)]
    assert len(messages) == 3
    assert "hunter2" not in "".join(messages)


def test_what_sops_writes_beside_a_secret_is_no_unknown_field() -> None:
    assert paths("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nsops: {mac: x}") == []


def test_a_vendored_definition_passes_through() -> None:
    assert (
        paths("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {a: 1}")
        == []
    )


def test_every_schema_compiles() -> None:
    schemas = load_schemas()
    for kind in schemas.kinds:
        assert not schemas.validator(kind).is_valid([])


def test_both_kinds_of_scope_are_known() -> None:
    schemas = load_schemas()
    assert schemas.is_namespaced("cluster.x-k8s.io/v1beta2/Cluster") is True
    assert schemas.is_namespaced("storage.k8s.io/v1/StorageClass") is False
    assert schemas.is_namespaced("kustomize.config.k8s.io/v1beta1/Kustomization") is None


def test_a_default_fills_what_is_required() -> None:
    properties = {"a": {"type": "string", "default": "x"}, "b": {"type": "string"}}
    schema = custom_resource(
        {"properties": {"spec": {"type": "object", "required": ["a", "b"], "properties": properties}}}
    )
    assert schema["properties"]["spec"]["required"] == ["b"]


def test_a_pattern_with_a_class_by_name_keeps_its_meaning() -> None:
    schema = custom_resource({"properties": {"spec": {"type": "string", "pattern": "^[[:xdigit:]]{2}$"}}})
    assert schema["properties"]["spec"]["pattern"] == "^[0-9A-Fa-f]{2}$"


def test_the_bundle_names_the_pinned_files_it_was_built_from() -> None:
    sources = json.loads(read_bundle().partition("\n")[0])["sources"]
    pinned = {entry["project"]: entry["files"] for entry in json.loads(PINNED.read_text(encoding="utf-8"))}
    expected = {f"{name}/{file['name']}": f"sha256:{file['sha256']}" for name in PROJECTS for file in pinned[name]}
    assert {name: digest for name, digest in sources.items() if not name.startswith("kubernetes/")} == expected
    assert len(sources) == len(expected) + len(BUILT_IN)


def test_the_bundle_is_what_its_sources_give() -> None:
    if not os.environ.get("SCHIFF_CRDS") and not os.environ.get("CI"):
        digests = re.findall(r'"sha256:([0-9a-f]{64})"', read_bundle().partition("\n")[0])
        assert len(set(digests)) == len(digests)  # no folder to build from: the pins above are what can be checked
        return
    text = content(crd_folder(), openapi_folder())
    assert hashlib.sha256(text.encode()).hexdigest() == hashlib.sha256(read_bundle().encode()).hexdigest()


def test_the_packed_bundle_stays_small() -> None:
    assert (Path(__file__).parents[2] / "schiff" / "data" / "schemas.gz").stat().st_size < 1_500_000

"""A real Kubernetes API server, strict about every field, judges objects before any cluster does.

The good objects are those of `tests/bed/examples.yaml`, one of each kind a fleet
is made of; each mistake is one of them with one line changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bed.crds import CrdSet
from tests.bed.dry_run import UNKNOWN_KIND, Verdict, dry_run, is_unknown_here, split
from tests.bed.kubernetes_client import KubernetesClient

EXAMPLES = Path(__file__).parent.parent / "bed" / "examples.yaml"


def example(kind: str, name: str) -> str:
    """Return the text of one good object."""
    [document] = [d for d in split(EXAMPLES.read_text(encoding="utf-8")) if (d.value["kind"], d.name) == (kind, name)]
    return document.text


def one_verdict(api_server: KubernetesClient, text: str) -> Verdict:
    [verdict] = dry_run(api_server, text)
    return verdict


def test_every_example_is_accepted_and_read_as_it_was_meant(api_server: KubernetesClient, crds: CrdSet) -> None:
    verdicts = [v for v in dry_run(api_server, EXAMPLES.read_text(encoding="utf-8")) if not is_unknown_here(v, crds)]
    assert len(verdicts) >= 30
    assert [str(verdict) for verdict in verdicts if not verdict.accepted] == []
    assert {str(verdict.document): verdict.misread for verdict in verdicts if verdict.misread} == {}


class Mistake(NamedTuple):
    """A good object with one line changed, and what the server's refusal must name."""

    kind: str
    name: str
    good: str
    bad: str
    named: str


MISTAKES = [
    Mistake(
        "Cluster",
        "customer-a-1",
        "serviceDomain:",
        "serviceDomian:",
        'unknown field "spec.clusterNetwork.serviceDomian"',
    ),
    Mistake("Cluster", "customer-a-1", "Port: 6443", 'Port: "6443"', "spec.clusterNetwork.apiServerPort"),
    Mistake("Cluster", "customer-a-1", "{name: customer-a-1, ", "{name: Customer_A, ", "metadata.name"),
    Mistake(
        "Cluster", "customer-a-1", "apiGroup: controlplane", "apiVersion: controlplane", "spec.controlPlaneRef.api"
    ),
    Mistake("MachineDeployment", "customer-a-1-md-0", "{maxInFlight: 1}", "{}", "spec.remediation"),
    Mistake(
        "MachineDeployment",
        "customer-a-1-md-0",
        "replicas: 3",
        "replicas: 3\n  replicas: 4",
        'key "replicas" already set',
    ),
    Mistake("MachineHealthCheck", "customer-a-1-workers", "Seconds: 1200", "Seconds: 20m", "nodeStartupTimeoutSeconds"),
    Mistake("VSphereCluster", "customer-a-1", "port: 6443", "port: 6443.5", "spec.controlPlaneEndpoint.port"),
    Mistake("VSphereMachineTemplate", "customer-a-1-md-0-3f9ac21e", "fullClone", "full", "cloneMode"),
    Mistake("InClusterIPPool", "customer-a-1-nodes", "prefix: 24", "prefix: 240", "spec.prefix"),
    Mistake("GitRepository", "cluster-definitions", "interval: 5m", "interval: 5 min", "spec.interval"),
    Mistake("HelmRelease", "metallb", "releaseName: metallb", "releaseName: " + "m" * 54, "spec.releaseName"),
    Mistake("IPAddressPool", "management", "avoidBuggyIPs: true", "avoidBuggyIPs: 1", "spec.avoidBuggyIPs"),
    Mistake("BGPPeer", "leaf-1", "myASN: 65101", "myASN: 4294967296", "spec.myASN"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.kind}: {mistake.named}")
def test_one_wrong_line_is_refused_with_the_place(api_server: KubernetesClient, mistake: Mistake) -> None:
    text = example(mistake.kind, mistake.name)
    assert text.count(mistake.good) == 1
    assert one_verdict(api_server, text).accepted
    verdict = one_verdict(api_server, text.replace(mistake.good, mistake.bad))
    assert not verdict.accepted
    assert mistake.named in verdict.message


def test_several_mistakes_are_named_at_once(api_server: KubernetesClient) -> None:
    text = example("Cluster", "customer-a-1").replace("serviceDomain:", "serviceDomian:") + "  colour: red\n"
    message = one_verdict(api_server, text).message
    assert 'unknown field "spec.clusterNetwork.serviceDomian"' in message
    assert 'unknown field "spec.colour"' in message


def test_a_text_the_server_takes_for_a_number_shows_in_its_echo(api_server: KubernetesClient) -> None:
    good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: numbers, namespace: default, labels: {a: '%s'}}\n"
    assert one_verdict(api_server, good % "1e3").misread == ()
    text = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: numbers, namespace: default}\n"
        "spec: {interval: 1h, chartRef: {kind: OCIRepository, name: numbers}, values: {size: 1e3}}\n"
    )
    assert one_verdict(api_server, text).misread == ("spec.values.size: '1e3' was read as 1000",)


def test_an_unknown_kind_is_refused(api_server: KubernetesClient) -> None:
    text = "apiVersion: example.org/v1\nkind: Nothing\nmetadata: {name: nothing}\n"
    assert one_verdict(api_server, text).message == UNKNOWN_KIND


def test_a_secret_is_read_as_it_was_meant(api_server: KubernetesClient) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\nstringData: {user: '007'}\n"
    verdict = one_verdict(api_server, text)
    assert verdict.accepted
    assert verdict.misread == ()


def test_objects_are_not_created(api_server: KubernetesClient) -> None:
    assert one_verdict(api_server, example("Kustomization", "self")).accepted
    assert one_verdict(api_server, example("Kustomization", "self")).accepted
    resource = api_server.resource("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
    assert resource is not None
    assert api_server.get(resource.path("schiff-system")).json()["items"] == []

from __future__ import annotations

from dataclasses import replace

import pytest

from schiff.manifests.machine_images import metal3_image, vsphere_template
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.values.versions import KubernetesVersion
from tests.makers import a_resolved_cluster, changed


def at(cluster: ResolvedCluster, version: str) -> ResolvedCluster:
    return replace(cluster, assignment=Assignment("head", KubernetesVersion.parse(version)))


def test_the_release_names_the_image_of_its_own_version() -> None:
    assert vsphere_template(a_resolved_cluster()) == "ubuntu-2404-kube-v1.35.4"
    assert metal3_image(a_resolved_cluster("metal3"))["checksum"] == "4b" * 32


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("ubuntu-2404-kube-v1.35.4", "ubuntu-2404-kube-v1.34.6"),
        ("kube-1.35.4-ubuntu", "kube-1.34.6-ubuntu"),
        ("v1.35.4/disk-11.35.4-1.35.40", "v1.34.6/disk-11.35.4-1.35.40"),
    ],
)
def test_a_hop_takes_the_image_of_its_own_version(template: str, expected: str) -> None:
    documents = changed("head.yaml", "kubernetes.images.vsphere.template", template)
    assert vsphere_template(at(a_resolved_cluster(documents=documents), "v1.34.6")) == expected


def test_a_hops_digest_is_read_beside_its_image_because_the_release_vouches_for_its_own_only() -> None:
    image = metal3_image(at(a_resolved_cluster("metal3"), "v1.34.6"))
    assert image["url"] == "https://images.schiff.example/ubuntu-2404-kube-v1.34.6.qcow2"
    assert image["checksum"] == "https://images.schiff.example/ubuntu-2404-kube-v1.34.6.qcow2.sha256"


def test_an_image_without_a_server_lies_on_the_image_server() -> None:
    documents = changed("head.yaml", "kubernetes.images.metal3.url", "kube-v1.35.4.qcow2")
    url = metal3_image(a_resolved_cluster("metal3", documents=documents))["url"]
    assert url == "https://images.schiff.example/kube-v1.35.4.qcow2"

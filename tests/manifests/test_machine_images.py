from __future__ import annotations

from dataclasses import replace

import pytest

from schiff.compiler.compiled_cluster import compile_cluster
from schiff.manifests.machine_images import metal3_image, vsphere_template
from schiff.manifests.yaml import to_yaml
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.sources.plugins import load_parts
from schiff.testing import Provider
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


VIA = {
    "v1.34.6": {
        "vsphere": {"template": "golden-v1.34.6-r2"},
        "metal3": {"url": "golden-v1.34.6-r2.qcow2", "sha256": "5c" * 32},
    }
}


def test_a_hop_takes_the_image_that_the_release_names_for_it() -> None:
    documents = changed("head.yaml", "kubernetes.viaImages", VIA)
    assert vsphere_template(at(a_resolved_cluster(documents=documents), "v1.34.6")) == "golden-v1.34.6-r2"
    image = metal3_image(at(a_resolved_cluster("metal3", documents=documents), "v1.34.6"))
    assert (image["url"], image["checksum"]) == (
        "https://images.schiff.example/golden-v1.34.6-r2.qcow2",
        "5c" * 32,
    )
    assert vsphere_template(a_resolved_cluster(documents=documents)) == "ubuntu-2404-kube-v1.35.4"


def test_a_version_that_no_image_is_named_for_is_still_called_the_same_but_for_the_version() -> None:
    documents = changed("head.yaml", "kubernetes.viaImages", VIA)
    assert vsphere_template(at(a_resolved_cluster(documents=documents), "v1.33.9")) == "ubuntu-2404-kube-v1.33.9"


@pytest.mark.parametrize("provider", ["vsphere", "metal3"])
def test_what_is_compiled_for_a_hop_has_its_version_and_its_image_everywhere(provider: Provider) -> None:
    documents = changed("head.yaml", "kubernetes.viaImages", VIA)
    compiled = compile_cluster(at(a_resolved_cluster(provider, documents=documents), "v1.34.6"), load_parts())
    text = to_yaml(
        [compiled.control_plane, *compiled.templates, *(it for pool in compiled.workers for it in pool.deployments)]
    )
    assert text.count("version: v1.34.6") == 1 + len(compiled.workers)
    assert text.count("golden-v1.34.6-r2") == 1 + len(compiled.workers)
    assert "1.35.4" not in text

"""A backup is the secret as it can be applied again, and says in clear whether it is up to date."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from schiff.errors import InvalidValue
from schiff.manifests.emergency import backup_manifest, emergency_secrets, is_saved
from schiff.manifests.manifest import Manifest

KEY, OTHER = "age1" + "q" * 58, "age1" + "p" * 58
FINGERPRINT = "A" * 40
DOMAIN = "schiff.example"


def a_secret(**metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "cluster.x-k8s.io/secret",
        "data": {"tls.key": "a2V5", "tls.crt": "Y3J0"},
        "metadata": {
            "name": "shop-ca",
            "namespace": "site-1-shop",
            "uid": "7c0e",
            "resourceVersion": "7",
            "labels": {"cluster.x-k8s.io/cluster-name": "shop", "clusterctl.cluster.x-k8s.io/move": "", "team": "x"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "the secret in clear"},
            "ownerReferences": [{"kind": "KubeadmControlPlane", "uid": "1"}],
            "managedFields": [],
            **metadata,
        },
    }


def saved(secret: dict[str, Any]) -> Manifest:
    return backup_manifest(secret, "shop", DOMAIN)


def document(manifest: Manifest, *recipients: str, pgp: str = "") -> bytes:
    """Return a document as far as it is clear."""
    sops = {"age": [{"recipient": recipient} for recipient in recipients], "pgp": [{"fp": pgp}] if pgp else None}
    return yaml.safe_dump({**manifest.as_dict(), "data": "ENC[x]", "sops": sops}).encode()


def test_a_cluster_has_five_secrets_that_nobody_can_make_again() -> None:
    assert emergency_secrets("shop") == ("shop-ca", "shop-etcd", "shop-kubeconfig", "shop-proxy", "shop-sa")


def test_what_a_server_and_others_added_is_dropped_and_what_cluster_api_needs_stays() -> None:
    found = saved(a_secret()).as_dict()
    assert list(found["metadata"]) == ["name", "namespace", "labels", "annotations"]
    assert found["metadata"]["labels"] == {
        "cluster.x-k8s.io/cluster-name": "shop",
        "clusterctl.cluster.x-k8s.io/move": "",
    }
    assert list(found["metadata"]["annotations"]) == ["schiff.example/content"]
    assert (found["type"], found["data"]) == ("cluster.x-k8s.io/secret", {"tls.crt": "Y3J0", "tls.key": "a2V5"})


def test_a_secret_that_people_brought_gets_the_label_by_which_cluster_api_sees_it() -> None:
    assert saved(a_secret(labels=None)).labels == {"cluster.x-k8s.io/cluster-name": "shop"}


def test_the_digest_follows_the_content_alone() -> None:
    other = a_secret(resourceVersion="8", uid="9", managedFields=[{"manager": "x"}])
    other["data"] = dict(reversed(other["data"].items()))
    assert saved(a_secret()) == saved(other)
    renewed = a_secret()
    renewed["data"]["tls.key"] = "bmV3"
    assert saved(renewed).annotations != saved(a_secret()).annotations


@pytest.mark.parametrize("data", [None, {}, "canary", {"tls.key": None}])
def test_a_secret_without_data_is_no_backup(data: Any) -> None:
    with pytest.raises(InvalidValue, match="holds no data") as caught:
        saved({**a_secret(), "data": data})
    assert "canary" not in str(caught.value)


def test_a_document_is_current_for_equal_content_and_equal_readers_in_any_order() -> None:
    manifest = saved(a_secret())
    assert is_saved(document(manifest, KEY, OTHER, pgp=FINGERPRINT), manifest, [FINGERPRINT, OTHER, KEY])


def test_another_content_or_another_reader_makes_it_old() -> None:
    manifest = saved(a_secret())
    renewed = a_secret()
    renewed["data"]["tls.key"] = "bmV3"
    assert not is_saved(document(manifest, KEY), saved(renewed), [KEY])
    assert not is_saved(document(manifest, KEY), manifest, [KEY, OTHER])
    assert not is_saved(document(manifest, KEY, OTHER), manifest, [KEY])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"metadata: text", b"metadata: {}\nsops: {age: [x]}", b"\xff"])
def test_a_broken_document_is_old(content: bytes) -> None:
    assert not is_saved(content, saved(a_secret()), [KEY])

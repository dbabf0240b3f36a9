"""A tenant's age key: readable for those who bring it there, invisible everywhere else."""

from __future__ import annotations

from pathlib import Path

from pyrage import x25519

from schiff.delivery.tenant_key import TenantKey
from schiff.layers.sops import secret_problems
from schiff.manifests.sops import SecretTarget, secret_target
from schiff.values.names import ClusterKey
from tests.delivery.sops_documents import a_key, opened, readers

CLUSTER = ClusterKey("vsphere-site-1", "customer-a-7")


def test_its_document_brings_the_private_half_of_the_recipient(bin_dir: Path) -> None:
    private, management = a_key()
    key = TenantKey.make(CLUSTER)
    data = opened(key.document([management], str(bin_dir)), private, bin_dir)["stringData"]
    assert list(data) == ["customer-a-7.agekey"]
    identity = x25519.Identity.from_str(data["customer-a-7.agekey"])
    assert str(identity.to_public()) == key.recipient


def test_its_document_is_one_that_a_fleet_takes(bin_dir: Path) -> None:
    management = a_key()[1]
    document = TenantKey.make(CLUSTER).document([management], str(bin_dir))
    assert not list(secret_problems("customer-a-7.secrets/sops-age.yaml", document))
    assert secret_target(document) == SecretTarget("sops-age", "schiff-system")
    assert readers(document) == [management]


def test_two_clusters_have_two_keys() -> None:
    assert TenantKey.make(CLUSTER).recipient != TenantKey.make(CLUSTER).recipient


def test_nothing_prints_the_private_half() -> None:
    key = TenantKey.make(CLUSTER)
    assert "AGE-SECRET-KEY" not in f"{key!r} {key}"

from __future__ import annotations

import re

import yaml

from schiff.manifests.flux import DECRYPTION_KEY
from schiff.manifests.sops import KEY_FILE, SecretTarget, documents_for, is_in, secret_target, sops_file
from tests.makers import MANAGEMENT_CLUSTER, METAL3_ORDER, VSPHERE_ORDER, a_fleet, changed

KEY, OTHER = "age1" + "q" * 58, "age1" + "p" * 58
FINGERPRINT = "A" * 40
SECRET = b"apiVersion: v1\nkind: Secret\nmetadata: {name: bgp, namespace: metallb-system}\nsops:\n  mac: ENC[x]\n"


def test_a_document_is_what_its_clear_metadata_says() -> None:
    assert secret_target(SECRET) == SecretTarget("bgp", "metallb-system")


def test_an_unreadable_document_is_nothing() -> None:
    for content in (b"{", b"[]", b"metadata: text", b""):
        assert secret_target(content) == SecretTarget("", "")


def test_documents_are_sorted_out_by_namespace_and_stay_the_same_bytes() -> None:
    secrets = {"a.yaml": SECRET, "b.yaml": SECRET.replace(b"metallb-system", b"schiff-system")}
    assert documents_for(secrets, "metallb-system") == {"a.yaml": SECRET}
    assert is_in(secrets, "bgp", "schiff-system")
    assert not is_in(secrets, "bgp", "kube-system")


def test_a_tenants_documents_are_for_the_tenant_and_its_management_cluster() -> None:
    documents = changed(MANAGEMENT_CLUSTER, "facts.recipients", [KEY, FINGERPRINT])
    rules = rules_of(changed(VSPHERE_ORDER, "recipients", [OTHER], documents))
    tenant = first_match(rules, "sites/vsphere-site-1/customer-a/customer-a-1.secrets/bgp.yaml")
    assert tenant["age"] == f"{OTHER},{KEY}"
    assert tenant["pgp"] == FINGERPRINT
    assert tenant["encrypted_regex"] == "^(data|stringData)$"


def test_a_tenants_own_key_is_for_its_management_cluster_alone() -> None:
    documents = changed(MANAGEMENT_CLUSTER, "facts.recipients", [KEY, FINGERPRINT])
    rules = rules_of(changed(VSPHERE_ORDER, "recipients", [OTHER], documents))
    folder = "sites/vsphere-site-1/customer-a/customer-a-1.secrets"
    key = first_match(rules, f"{folder}/{KEY_FILE}")
    assert (key["age"], key["pgp"]) == (KEY, FINGERPRINT)
    assert first_match(rules, f"{folder}/{KEY_FILE}.yaml")["age"] == f"{OTHER},{KEY}"
    assert f"{DECRYPTION_KEY}.yaml" == KEY_FILE


def test_sites_and_management_clusters_have_their_own_rules() -> None:
    rules = rules_of(changed(MANAGEMENT_CLUSTER, "facts.recipients", [KEY]))
    for path in ("management-clusters/schiff-mgmt-x.secrets/a.yaml", "sites/baremetal-site-1/site.secrets/a.yaml"):
        assert first_match(rules, path)["age"] == KEY


def test_a_place_nobody_can_decrypt_for_has_no_rule() -> None:
    rules = rules_of(changed(VSPHERE_ORDER, "recipients", [OTHER]))
    paths = [rule["path_regex"] for rule in rules]
    assert len(paths) == 1
    assert METAL3_ORDER.removesuffix(".yaml") not in paths[0]


def test_no_rule_matches_the_place_of_another_cluster() -> None:
    rules = rules_of(changed(VSPHERE_ORDER, "recipients", [OTHER]))
    lookalike = "stacks/fleet/sites/vsphere-site-1/customer-a/customer-a-1xsecrets/a.yaml"
    assert not any(re.search(rule["path_regex"], lookalike) for rule in rules)


def rules_of(documents: dict[str, dict[str, object]]) -> list[dict[str, str]]:
    rules: list[dict[str, str]] = yaml.safe_load(sops_file(a_fleet(documents), "stacks/fleet/"))["creation_rules"]
    return rules


def first_match(rules: list[dict[str, str]], path: str) -> dict[str, str]:
    return next(rule for rule in rules if re.search(rule["path_regex"], f"stacks/fleet/{path}"))

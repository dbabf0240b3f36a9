"""What is left to do when a key is rotated: documents to encrypt again, rules to write anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from schiff.checks.fleet_secret_rules import recipients_of, secret_problems, sops_rule_problems
from schiff.errors import Problem
from schiff.layers.construct import fleet_of
from schiff.manifests.sops import sops_file
from tests.makers import MANAGEMENT_CLUSTER, VSPHERE_ORDER, Documents, a_fleet, a_resolved_environment, changed

OWN, NEW, MANAGER, BREAK_GLASS, GONE = ("age1" + letter * 58 for letter in "qpzry")
FINGERPRINT = "A" * 40
FOLDER = "sites/vsphere-site-1/customer-a/customer-a-1.secrets"
MANAGEMENT_NAMESPACE = "vsphere-site-1-customer-a-1"


def document(*recipients: str, namespace: str = "metallb-system", name: str = "bgp") -> bytes:
    age = "".join(f"  - recipient: {key}\n    enc: x\n" for key in recipients if key.startswith("age1"))
    pgp = "".join(f"  - fp: {key}\n    enc: x\n" for key in recipients if not key.startswith("age1"))
    lists = f"{f'  age:{chr(10)}{age}' if age else ''}{f'  pgp:{chr(10)}{pgp}' if pgp else ''}"
    head = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
    return f"{head}stringData: {{a: 'ENC[x]'}}\nsops:\n{lists}  mac: ENC[x]\n".encode()


def keys(own: Sequence[str] = (OWN,), manager: Sequence[str] = (MANAGER, BREAK_GLASS)) -> Documents:
    return changed(VSPHERE_ORDER, "recipients", list(own), changed(MANAGEMENT_CLUSTER, "facts.recipients", [*manager]))


def problems(secrets: Mapping[str, bytes], documents: Documents | None = None) -> list[Problem]:
    fleet = fleet_of(documents or keys(), secrets)
    return list(secret_problems(a_resolved_environment(fleet), a_resolved_environment(fleet, "ref")))


def rules(content: bytes, documents: Documents | None = None, file: str = f"{FOLDER}/bgp.yaml") -> list[str]:
    found = problems({file: content}, documents)
    assert all(problem.place.file == file for problem in found)
    return [problem.rule for problem in found]


@pytest.mark.parametrize(
    "recipients", [(OWN, MANAGER, BREAK_GLASS), (OWN, BREAK_GLASS), (MANAGER, BREAK_GLASS), (OWN,)]
)
def test_a_tenants_document_is_for_all_keys_of_one_who_reads_it(recipients: tuple[str, ...]) -> None:
    assert rules(document(*recipients)) == []


def test_a_new_key_of_a_cluster_must_be_able_to_read_before_the_old_one_goes() -> None:
    (found,) = problems({f"{FOLDER}/bgp.yaml": document(OWN, BREAK_GLASS)}, keys(own=(OWN, NEW)))
    assert str(found) == (
        f"{FOLDER}/bgp.yaml: sops: is not encrypted for {NEW[:12]}..., who reads it;"
        f" run sops updatekeys {FOLDER}/bgp.yaml"
    )
    assert found.rule == "recipient-missing"
    assert rules(document(OWN, NEW), keys(own=(OWN, NEW))) == []


def test_a_key_that_the_fleet_has_forgotten_opens_nothing() -> None:
    (found,) = problems({f"{FOLDER}/bgp.yaml": document(OWN, GONE)})
    assert found.rule == "recipient-not-named"
    assert "change what it holds" in found.cure


def test_an_old_key_that_was_taken_out_is_both() -> None:
    assert rules(document(OWN, BREAK_GLASS), keys(own=(NEW,))) == ["recipient-missing", "recipient-not-named"]


@pytest.mark.parametrize("namespace", [MANAGEMENT_NAMESPACE, "schiff-system"])
def test_what_the_management_cluster_applies_is_read_by_its_keys(namespace: str) -> None:
    assert rules(document(OWN, BREAK_GLASS, namespace=namespace)) == ["recipient-missing", "recipient-not-named"]
    assert rules(document(MANAGER, BREAK_GLASS, namespace=namespace)) == []


def test_the_key_of_a_tenant_is_no_document_for_itself() -> None:
    file = f"{FOLDER}/sops-age.yaml"
    key = {"namespace": "schiff-system", "name": "sops-age"}
    assert rules(document(OWN, MANAGER, BREAK_GLASS, **key), file=file) == ["recipient-not-named"]
    assert rules(document(MANAGER, BREAK_GLASS, **key), file=file) == []


@pytest.mark.parametrize("folder", ["management-clusters/schiff-mgmt-x.secrets", "sites/vsphere-site-1/site.secrets"])
def test_a_new_key_of_a_management_cluster_reads_its_own_and_its_sites_documents(folder: str) -> None:
    rotated = keys(manager=(MANAGER, NEW, BREAK_GLASS))
    content = document(MANAGER, BREAK_GLASS, namespace="capv-system")
    assert rules(content, rotated, f"{folder}/a.yaml") == ["recipient-missing"]
    assert rules(content, file=f"{folder}/a.yaml") == []


def test_fingerprints_and_groups_of_keys_count() -> None:
    both = keys(manager=(MANAGER, FINGERPRINT))
    assert rules(document(MANAGER, FINGERPRINT, namespace="schiff-system"), both) == []
    assert rules(document(MANAGER, namespace="schiff-system"), both) == ["recipient-missing"]
    grouped = f"sops:\n  key_groups:\n  - age: [{{recipient: {OWN}}}]\n  - pgp: [{{fp: {FINGERPRINT}}}]\n"
    assert recipients_of(grouped.encode()) == {OWN, FINGERPRINT}


def test_a_document_whose_keys_another_service_keeps_is_left_alone() -> None:
    elsewhere = document().replace(b"  mac:", b"  hc_vault: [{engine_path: x}]\n  mac:")
    assert rules(elsewhere) == []
    assert recipients_of(b"{") == recipients_of(b"[]") == recipients_of(b"sops: x") == frozenset()


def test_a_fleet_without_recipients_has_nobody_to_compare_with() -> None:
    assert rules(document(GONE), keys(own=(), manager=())) == []


def test_rules_as_they_are_made_are_right() -> None:
    fleet = a_fleet(keys())
    assert list(sops_rule_problems(sops_file(fleet), fleet)) == []


def test_rules_from_before_a_rotation_are_found_with_the_line_to_write() -> None:
    found = list(sops_rule_problems(sops_file(a_fleet(keys())), a_fleet(keys(own=(NEW,)))))
    assert [problem.rule for problem in found] == ["sops-rules-behind"]
    assert found[0].cure == f"write age: {NEW},{MANAGER},{BREAK_GLASS}"
    assert f"is for {NEW[:12]}..., {MANAGER[:12]}..., {BREAK_GLASS[:12]}..., but here for {OWN[:12]}..." in str(
        found[0]
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "creation_rules: [{age: x}]"])
def test_rules_that_nobody_can_read_name_nobody(text: str) -> None:
    found = list(sops_rule_problems(text, a_fleet(keys())))
    assert found
    assert all("but here for nobody" in problem.message for problem in found)


def test_a_rule_for_a_cluster_that_is_gone_goes_too() -> None:
    text = sops_file(a_fleet(keys())).replace("customer\\\\-a\\\\-1", "customer\\\\-z\\\\-9")
    assert any(problem.cure == "take the rule away" for problem in sops_rule_problems(text, a_fleet(keys())))

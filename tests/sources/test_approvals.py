from __future__ import annotations

from pathlib import Path

import pytest

from schiff.errors import InvalidInput
from schiff.model.approvers import NOBODY, Approvers, keys_of, parse_approvers
from schiff.rollout.ledger import Ledger
from schiff.rollout.signed_text import signed_text
from schiff.sources.approvals import read_approvers, rehearsal_file, verified_signers
from schiff.ssh.signatures import sign
from tests.rollout.small_fleet import a_fleet, begun, noted, released
from tests.ssh.signers import Person, a_person

EXPIRES = "2026-11-26T06:00:00Z"
SUBJECT = f"sha256:{'1' * 64}"


@pytest.fixture
def anna(tmp_path: Path) -> Person:
    return a_person(tmp_path / "keys", "anna")


def approved(ledger: Ledger, who: Person, *, verb: str = "promote", signed: str = "promote") -> Ledger:
    signature = sign(who.key, "schiff", signed_text(ledger.environment, signed, SUBJECT, EXPIRES))
    said = {"verb": verb, "subject": SUBJECT, "expires": EXPIRES, "principal": who.principal, "signature": signature}
    return noted(ledger, "approve", said)


def a_ledger() -> Ledger:
    return begun(released(a_fleet()), "prd")


def list_of(*people: Person) -> Approvers:
    return parse_approvers("".join(person.line for person in people).encode(), "approvers")


def test_a_signature_that_holds_names_its_signer(anna: Person, tmp_path: Path) -> None:
    ledger = approved(a_ledger(), anna)
    assert verified_signers(ledger, list_of(anna), tmp_path) == {ledger.entries[1].digest: "anna@example.org"}


def test_the_signed_text_has_one_spelling() -> None:
    assert signed_text("prd", "promote", "sha256:1", EXPIRES) == (
        b'{"environment":"prd","expires":"2026-11-26T06:00:00Z","subject":"sha256:1","verb":"promote"}'
    )


def test_an_approval_for_another_verb_or_environment_is_not_verified(anna: Person, tmp_path: Path) -> None:
    ledger = approved(a_ledger(), anna, verb="resume")
    assert verified_signers(ledger, list_of(anna), tmp_path) == {}
    elsewhere = approved(begun(released(a_fleet()), "ref"), anna).entries[1].body
    assert verified_signers(noted(a_ledger(), "approve", elsewhere), list_of(anna), tmp_path) == {}


def test_somebody_who_is_no_approver_is_not_verified(anna: Person, tmp_path: Path) -> None:
    ledger = approved(a_ledger(), anna)
    assert verified_signers(ledger, NOBODY, tmp_path) == {}
    assert verified_signers(ledger, list_of(a_person(tmp_path, "bert")), tmp_path) == {}


def test_who_left_since_approved_and_who_left_before_did_not(anna: Person, tmp_path: Path) -> None:
    ledger = approved(a_ledger(), anna)  # at AT, until EXPIRES
    for ended, held in (("20261125060001", 1), ("20261125055959", 0)):
        line = anna.line.replace('"schiff"', f'"schiff",valid-before="{ended}"')
        assert len(verified_signers(ledger, parse_approvers(line.encode(), "approvers"), tmp_path)) == held


def test_what_held_is_remembered_by_entry_and_approvers(
    anna: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, bert = approved(a_ledger(), anna), a_person(tmp_path, "bert")
    first = verified_signers(ledger, list_of(anna), tmp_path)
    monkeypatch.setattr("schiff.sources.approvals.verify", _raising)
    assert verified_signers(ledger, list_of(anna), tmp_path) == first
    with pytest.raises(AssertionError, match="was asked"):
        verified_signers(ledger, list_of(anna, bert), tmp_path)
    with pytest.raises(AssertionError, match="was asked"):
        verified_signers(approved(ledger, anna), list_of(anna), tmp_path)


def test_what_did_not_hold_is_asked_again(anna: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = approved(a_ledger(), anna, signed="resume")
    assert verified_signers(ledger, list_of(anna), tmp_path) == {}
    monkeypatch.setattr("schiff.sources.approvals.verify", _raising)
    with pytest.raises(AssertionError, match="was asked"):
        verified_signers(ledger, list_of(anna), tmp_path)


def _raising(*_: object, **__: object) -> bool:
    raise AssertionError("the program was asked")


def test_a_fleet_without_approvers_has_none(tmp_path: Path) -> None:
    assert read_approvers(tmp_path) == NOBODY


def test_approvers_of_a_fleet_are_read_with_every_problem(tmp_path: Path) -> None:
    (tmp_path / "approvers").write_text("anna\nbert\n")
    with pytest.raises(InvalidInput) as refused:
        read_approvers(tmp_path)
    assert [problem.place.line for problem in refused.value.problems] == [1, 2]


@pytest.mark.parametrize("name", ["anna", "bert"])
def test_a_key_for_rehearsals_counts_in_no_real_fleet(tmp_path: Path, name: str) -> None:
    kind, key = rehearsal_file(f"{name}.pub").decode().split()[:2]
    (tmp_path / "approvers").write_text(f"{name}@example.org {kind} {key}\n")
    with pytest.raises(InvalidInput, match="for rehearsals only"):
        read_approvers(tmp_path)
    assert read_approvers(tmp_path, is_rehearsal=True).principals == {f"{name}@example.org"}


def test_the_people_of_rehearsals_are_two_and_marked() -> None:
    content = rehearsal_file("approvers")
    assert parse_approvers(content, "approvers").principals == {"anna@rehearsal.example", "bert@rehearsal.example"}
    assert len(keys_of(content)) == 2
    lines = [line for line in content.decode().splitlines() if line]
    assert all("rehearsal only" in line for line in [*lines, *_public_halves()])


def _public_halves() -> list[str]:
    return [rehearsal_file(f"{name}.pub").decode() for name in ("anna", "bert")]

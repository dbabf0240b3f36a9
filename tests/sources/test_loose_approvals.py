from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schiff.errors import InvalidInput, Refused
from schiff.model.approvers import parse_approvers
from schiff.rollout.signed_text import signed_text
from schiff.sources.loose_approvals import agreements, read_approvals
from schiff.ssh.signatures import sign
from schiff.values.names import Environment
from tests.ssh.signers import Person, a_person

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXPIRES, VERB, BROKEN = "2026-11-22T13:00:00Z", "rollback-unverified", f"sha256:{'1' * 64}"


def approval(folder: Path, who: Person, subject: str = BROKEN, environment: Environment = "prd") -> Path:
    signature = sign(who.key, "schiff", signed_text(environment, VERB, subject, EXPIRES))
    folder.mkdir(exist_ok=True)
    said = {"verb": VERB, "subject": subject, "expires": EXPIRES, "principal": who.principal, "signature": signature}
    file = folder / f"{who.principal}.json"
    file.write_text(json.dumps(said))
    return file


def people(files: list[Path], *approvers: Person, now: datetime = NOW) -> frozenset[str]:
    known = parse_approvers("".join(person.line for person in approvers).encode(), "approvers")
    return frozenset(one.principal for one in agreements(read_approvals(files), known, "prd", VERB, BROKEN, now=now))


def test_two_people_are_two_and_one_twice_is_one(tmp_path: Path) -> None:
    anna, bert = a_person(tmp_path / "keys", "anna"), a_person(tmp_path / "keys", "bert")
    one, other = approval(tmp_path, anna), approval(tmp_path, bert)
    assert people([one, other], anna, bert) == {anna.principal, bert.principal}
    assert people([one, one], anna, bert) == {anna.principal}


def test_what_does_not_count_is_named_with_the_reason(tmp_path: Path) -> None:
    anna, bert = a_person(tmp_path / "keys", "anna"), a_person(tmp_path / "keys", "bert")
    file = approval(tmp_path, anna)
    with pytest.raises(Refused, match="no approver signed it for prd"):
        people([file], bert)
    elsewhere = approval(tmp_path / "ref", anna, environment="ref")
    with pytest.raises(Refused, match="no approver signed it for prd"):
        people([elsewhere], anna)
    with pytest.raises(Refused, match=f"it expired at {EXPIRES}"):
        people([file], anna, now=NOW + timedelta(hours=2))
    with pytest.raises(Refused, match=r"it agrees to rollback-unverified of sha256:2.*, and this is sha256:1"):
        people([approval(tmp_path, anna, f"sha256:{'2' * 64}")], anna)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}")
    with pytest.raises(InvalidInput) as error:
        people([tmp_path / "x", tmp_path / "absent"])
    assert [problem.message for problem in error.value.problems] == [
        "cannot be read: No such file or directory",
        "is no approval",
    ]

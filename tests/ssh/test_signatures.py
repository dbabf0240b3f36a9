from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schiff.errors import Failed, Refused
from schiff.ssh.signatures import principals_of, sign, verify
from tests.ssh.signers import Person, a_person

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def anna(tmp_path: Path) -> Person:
    return a_person(tmp_path, "anna")


def holds(
    approvers: str, signature: str, *, principal: str = "anna@example.org", message: bytes = b"text", at: datetime = NOW
) -> bool:
    return verify(approvers.encode(), principal, "schiff", message=message, signature=signature, at=at)


def test_what_was_signed_is_verified(anna: Person) -> None:
    assert holds(anna.line, sign(anna.key, "schiff", b"text"))


def test_another_text_another_person_and_another_purpose_do_not_hold(anna: Person, tmp_path: Path) -> None:
    signature, bert = sign(anna.key, "schiff", b"text"), a_person(tmp_path, "bert")
    assert not holds(anna.line, signature, message=b"other")
    assert not holds(anna.line + bert.line, signature, principal="bert@example.org")
    assert not holds(bert.line, signature)
    assert not holds(anna.line.replace(' namespaces="schiff"', ""), sign(anna.key, "git", b"text"))
    assert not holds(anna.line, "no signature")


def test_a_key_that_ended_holds_for_what_was_signed_before(anna: Person) -> None:
    ended = anna.line.replace('"schiff"', '"schiff",valid-before="20261122120001"')
    signature = sign(anna.key, "schiff", b"text")
    assert holds(ended, signature)
    assert not holds(ended, signature, at=NOW.replace(minute=1))


def test_a_signature_names_its_principal(anna: Person, tmp_path: Path) -> None:
    signature = sign(anna.key, "schiff", b"text")
    assert list(principals_of(anna.line.encode(), signature, NOW)) == ["anna@example.org"]
    assert list(principals_of(a_person(tmp_path, "bert").line.encode(), signature, NOW)) == []


def test_an_agent_signs_for_a_public_key(anna: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    variables = dict(part.split("=", 1) for part in started.replace("\n", "").split(";") if "=" in part)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", variables["SSH_AUTH_SOCK"])
        subprocess.run(["ssh-add", "-q", str(anna.key)], check=True, env={**os.environ})
        anna.key.unlink()
        assert holds(anna.line, sign(anna.key.with_suffix(".pub"), "schiff", b"text"))
    finally:
        subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True, env={**os.environ, **variables})


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"absent signs nothing: .*No such file"):
        sign(tmp_path / "absent", "schiff", b"text")


def test_without_the_program_a_sentence_says_what_to_install(
    anna: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(Failed, match="apt install openssh-client"):
        sign(anna.key, "schiff", b"text")

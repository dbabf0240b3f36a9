from __future__ import annotations

import pytest

from schiff.errors import InvalidInput
from schiff.model.approvers import keys_of, parse_approvers

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAICZ4y3v6cRcSK4zg5gI4Oj3d08a459BaOW3+UBwLg2LX"
OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIBYEfqQ5isCs9KrE4Y9cQntfgVEKCGewL6EwWd+sD2+q"


def problems(*lines: str, public: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        parse_approvers("\n".join(lines).encode(), "approvers", public)
    return [str(problem) for problem in refused.value.problems]


def test_each_line_names_a_person_and_a_key() -> None:
    text = f'# who\n\nanna@example.org namespaces="schiff" ssh-ed25519 {KEY} laptop of anna\n'
    found = parse_approvers(text.encode(), "approvers")
    assert found.principals == {"anna@example.org"}
    assert found.content == text.encode()
    assert keys_of(found.content) == {KEY}


def test_one_person_may_have_two_keys_and_one_that_ended() -> None:
    lines = (
        f'anna@example.org valid-before="20261201",namespaces="git,schiff" ssh-ed25519 {KEY}',
        f'anna@example.org valid-after="20261201" ssh-ed25519 {OTHER}',
    )
    assert parse_approvers("\n".join(lines).encode(), "approvers").principals == {"anna@example.org"}


@pytest.mark.parametrize(
    "line", ["anna@example.org", f"ssh-ed25519 {KEY}", f"anna@example.org ssh-dss {KEY}", "a b c d", "\ufffd"]
)
def test_a_line_of_another_form_is_named_with_its_number_and_the_cure(line: str) -> None:
    (said,) = problems("# who", line)
    assert said.startswith("approvers:2: is no line of allowed signers; write e.g. anna@example.org namespaces=")


@pytest.mark.parametrize("principal", ["anna", "*@example.org", "a@example.org,b@example.org", "Anna@example.org"])
def test_a_principal_is_one_address(principal: str) -> None:
    (said,) = problems(f"{principal} ssh-ed25519 {KEY}")
    assert "is not one e-mail address in small letters" in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('namespaces="git"', "leave out schiff"),
        ("cert-authority", "an authority may vouch for anybody"),
        ('valid-before="tomorrow"', "valid-before is no day"),
        ("no-touch-required", "is no option of allowed signers"),
    ],
)
def test_an_option_that_weakens_the_list_is_refused(options: str, message: str) -> None:
    (said,) = problems(f"anna@example.org {options} ssh-ed25519 {KEY}")
    assert message in said


@pytest.mark.parametrize("key", [KEY[:-4], "AAAA", "%%%", KEY + "AAAA"])
def test_a_key_is_whole(key: str) -> None:
    (said,) = problems(f"anna@example.org ssh-ed25519 {key}")
    assert "the key is not whole" in said


def test_a_key_is_of_the_kind_it_says() -> None:
    (said,) = problems(f"anna@example.org ssh-rsa {KEY}")
    assert "the key is not of the kind ssh-rsa" in said


def test_one_key_is_of_one_person() -> None:
    (said,) = problems(f"anna@example.org ssh-ed25519 {KEY}", f"bert@example.org ssh-ed25519 {KEY}")
    assert said == (
        "approvers:2: anna@example.org has this key too, in line 1; remove one: two approvals must be two people"
    )


def test_a_key_that_anybody_has_is_refused() -> None:
    (said,) = problems(f"anna@example.org ssh-ed25519 {KEY}", public=(KEY,))
    assert said == "approvers:1: this key is for rehearsals only: anybody has its private half; remove the line"


def test_all_problems_are_named_at_once() -> None:
    assert len(problems("x", f"anna ssh-ed25519 {KEY}", f"bert@example.org ssh-rsa {OTHER}")) == 3

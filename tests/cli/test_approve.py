"""`schiff approve`, with keys and signatures of the real program."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from schiff.rollout.moments import parse_moment
from schiff.sources.approvals import read_approvers, verified_signers
from schiff.sources.loose_approvals import agreements, read_approvals
from tests.cli.witnessed import WitnessedProject
from tests.ssh.signers import Person, a_person

DIGEST = f"sha256:{'1' * 64}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WitnessedProject:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    return WitnessedProject.begin(tmp_path, "")


@pytest.fixture
def anna(project: WitnessedProject, tmp_path: Path) -> Person:
    anna = a_person(tmp_path / "keys", "anna")
    (project.fleet / "approvers").write_text(anna.line)
    return anna


def said(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    capsys.readouterr()
    assert run(["approve", *args]) == status
    shown = capsys.readouterr()
    return shown.out + shown.err


def approved(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    (answer,) = json.loads(said(capsys, *args, "--json"))["approvals"]
    return answer


def test_an_approval_is_a_signed_entry(
    project: WitnessedProject, anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (release,) = (entry.body["release"] for entry in project.ledger().entries)
    out = said(capsys, "promote", "2026.48.0", "-e", "prd", "--key", str(anna.key))
    assert out.startswith(f"prd: anna@example.org agrees to promote of {release} until ")
    ledger = project.ledger()
    signers = verified_signers(ledger, read_approvers(project.fleet), tmp_path / "cache")
    assert signers == {ledger.entries[1].digest: "anna@example.org"}
    assert ledger.entries[1].kind == "approve"


def test_an_approval_ends(project: WitnessedProject, anna: Person, capsys: pytest.CaptureFixture[str]) -> None:
    answer = approved(capsys, "skip", DIGEST, "-e", "prd", "--key", str(anna.key), "--expires", "90m")
    left = parse_moment(answer["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=88) < left <= timedelta(minutes=90)


def test_the_policy_as_it_stands_is_what_policy_means(
    project: WitnessedProject, anna: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    first = approved(capsys, "policy", "-e", "prd", "--key", str(anna.key))
    (project.fleet / "policy.yaml").write_text("complete: 97%\n")
    assert approved(capsys, "policy", "-e", "prd", "--key", str(anna.key))["subject"] != first["subject"]


def test_the_key_that_git_signs_with_is_the_default(
    project: WitnessedProject, anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no key is named; name your key, or tell Git" in said(capsys, "skip", DIGEST, "-e", "prd", status=2)
    (tmp_path / "gitconfig").write_text(f"[user]\n  signingkey = {anna.key}\n")
    assert approved(capsys, "skip", DIGEST, "-e", "prd")["principal"] == "anna@example.org"


def test_somebody_else_is_refused_and_nothing_is_appended(
    project: WitnessedProject, anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bert = a_person(tmp_path / "keys", "bert")
    out = said(capsys, "skip", DIGEST, "-e", "prd", "--key", str(bert.key), status=11)
    assert "belongs to no approver; fleet/approvers names anna@example.org" in out
    assert len(project.ledger().entries) == 1


def test_without_approvers_nobody_can_approve(
    project: WitnessedProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bert = a_person(tmp_path / "keys", "bert")
    assert "names nobody" in said(capsys, "skip", DIGEST, "-e", "prd", "--key", str(bert.key), status=11)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("dance", DIGEST), "'dance' is nothing that can be approved; name one of promote, resume, policy"),
        (("promote", "2026.1.0"), "'2026.1.0' is nothing to agree to; name a release (2026.48.0) or its digest"),
        (("freeze", "x"), "'x' is nothing to agree to; take it from the refusal"),
        (("skip", DIGEST, "--expires", "soon"), "'soon' is not a duration"),
        (("skip", DIGEST, "--expires", "0h"), "lasts no time"),
    ],
)
def test_bad_input_is_named_with_its_cure(
    project: WitnessedProject, anna: Person, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], message: str
) -> None:
    assert message in said(capsys, *args, "-e", "prd", "--key", str(anna.key), status=2)
    assert len(project.ledger().entries) == 1


def test_a_ledger_has_to_be_there(
    anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str], project: WitnessedProject
) -> None:
    elsewhere = ("--ledger", str(tmp_path / "elsewhere.git"))
    out = said(capsys, "skip", DIGEST, "-e", "prd", "--key", str(anna.key), *elsewhere, status=11)
    assert "prd has no ledger yet" in out


def test_a_witness_that_is_away_stops_no_approval_and_is_said(
    project: WitnessedProject,
    anna: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("schiff.s3.bucket._CONFIG", {"connect_timeout": 1, "retries": {"max_attempts": 1}})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with (tmp_path / "Pulumi.prd.yaml").open("a") as file:
        file.write("  schiff:witness: s3://away?endpoint=http://127.0.0.1:9&region=eu-1\n")
    out = said(capsys, "skip", DIGEST, "-e", "prd", "--key", str(anna.key))
    assert "entry 1 of prd is not witnessed yet, the next step sees to it: s3://away cannot be reached" in out
    assert len(project.ledger().entries) == 2


def test_verify_counts_the_signatures_that_hold(
    project: WitnessedProject, anna: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    said(capsys, "skip", DIGEST, "-e", "prd", "--key", str(anna.key))
    assert run(["ledger", "verify", "-e", "prd"]) == 0
    assert "approvals   1 verified" in capsys.readouterr().out
    (project.fleet / "approvers").unlink()
    assert run(["ledger", "verify", "-e", "prd"]) == 0
    assert "0 verified; no signature of an approver: 1" in capsys.readouterr().out


def test_while_a_ledger_does_not_hold_an_approval_is_a_file(
    project: WitnessedProject, anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project.rewrite({"000000.json": b"{}"})
    args = ("rollback-unverified", DIGEST, "-e", "prd", "--key", str(anna.key))
    assert "a ledger that does not hold takes no approval" in said(capsys, *args, status=2)
    assert "(anna.json)" in said(capsys, *args, "--out", "anna.json")
    files = read_approvals([tmp_path / "anna.json"])
    approvers = read_approvers(project.fleet)
    (agreed,) = agreements(files, approvers, "prd", "rollback-unverified", DIGEST, now=datetime.now(UTC))
    assert agreed.principal == "anna@example.org"


def test_what_a_ledger_can_hold_is_approved_there(
    project: WitnessedProject, anna: Person, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ("skip", DIGEST, "-e", "prd", "--key", str(anna.key), "--out", "anna.json")
    assert "skip is approved in the ledger, and a file is for rollback-unverified" in said(capsys, *args, status=2)
    assert not (tmp_path / "anna.json").exists()

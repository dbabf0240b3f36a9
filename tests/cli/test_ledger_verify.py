"""`schiff ledger verify` on a real branch, with a real witness: I4 of the rollout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from schiff.cli.chains import chain_place
from schiff.cli.ledger_branches import LedgerBranches
from schiff.delivery.ledger_branch import append_to_ledger
from schiff.sources.fleet_files import load_fleet
from tests.cli.witnessed import LEDGER, WitnessedProject, recomputed
from tests.delivery.ledger_writers import notes
from tests.s3.server import BUCKET, client_of, give_keys, location_of, s3_server, setting_of


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def project(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WitnessedProject:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    give_keys(monkeypatch)
    return WitnessedProject.begin(tmp_path, setting_of(server, tmp_path.name))


def said(capsys: pytest.CaptureFixture[str], *args: str, status: int = 0) -> str:
    capsys.readouterr()
    assert run(["ledger", "verify", *args]) == status
    shown = capsys.readouterr()
    return shown.out + shown.err


def verified(capsys: pytest.CaptureFixture[str], *args: str) -> Any:
    return json.loads(said(capsys, *args, "--json"))["environments"]


def append_notes(count: int) -> None:
    append_to_ledger(str(LEDGER.absolute()), "prd", notes(count), Path("cache").absolute())


def test_a_chain_that_holds_says_what_was_asked(
    project: WitnessedProject, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = project.ledger().entries[-1].digest
    assert said(capsys, "-e", "prd").splitlines() == [
        f"prd: 1 entries hold, head 0 {head}",
        "  deliveries  no delivery names a head",
        "  output      no state that can be read here",
        f"  witness     {location_of(server, tmp_path.name)} received 1",
        "  approvals   none",
        "  gate        no promotion and no move yet",
    ]


def test_a_repository_that_cannot_be_asked_is_named(
    project: WitnessedProject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "Pulumi.prd.yaml").open("a") as file:
        file.write(f"  schiff:definitions: {tmp_path}/absent.git\n")
    assert "no delivery names a head; not asked: " in said(capsys, "-e", "prd")
    assert "cannot be read" in verified(capsys, "-e", "prd")[0]["unread"][0]


def test_all_environments_at_once(project: WitnessedProject, capsys: pytest.CaptureFixture[str]) -> None:
    found = verified(capsys, "--all")
    assert [(one["environment"], one["entries"], one["time"]) for one in found] == [
        ("tst", 1, "witnessed"),
        ("ref", 1, "witnessed"),
        ("prd", 1, "witnessed"),
    ]


def test_without_a_witness_time_is_self_asserted_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    WitnessedProject.begin(tmp_path, "")
    assert "witness     none configured; time: self-asserted" in said(capsys, "-e", "prd")
    assert verified(capsys, "-e", "prd")[0]["time"] == "self-asserted"


def test_a_ledger_that_was_not_begun_says_how(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(capsys, "-e", "prd") == "prd: no ledger yet; begin it: schiff ledger init -e prd\n"


def test_what_the_witness_lacks_is_named_and_is_no_tampering(
    project: WitnessedProject, capsys: pytest.CaptureFixture[str]
) -> None:
    append_notes(2)
    assert verified(capsys, "-e", "prd")[0]["witness"]["missing"] == [1, 2]
    assert "received 1; not yet: 1, 2" in said(capsys, "-e", "prd")


def test_a_ledger_that_was_deleted_whole_is_tampering(
    project: WitnessedProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.rewrite({})
    assert "was cut: the witness received entry 0, yet the chain has 0 entries" in said(capsys, "-e", "prd", status=16)


def test_a_witness_that_is_away_is_a_failure_and_not_a_pass(
    project: WitnessedProject,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("schiff.s3.bucket._CONFIG", {"connect_timeout": 1, "retries": {"max_attempts": 1}})
    file = tmp_path / "Pulumi.prd.yaml"
    file.write_text(file.read_text().replace(server, "http://127.0.0.1:9"))
    assert "cannot be reached" in said(capsys, "-e", "prd", status=1)


def test_every_forgery_of_an_anchored_chain_is_tampering(
    project: WitnessedProject, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append_notes(4)
    place, cache = chain_place("prd")
    branches = LedgerBranches({"prd": place}, cache, "ci:test", lambda: datetime.now(UTC))
    assert branches.read("prd", load_fleet(project.fleet)).unwitnessed["prd"].all == (1, 2, 3, 4)
    assert branches.read_witnessed("prd", load_fleet(project.fleet)).unwitnessed["prd"].all == ()
    entries, files = project.ledger().entries, project.files()
    forgeries = dict(_forgeries(files))
    forgeries |= {f"recomputed from {seq}": recomputed(entries, seq) for seq in range(len(entries))}
    for name, forged in forgeries.items():
        project.rewrite(forged)
        assert said(capsys, "-e", "prd", status=16).count("\n") == 1, name
    project.rewrite(files)
    assert "5 entries hold" in said(capsys, "-e", "prd")
    assert len(client_of(server).list_object_versions(Bucket=BUCKET, Prefix=f"{tmp_path.name}/prd/")["Versions"]) == 5


def _forgeries(files: dict[str, bytes]) -> Iterator[tuple[str, dict[str, bytes]]]:
    names = sorted(files)
    for name, after in zip(names, [*names[1:], ""], strict=True):
        flipped = bytearray(files[name])
        flipped[len(flipped) * int(name[:6]) // len(names)] ^= 1
        yield f"flipped a byte of {name}", {**files, name: bytes(flipped)}
        yield f"dropped {name}", {other: content for other, content in files.items() if other != name}
        yield f"cut before {name}", {other: content for other, content in files.items() if other < name}
        if after:
            yield f"swapped {name}", {**files, name: files[after], after: files[name]}

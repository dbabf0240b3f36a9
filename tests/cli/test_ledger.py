from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from schiff.cli.ledger import ledger_app
from schiff.cli.release import release_app
from schiff.delivery.ledger_branch import append_to_ledger
from schiff.errors import InvalidInput, Refused, SchiffError, Tampered
from schiff.git.process import run_git
from schiff.sources.ledger_branch import read_ledger
from tests.cli.fleet_folder import write_fleet
from tests.delivery.ledger_writers import commit_file, notes


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI_JOB_ID", raising=False)
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    folder = write_fleet(tmp_path)
    args = ["cut", "--fleet", str(folder), "--name", "2026.48.0", "--at", "2026-11-22T09:00:00Z"]
    assert CliRunner().invoke(release_app, args).exit_code == 0
    return folder


def run(*args: str) -> Result:
    return CliRunner().invoke(ledger_app, list(args))


def error(result: Result) -> SchiffError:
    assert isinstance(result.exception, SchiffError)
    return result.exception


def refs() -> str:
    return run_git("for-each-ref", folder=Path(".schiff/ledger.git")).decode()


def test_init_begins_the_ledger_of_every_environment(fleet: Path) -> None:
    result = run("init", "--all", "--fleet", str(fleet))
    assert result.exit_code == 0, result.output
    assert "tst: the ledger begins with release 2026.48.0" in result.output
    for branch in ("refs/heads/ledger/prd", "refs/heads/ledger/ref", "refs/heads/ledger/tst"):
        assert branch in refs()


def test_init_again_says_so_and_changes_nothing(fleet: Path) -> None:
    run("init", "-e", "tst", "--fleet", str(fleet))
    before = refs()
    again = run("init", "-e", "tst", "--fleet", str(fleet))
    assert again.exit_code == 0
    assert "tst: the ledger exists already, since 2026-11-22T09:00:00Z" in again.output
    assert refs() == before


def test_init_continues_where_an_earlier_one_ended(fleet: Path) -> None:
    run("init", "-e", "tst", "--fleet", str(fleet))
    found = json.loads(run("init", "--all", "--fleet", str(fleet), "--json").output)
    assert [item["existed"] for item in found["environments"]] == [True, False, False]


def test_genesis_is_dated_by_the_release_and_says_who_and_where(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_JOB_ID", "9912")
    monkeypatch.setenv("CI_PROJECT_ID", "77")
    run("init", "-e", "prd", "--fleet", str(fleet))
    (entry,) = read_ledger(".schiff/ledger.git", "prd", Path("cache")).entries
    assert (entry.at, entry.actor, entry.fleet) == ("2026-11-22T09:00:00Z", "ci:project/77/job/9912", "none")


def test_genesis_names_the_commit_of_the_fleet(fleet: Path) -> None:
    run_git("init", "--quiet", "-b", "main", ".")
    run_git("-C", ".", "add", "fleet")
    run_git("-c", "user.name=a", "-c", "user.email=a@example.org", "-C", ".", "commit", "--quiet", "-m", "fleet")
    commit = run_git("-C", ".", "rev-parse", "HEAD").decode().strip()
    run("init", "-e", "prd", "--fleet", str(fleet))
    assert read_ledger(".schiff/ledger.git", "prd", Path("cache")).entries[0].fleet == commit


def test_the_ledger_may_lie_anywhere(fleet: Path, tmp_path: Path) -> None:
    url = str(tmp_path / "elsewhere.git")
    run("init", "-e", "prd", "--fleet", str(fleet), "--ledger", url)
    assert "genesis" in run("log", "-e", "prd", "--ledger", url).output
    assert not Path(".schiff/ledger.git").exists()


def test_log_lists_every_entry_and_the_head(fleet: Path) -> None:
    run("init", "-e", "prd", "--fleet", str(fleet))
    ledger = append_to_ledger(".schiff/ledger.git", "prd", notes(1), Path("cache"))
    assert ledger.head is not None
    lines = run("log", "-e", "prd").output.splitlines()
    assert "genesis" in lines[0]
    assert "note     user:a 0  (user:a)" in lines[1]
    assert lines[2] == f"head 1 {ledger.head.digest}"


def test_log_as_json_holds_the_entries_as_they_are(fleet: Path) -> None:
    run("init", "-e", "prd", "--fleet", str(fleet))
    found = json.loads(run("log", "-e", "prd", "--json").output)
    (entry,) = read_ledger(".schiff/ledger.git", "prd", Path("cache")).entries
    assert found == {
        "environment": "prd",
        "head": {"seq": 0, "digest": entry.digest},
        "entries": [{**json.loads(entry.to_bytes()), "digest": entry.digest}],
    }


def test_log_without_a_ledger_says_how_to_begin_it(fleet: Path) -> None:
    result = run("log", "-e", "prd")
    assert (result.exit_code, result.output) == (0, "prd: no ledger yet; begin it: schiff ledger init -e prd\n")


def test_log_of_an_edited_ledger_is_tampering(fleet: Path, tmp_path: Path) -> None:
    run("init", "-e", "prd", "--fleet", str(fleet))
    commit_file(tmp_path, str(tmp_path / ".schiff/ledger.git"), "ledger/prd", "000000.json", b"{}\n")
    assert isinstance(error(run("log", "-e", "prd")), Tampered)


@pytest.mark.parametrize("args", [("init",), ("init", "-e", "dev"), ("log",), ("log", "-e", "dev")])
def test_an_environment_has_to_be_named(fleet: Path, args: tuple[str, ...]) -> None:
    found = error(run(*args))
    assert isinstance(found, InvalidInput)
    assert "name one of tst, ref, prd" in str(found)


def test_init_without_a_release_says_how_to_cut_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = error(run("init", "-e", "prd", "--fleet", str(write_fleet(tmp_path))))
    assert isinstance(found, Refused)
    assert "schiff release cut" in str(found)


@pytest.mark.parametrize("command", ["init", "log"])
def test_help_starts_with_an_example(command: str) -> None:
    assert f"Example: schiff ledger {command}" in run(command, "--help").output

"""The script and the comment that `schiff new ci` writes, away from any engine: what they ask for and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest

from tests.git.repositories import git
from tests.journeys.ci_runner import Comments

VERSION = version("schiff")
TEMPLATES = Path(str(files("schiff"))) / "data" / "ci"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Give a checkout with the script, an origin, and programs that write down how they are called."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "checkout")
    folder = tmp_path / "checkout"
    git(folder, "commit", "-q", "--allow-empty", "-m", "fleet")
    git(folder, "push", "-q", "origin", "HEAD:refs/heads/main")
    (folder / "ci").mkdir()
    text = (TEMPLATES / "schiff.sh").read_text().replace("@VERSION@", VERSION).replace("@FLEET@", "stacks/fleet")
    (folder / "ci" / "schiff.sh").write_text(text)
    (folder / "ci" / "comment.py").write_text((TEMPLATES / "comment.py").read_text())
    program(
        folder / ".venv" / "bin" / "python", f'case "$1" in -c) echo {VERSION} ;; *) exec {sys.executable} "$@" ;; esac'
    )
    program(folder / ".venv" / "bin" / "schiff", 'echo "schiff $*" >> called; sh answer "$@"')
    program(tmp_path / "bin" / "pulumi", "exit 1")
    (folder / "answer").write_text("exit 0\n")
    return folder


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(checkout: Path, *args: str, status: int = 0, **variables: str) -> str:
    path = os.pathsep.join([str(checkout.parent / "bin"), os.defpath])
    env = {"PATH": path, "PULUMI_BACKEND_URL": "s3://b", **variables}
    command = ["sh", "ci/schiff.sh", *args]
    ended = subprocess.run(
        command, cwd=checkout, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode == status, ended.stdout
    return ended.stdout


def called(checkout: Path) -> list[str]:
    return (checkout / "called").read_text().splitlines()


# --- the script


@pytest.mark.parametrize("args", [(), ("deliver",), ("step",), ("up", "tst"), ("deliver", "tst", "ref")])
def test_a_wrong_command_says_which_there_are(checkout: Path, args: tuple[str, ...]) -> None:
    assert run(checkout, *args, status=2).startswith("usage: ci/schiff.sh merge-request REV | deliver ENV | step ENV")


def test_a_runner_without_a_place_for_the_state_stops(checkout: Path) -> None:
    assert "PULUMI_BACKEND_URL is not set" in run(checkout, "deliver", "tst", status=2, PULUMI_BACKEND_URL="")


def test_a_token_without_a_server_is_given_to_nobody(checkout: Path) -> None:
    assert "SCHIFF_GIT_SERVER is not set" in run(checkout, "deliver", "tst", status=2, SCHIFF_GIT_TOKEN="t")


def test_a_bare_runner_gets_the_pinned_schiff_and_the_cli_of_its_sdk(checkout: Path) -> None:
    for path in (checkout / ".venv" / "bin").iterdir():
        path.unlink()
    (checkout / ".venv" / "bin").rmdir()
    (checkout.parent / "bin" / "pulumi").unlink()
    made = 'mkdir -p .venv/bin; cp fake .venv/bin/python; cp fake .venv/bin/schiff; echo "python3 $*" >> called'
    program(checkout / "fake", 'echo "$(basename "$0") $*" >> called')
    program(checkout.parent / "bin" / "python3", made)
    run(checkout, "deliver", "tst")
    assert called(checkout) == [
        "python3 -m venv .venv",
        f"python -m pip install --quiet --disable-pip-version-check schiff=={VERSION}",
        'python -c from pulumi.automation import PulumiCommand; PulumiCommand.install(root="build")',
        "schiff up -e tst",
    ]


@pytest.mark.parametrize(("ended", "status"), [(0, 0), (10, 0), (11, 11), (16, 16)])
def test_a_step_that_has_to_wait_ends_well_and_no_other(checkout: Path, ended: int, status: int) -> None:
    (checkout / "answer").write_text(f"exit {ended}\n")
    run(checkout, "step", "prd", status=status)
    assert called(checkout) == ["schiff step -e prd"]


def test_a_delivery_tries_again_while_somebody_else_holds_the_lock(checkout: Path) -> None:
    program(checkout.parent / "bin" / "sleep", 'echo "sleep" >> called')
    (checkout / "answer").write_text('[ "$(grep -c up called)" -ge 3 ] || exit 10\n')
    run(checkout, "deliver", "ref")
    assert called(checkout) == ["schiff up -e ref", "sleep", "schiff up -e ref", "sleep", "schiff up -e ref"]


def test_a_delivery_does_not_wait_for_ever(checkout: Path) -> None:
    program(checkout.parent / "bin" / "sleep", 'echo "sleep" >> called')
    (checkout / "answer").write_text("exit 10\n")
    run(checkout, "deliver", "ref", status=10)
    assert called(checkout).count("sleep") == 59


@pytest.mark.parametrize("command", ["deliver", "step"])
def test_only_the_newest_commit_acts(checkout: Path, command: str) -> None:
    git(checkout, "commit", "-q", "--allow-empty", "-m", "newer")
    git(checkout, "push", "-q", "origin", "HEAD:refs/heads/main")
    newest = git(checkout, "rev-parse", "HEAD").strip()
    git(checkout, "checkout", "-q", "HEAD~1")
    assert f"the default branch is at {newest} by now" in run(checkout, command, "tst")
    assert not (checkout / "called").exists()


def test_a_merge_request_asks_for_everything_without_access_to_clusters(checkout: Path) -> None:
    answer = """echo "kubeconfig: ${KUBECONFIG-none}" >> seen; echo '{"changes": []}'"""
    (checkout / "answer").write_text(answer)
    run(checkout, "merge-request", "abc", KUBECONFIG="/etc/admin")
    previews = [f"schiff preview -e {name} {form}" for name in ("tst", "ref", "prd") for form in ("--json", "--diff")]
    assert called(checkout) == ["schiff check --fleet stacks/fleet --against abc", *previews]
    assert set((checkout / "seen").read_text().splitlines()) == {"kubeconfig: none"}


@pytest.mark.parametrize(("code", "status", "ended"), [("no-stack", 1, 0), ("no-backend", 1, 1), ("conflict", 17, 17)])
def test_a_preview_that_fails_fails_the_job_but_for_a_stack_that_is_not_there_yet(
    checkout: Path, code: str, status: int, ended: int
) -> None:
    answer = json.dumps({"status": status, "code": code, "message": f"the sentence of {code}"})
    (checkout / "answer").write_text(f"[ \"$1\" = check ] && exit 0\necho '{answer}'; exit {status}\n")
    log = run(checkout, "merge-request", "abc", status=ended)
    assert log.count(f"the sentence of {code}") == 3
    assert log.count("no delivery yet") == (3 if code == "no-stack" else 0)


# --- the comment


@pytest.fixture
def comments() -> Iterator[Comments]:
    """Give the comments of a merge request with many words of people."""
    with Comments() as server:
        yield server


def report(folder: Path, commit: str = "0123", **answers: str) -> Path:
    """Write a report with these answers of previews."""
    made = folder / "report"
    made.mkdir(exist_ok=True)
    (made / "commit.txt").write_text(f"{commit}\n")
    (made / "check.txt").write_text("3 clusters hold\n")
    for name, answer in answers.items():
        (made / f"{name}.json").write_text(answer)
    return made


def say(made: Path, status: int = 0, **variables: str) -> str:
    command = [sys.executable, str(TEMPLATES / "comment.py"), str(made)]
    ended = subprocess.run(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode == status, ended.stdout
    return ended.stdout


@pytest.mark.parametrize(("system", "changing"), [("gitlab", "PUT"), ("github", "PATCH")])
def test_a_second_run_writes_the_same_comment_anew(
    comments: Comments, tmp_path: Path, system: str, changing: str
) -> None:
    variables = getattr(comments, system)
    say(report(tmp_path, "first"), **variables)
    say(report(tmp_path, "second"), **variables)
    [comment] = comments.ours
    assert "`schiff check` at second:" in comment
    assert len(comments.bodies) == 131
    assert [method for method, _ in comments.requests if method != "GET"] == ["POST", changing]


def test_without_a_token_there_is_the_artefact_and_no_comment(comments: Comments, tmp_path: Path) -> None:
    made = report(tmp_path)
    said = say(made, status=0, **{**comments.gitlab, "SCHIFF_COMMENT_TOKEN": ""})
    assert said.startswith((made / "comment.md").read_text())
    assert comments.requests == []


def test_a_comment_that_cannot_be_written_fails_because_the_earlier_one_is_wrong_now(
    comments: Comments, tmp_path: Path
) -> None:
    said = say(report(tmp_path), status=1, **{**comments.github, "SCHIFF_COMMENT_TOKEN": "expired-canary"})
    assert said.endswith("the comment cannot be written: HTTP Error 403: Forbidden\n")
    said += say(report(tmp_path), status=1, **{**comments.gitlab, "CI_API_V4_URL": "http://127.0.0.1:1"})
    assert "Connection refused" in said
    assert "canary" not in said


@pytest.mark.parametrize("answer", ["", '{"stack": "tst", "chan', "Killed"])
def test_a_preview_without_an_answer_never_means_that_nothing_changes(tmp_path: Path, answer: str) -> None:
    said = say(report(tmp_path, tst=answer))
    assert "### tst: not possible (no-answer)" in said


def test_shards_of_an_environment_are_told_together(tmp_path: Path) -> None:
    change = {"op": "update", "resource": "TenantCluster", "name": "s/c", "files": ["~ a"], "warnings": ["foreign"]}
    commit = {**change, "resource": "Commit", "name": "definitions", "files": [], "warnings": []}
    shards = [{"stack": name, "changes": [change, commit]} for name in ("prd-x", "prd-y")]
    said = say(report(tmp_path, prd="\n".join(json.dumps(shard, indent=2) for shard in shards)))
    assert "### prd: 2 changes\n" in said
    assert said.count("update TenantCluster s/c\n  ~ a\n  foreign\nupdate Commit definitions\n") == 2


def test_a_long_answer_leaves_the_rest_to_the_artefact_and_stays_a_block(tmp_path: Path) -> None:
    change = {"op": "create", "resource": "Folder", "name": "~~~~", "files": ["+ ü" * 99] * 900, "warnings": []}
    answer = json.dumps({"stack": "tst", "changes": [change]})
    said = say(report(tmp_path, tst=answer, ref=answer, prd=answer))
    assert said.count("... the rest is in the artefact\n~~~~\n") == 3
    assert len(said.encode()) < 65_536
    assert said.count("\n~~~~\n") == 4
    assert said.index("### tst") < said.index("### ref") < said.index("### prd")

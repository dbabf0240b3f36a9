"""`schiff new ci` writes what GitLab and GitHub accept, for the names in the fleet, and overwrites nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from schiff.cli.code_owners import code_owners
from schiff.cli.new import new_app
from schiff.errors import InvalidInput, Refused
from schiff.values.names import ENVIRONMENTS
from tests.git.repositories import git
from tests.makers import Documents, a_fleet, changed, fleet_folder
from tools.parts import ROOT

BOTH = ("--gitlab", "--github", "--group", "my-company")
WRITTEN = [
    "ci/schiff.sh", "ci/comment.py", ".gitlab-ci.yml", ".gitlab/CODEOWNERS", ".github/workflows/schiff.yml",
    ".github/CODEOWNERS",
]  # fmt: skip
PROGRAMS = Path(sys.executable).parent


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the repository of the example fleet, without CI."""
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "fleet").symlink_to(ROOT / "stacks" / "fleet")
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*args: str) -> Result:
    return CliRunner().invoke(new_app, ["ci", *args])


@pytest.mark.parametrize("path", [path for path in WRITTEN if not path.endswith(".py")])
def test_what_is_written_for_the_example_fleet(
    repository: Path, path: str, assert_golden: Callable[[str, str], None]
) -> None:
    assert run(*BOTH).exit_code == 0
    text = (repository / path).read_text().replace(f"VERSION='{version('schiff')}'", "VERSION='<its own>'")
    assert_golden(f"ci/{path.lstrip('.')}", text)


def test_the_script_is_pinned_to_the_schiff_that_wrote_it_and_can_be_run(repository: Path) -> None:
    run(*BOTH)
    script = repository / "ci" / "schiff.sh"
    assert f"\nVERSION='{version('schiff')}'\nFLEET='stacks/fleet'\n" in script.read_text()
    assert script.stat().st_mode & 0o111
    assert [path for path in WRITTEN if "@VERSION@" in (repository / path).read_text()] == []


def test_one_system_is_written_without_the_other(repository: Path) -> None:
    assert run("--gitlab").exit_code == 0
    assert sorted(path for path in WRITTEN if (repository / path).exists()) == sorted(WRITTEN[:4])


def test_a_second_run_finds_the_same_and_a_changed_file_is_never_overwritten(repository: Path) -> None:
    run("--gitlab")
    assert set(json.loads(run("--gitlab", "--json").output)["files"].values()) == {"unchanged"}
    edited = repository / ".gitlab-ci.yml"
    edited.write_text("# mine\n")
    refused = run(*BOTH)
    assert isinstance(refused.exception, Refused)
    assert refused.exception.code == "ci-exists"
    assert str(refused.exception).startswith(".gitlab-ci.yml, .gitlab/CODEOWNERS: there already")
    assert edited.read_text() == "# mine\n"
    assert not (repository / ".github").exists()


def test_it_says_which_teams_must_exist_and_what_a_runner_could_not_reach(repository: Path) -> None:
    said = run("--gitlab").output
    assert "teams that must exist in your-group: platform, approvers, customer-a, customer-b, customer-c;" in said
    assert "Pulumi.prd.yaml: ledger, definitions, components must name repositories that a runner reaches" in said
    for name in ENVIRONMENTS:
        settings = repository / f"Pulumi.{name}.yaml"
        settings.write_text(settings.read_text().replace(".schiff/", "https://git.schiff.example/"))
    assert "runner" not in run("--gitlab", "--group", "your-group").output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--gitlab: no system is named; name --gitlab or --github, or both"),
        (("--github", "--group", "my company"), "--group: 'my company' is no group; write e.g. my-company/clusters"),
        (("--github", "--group", "@me"), "--group: '@me' is no group; write e.g. my-company/clusters"),
    ],
)
def test_a_wrong_question_writes_nothing(repository: Path, args: tuple[str, ...], said: str) -> None:
    before = sorted(repository.iterdir())
    result = run(*args)
    assert isinstance(result.exception, InvalidInput)
    assert str(result.exception) == said
    assert sorted(repository.iterdir()) == before


def test_a_project_below_the_root_of_its_repository_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = repository / "platform"
    below.mkdir()
    for name in ("Pulumi.yaml", *(f"Pulumi.{name}.yaml" for name in ENVIRONMENTS), "stacks"):
        (repository / name).rename(below / name)
    monkeypatch.chdir(below)
    refused = run("--gitlab").exception
    assert isinstance(refused, Refused)
    assert refused.code == "ci-not-at-root"
    (below / "Pulumi.tst.yaml").write_text("config: {schiff:fleet: ../fleet}\n")


@pytest.mark.parametrize("place", ["../fleet", "/srv/fleet", "a fleet", "stacks/../../fleet"])
def test_a_fleet_that_owners_cannot_be_named_for_is_refused(repository: Path, place: str) -> None:
    (repository / "Pulumi.tst.yaml").write_text(f"config: {{'schiff:fleet': '{place}'}}\n")
    refused = run("--gitlab").exception
    assert isinstance(refused, Refused)
    assert refused.code == "ci-fleet-elsewhere"


# --- owners


def test_every_file_of_a_fleet_has_the_owner_it_should_have() -> None:
    owners = code_owners(a_fleet(), "fleet", "us")
    assert owner_of("fleet/defaults.yaml", owners) == "@us/platform"
    assert owner_of("fleet/.sops.yaml", owners) == "@us/platform"
    assert owner_of("fleet/sites/vsphere-site-1/site.yaml", owners) == "@us/platform"
    assert owner_of("fleet/management-clusters/schiff-mgmt-x.yaml", owners) == "@us/platform"
    assert owner_of("fleet/customers/customer-a.yaml", owners) == "@us/customer-a"
    assert owner_of("fleet/sites/vsphere-site-1/customer-a/customer-a-1.yaml", owners) == "@us/customer-a"
    assert owner_of("fleet/sites/vsphere-site-1/customer-a/customer-a-1.secrets/x.yaml", owners) == "@us/customer-a"
    for path in ("fleet/policy.yaml", "fleet/approvers", "ci/schiff.sh", ".github/CODEOWNERS", "Pulumi.prd.yaml"):
        assert owner_of(path, owners) == "@us/approvers"


def test_a_customer_without_a_cluster_owns_its_file_and_whoever_comes_later_is_the_platforms() -> None:
    documents: Documents = changed("customers/customer-new.yaml", "hold", None)
    owners = code_owners(a_fleet(documents), "fleet", "us")
    assert owner_of("fleet/customers/customer-new.yaml", owners) == "@us/customer-new"
    assert owner_of("fleet/customers/customer-later.yaml", owners) == "@us/platform"


def test_two_approvals_are_asked_for_where_the_system_can_count_them_by_path(repository: Path) -> None:
    run(*BOTH)
    sections = (repository / ".gitlab/CODEOWNERS").read_text().split("[Who may do what][2]\n")
    assert len(sections) == 2
    assert {line.split()[1] for line in sections[1].splitlines()} == {"@my-company/approvers"}
    assert "[" not in (repository / ".github/CODEOWNERS").read_text()


def owner_of(path: str, text: str) -> str:
    """Return the owner of the last line that matches, as the two systems read such a file."""
    lines = [line.split() for line in text.splitlines() if line and line[0] not in "#["]
    return [owner for pattern, owner in lines if _matches(path, pattern)][-1]


def _matches(path: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    asked, given = pattern.strip("/").split("/"), path.split("/")
    fits = all(Path(part).match(one) for part, one in zip(given, asked, strict=False))
    return fits and (len(given) > len(asked) if pattern.endswith("/") else len(given) == len(asked))


# --- what reads the files


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (".gitlab-ci.yml", ("vendor.gitlab-ci", "--data-transform", "gitlab-ci")),
        (".github/workflows/schiff.yml", ("vendor.github-workflows",)),
        (".github/workflows/schiff.yml", ("custom.github-workflows-require-timeout",)),
    ],
)
def test_the_schema_of_each_system_accepts_its_file(repository: Path, path: str, schema: tuple[str, ...]) -> None:
    run(*BOTH)
    lint(repository / path, *schema, status=0)


def test_a_schema_refuses_a_key_that_is_none(repository: Path) -> None:
    run(*BOTH)
    path = repository / ".github/workflows/schiff.yml"
    path.write_text(path.read_text().replace("runs-on:", "run-on:"))
    lint(path, "vendor.github-workflows", status=1)


def lint(path: Path, *schema: str, status: int) -> None:
    command = [str(PROGRAMS / "check-jsonschema"), "--builtin-schema", *schema, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == status, ended.stdout + ended.stderr


def test_a_shell_finds_nothing_wrong_with_the_script(repository: Path) -> None:
    run(*BOTH)
    command = [str(PROGRAMS / "shellcheck"), "ci/schiff.sh"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


def test_every_job_of_gitlab_has_a_stage_a_lock_and_a_command_of_the_script(repository: Path) -> None:
    run(*BOTH)
    written = yaml.safe_load((repository / ".gitlab-ci.yml").read_text())
    jobs = {name: job for name, job in written.items() if isinstance(job, dict) and "stage" in _whole(job, written)}
    visible = {name: _whole(job, written) for name, job in jobs.items() if not name.startswith(".")}
    assert len(visible) == 7
    for name, job in visible.items():
        assert job["stage"] in written["stages"], name
        assert set(job.get("needs", ())) <= visible.keys(), name
        assert job["resource_group"] in {*ENVIRONMENTS, "merge-request-$CI_MERGE_REQUEST_IID"}, name
        assert job["script"][0].split()[:2] == ["sh", "ci/schiff.sh"], name
        assert "rules" in job, name
    assert [visible[f"deliver-{name}"].get("needs") for name in ENVIRONMENTS] == [
        None,
        ["deliver-tst"],
        ["deliver-ref"],
    ]
    for name in ENVIRONMENTS:
        assert (
            visible[f"deliver-{name}"]["environment"]["name"] == visible[f"step-{name}"]["environment"]["name"] == name
        )


def test_every_job_of_github_has_an_environment_a_lock_and_a_command_of_the_script(repository: Path) -> None:
    run(*BOTH)
    written = yaml.safe_load((repository / ".github/workflows/schiff.yml").read_text())
    assert set(written[True]) == {"pull_request", "push", "schedule"}  # YAML 1.1 takes the key `on` for a boolean
    jobs = written["jobs"]
    assert {name: job.get("needs") for name, job in jobs.items()} == {
        "merge-request": None, "deliver-tst": None, "deliver-ref": "deliver-tst", "deliver-prd": "deliver-ref",
        "step": None,
    }  # fmt: skip
    for name, job in jobs.items():
        assert job["concurrency"]["cancel-in-progress"] is (name == "merge-request"), name
        assert job["steps"][0]["with"]["persist-credentials"] is False, name
        assert job["steps"][1]["run"].startswith("sh ci/schiff.sh "), name
    assert jobs["deliver-prd"]["environment"] == "prd"
    assert jobs["deliver-prd"]["concurrency"]["group"] == "schiff-prd"
    assert jobs["step"]["concurrency"]["group"] == "schiff-${{ matrix.environment }}"


def test_no_job_of_a_merge_request_may_write_anything_but_its_comment(repository: Path) -> None:
    run(*BOTH)
    written = yaml.safe_load((repository / ".github/workflows/schiff.yml").read_text())
    assert written["permissions"] == {"contents": "read"}
    assert written["jobs"]["merge-request"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert [name for name, job in written["jobs"].items() if "permissions" in job] == ["merge-request"]


def test_no_file_names_a_registry_or_holds_a_credential(repository: Path) -> None:
    run(*BOTH)
    for path in WRITTEN:
        assert "://" not in (repository / path).read_text().replace("s3://schiff-state", ""), path


def _whole(job: dict[str, Any], jobs: dict[str, Any]) -> dict[str, Any]:
    return {**jobs.get(job.get("extends", ""), {}), **job}


def test_a_small_fleet_gets_its_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, tmp_path)
    fleet_folder(tmp_path / "stacks" / "fleet")
    monkeypatch.chdir(tmp_path)
    answer = json.loads(run("--github", "--json").output)
    assert answer["files"] == dict.fromkeys((*WRITTEN[:2], *WRITTEN[4:]), "written")

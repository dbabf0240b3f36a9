"""The project a command works in."""

from __future__ import annotations

from pathlib import Path

import pytest

from schiff.cli.project import Project
from schiff.cli.stand_in import put_in
from schiff.delivery.stack import StackName
from schiff.delivery.workspace import Workspace
from schiff.errors import InvalidInput, Refused


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(Workspace(tmp_path))


def test_an_environment_runs_in_its_own_stack_and_in_its_shards(project: Project) -> None:
    for name in ("prd-m", "prd-n", "tst"):
        (project.root / f"Pulumi.{name}.yaml").touch()
    assert project.stacks("prd") == (StackName("prd", "m"), StackName("prd", "n"))
    assert project.stacks("tst") == (StackName("tst"),)


def test_an_environment_without_settings_is_refused(project: Project) -> None:
    with pytest.raises(Refused, match=r"Pulumi\.ref\.yaml"):
        project.stacks("ref")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: [1", "Pulumi.tst.yaml:"),
        ("config: word", "config: is not a map"),
        ("config: {'schiff:fleeet': x}", "schiff:fleeet: is no setting of a stack"),
    ],
)
def test_a_mistake_in_the_settings_is_bad_input(text: str, said: str, project: Project) -> None:
    (project.root / "Pulumi.tst.yaml").write_text(text)
    with pytest.raises(InvalidInput) as refused:
        project.settings(StackName("tst"))
    assert said in str(refused.value)


def test_what_the_shell_set_wins_over_the_embedded_default(project: Project) -> None:
    chosen = project.engine_environment({"PULUMI_BACKEND_URL": "s3://state", "PATH": "/usr/bin"})
    assert chosen["PULUMI_BACKEND_URL"] == "s3://state"
    assert chosen["PULUMI_SKIP_CHECKPOINTS"] == "true"
    assert "PULUMI_HOME" not in chosen


def test_a_passphrase_of_the_shell_is_the_only_one(project: Project) -> None:
    assert project.engine_environment({})["PULUMI_CONFIG_PASSPHRASE"] == "schiff"
    assert "PULUMI_CONFIG_PASSPHRASE" not in project.engine_environment({"PULUMI_CONFIG_PASSPHRASE_FILE": "/p"})


def test_the_embedded_state_of_another_checkout_is_never_used(project: Project) -> None:
    given = {"PULUMI_BACKEND_URL": "file:///somebody/elses/.schiff/state"}
    assert project.engine_environment(given)["PULUMI_BACKEND_URL"] == f"file://{project.root}/.schiff/state"


def test_a_project_that_stands_in_takes_nothing_of_what_the_shell_set_for_the_other(tmp_path: Path) -> None:
    project = Project(Workspace(tmp_path), is_stand_in=True)
    chosen = project.engine_environment({"PULUMI_BACKEND_URL": "s3://state", "PULUMI_CONFIG_PASSPHRASE": "theirs"})
    assert chosen["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.schiff/state"
    assert chosen["PULUMI_CONFIG_PASSPHRASE"] == "schiff"


def test_a_project_that_stands_in_is_used_and_named_until_its_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bed = tmp_path / ".schiff" / "bed"
    bed.mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert Project.here().root == tmp_path
    with put_in(tmp_path, bed):
        assert Project.here().root == bed
        assert "in .schiff/bed, which stands in" in capsys.readouterr().err
    assert (tmp_path / ".schiff" / "project").read_text() == ".schiff/bed\n"
    assert Project.here().root == tmp_path

"""Where a project keeps things."""

from __future__ import annotations

from pathlib import Path

import pytest

from schiff.delivery.workspace import Workspace, find_workspace, is_embedded
from schiff.errors import Refused


def test_the_workspace_is_the_nearest_folder_with_a_pulumi_project(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").touch()
    (tmp_path / "stacks" / "fleet").mkdir(parents=True)
    assert find_workspace(tmp_path / "stacks" / "fleet").root == tmp_path


def test_outside_a_project_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"holds a Pulumi\.yaml"):
        find_workspace(tmp_path)


@pytest.mark.parametrize("setting", [".schiff/a.git", "a.git", "../a.git"])
def test_a_relative_path_is_made_on_first_use(setting: str, tmp_path: Path) -> None:
    assert is_embedded(setting)
    workspace = Workspace(tmp_path / "project")
    assert Path(workspace.url(setting), "HEAD").is_file()


@pytest.mark.parametrize(
    "setting", ["https://git.example/a.git", "git@git.example:a.git", "/srv/a.git", "file:///a.git"]
)
def test_anything_else_is_somebody_s_and_stays_as_written(setting: str, tmp_path: Path) -> None:
    assert Workspace(tmp_path).url(setting) == setting
    assert list(tmp_path.iterdir()) == []


def test_the_cache_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHIFF_CACHE", str(tmp_path / "elsewhere"))
    assert Workspace(tmp_path).cache == tmp_path / "elsewhere"

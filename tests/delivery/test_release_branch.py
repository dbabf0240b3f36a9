"""A release that was cut reaches the fleet's branch, or waits for people, on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from schiff.delivery.release_branch import bring_release, proposed_releases, uncommitted_releases
from schiff.errors import Waiting
from tests.git.repositories import git

NAME = "2026.50.0"
REFUSING = '#!/bin/sh\nwhile read -r old new ref; do [ "$ref" != refs/heads/main ] || exit 1; done\n'


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Return the fleet of a checkout, in which a release was just cut."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "checkout")
    fleet = tmp_path / "checkout" / "fleet"
    fleet.mkdir()
    (fleet / "fleet.yaml").write_text("baseDomain: schiff.example\n")
    git(fleet, "add", "-A")
    git(fleet, "commit", "-q", "-m", "fleet")
    git(fleet, "push", "-q", "origin", "HEAD:refs/heads/main")
    (fleet / "releases" / NAME).mkdir(parents=True)
    (fleet / "releases" / NAME / "release.yaml").write_text("kind: train\n")
    return fleet


def branches(fleet: Path) -> dict[str, str]:
    origin = fleet.parents[1] / "origin.git"
    rows = git(origin, "for-each-ref", "--format=%(refname:short) %(subject)", "refs/heads").splitlines()
    return dict(row.split(" ", 1) for row in rows)


def test_a_release_that_is_not_in_git_is_named(fleet: Path) -> None:
    assert uncommitted_releases(fleet) == {NAME}
    bring_release(fleet, NAME)
    assert uncommitted_releases(fleet) == frozenset()


def test_outside_a_repository_nothing_is_uncommitted(tmp_path: Path) -> None:
    (tmp_path / "releases" / NAME).mkdir(parents=True)
    (tmp_path / "releases" / NAME / "release.yaml").write_text("kind: train\n")
    assert uncommitted_releases(tmp_path) == frozenset()


def test_a_release_is_one_commit_of_its_own_folder_on_the_branch(fleet: Path) -> None:
    (fleet / "defaults.yaml").write_text("somebody: else\n")
    git(fleet, "add", "defaults.yaml")
    bring_release(fleet, NAME)
    assert branches(fleet) == {"main": f"Cut release {NAME}"}
    assert git(fleet, "show", "--name-only", "--format=", "HEAD").split() == [f"fleet/releases/{NAME}/release.yaml"]


def test_a_branch_that_takes_no_push_gets_a_proposal(fleet: Path) -> None:
    hook = fleet.parents[1] / "origin.git" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(REFUSING)
    hook.chmod(0o755)
    with pytest.raises(Waiting, match=rf"release {NAME} waits on schiff/release-{NAME} to be merged"):
        bring_release(fleet, NAME)
    assert branches(fleet) == {"main": "fleet", f"schiff/release-{NAME}": f"Cut release {NAME}"}
    assert proposed_releases(fleet) == uncommitted_releases(fleet) == {NAME}


def test_without_a_server_people_commit(fleet: Path) -> None:
    git(fleet, "remote", "remove", "origin")
    with pytest.raises(Waiting, match="git commit") as waiting:
        bring_release(fleet, NAME)
    assert (waiting.value.code, waiting.value.status) == ("no-release", 10)
    assert uncommitted_releases(fleet) == {NAME}

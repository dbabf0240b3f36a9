"""The Git server takes pushes over HTTP like a real one."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.bed.git_server import GitServer


def git(*arguments: str | Path) -> str:
    run = subprocess.run(["git", *map(str, arguments)], check=True, capture_output=True, text=True)
    return run.stdout.strip()


def a_commit(folder: Path, size: int) -> str:
    git("init", "--quiet", "--initial-branch=main", folder)
    (folder / "file").write_bytes(bytes(range(256)) * size)
    git("-C", folder, "add", "file")
    git("-C", folder, "-c", "user.name=t", "-c", "user.email=t@schiff.example", "commit", "--quiet", "-m", "one")
    return git("-C", folder, "rev-parse", "HEAD")


def test_a_pushed_commit_can_be_cloned(git_server: GitServer, tmp_path: Path) -> None:
    url = git_server.url("cluster-definitions")
    head = a_commit(tmp_path / "work", 1)
    git("-C", tmp_path / "work", "push", "--quiet", url, "main")
    git("clone", "--quiet", url, tmp_path / "clone")
    assert git("-C", tmp_path / "clone", "rev-parse", "HEAD") == head
    assert any("git-receive-pack" in request for request in git_server.requests)


def test_a_push_larger_than_one_request_buffer_arrives(git_server: GitServer, tmp_path: Path) -> None:
    head = a_commit(tmp_path / "work", 4096)
    work, url = tmp_path / "work", git_server.url("cluster-components")
    git("-C", work, "-c", "http.postBuffer=65536", "-c", "core.compression=0", "push", "--quiet", url, "main")
    assert git("ls-remote", url, "main").split()[0] == head


def test_push_options_reach_the_hooks_of_the_repository(git_server: GitServer, tmp_path: Path) -> None:
    repository = git_server.folder / "cluster-definitions.git"
    hook = repository / "hooks" / "pre-receive"
    hook.write_text('#!/bin/sh\necho "$GIT_PUSH_OPTION_0" > option\n')
    hook.chmod(0o755)
    a_commit(tmp_path / "work", 1)
    url = git_server.url("cluster-definitions")
    git("-C", tmp_path / "work", "push", "--quiet", "-o", "merge_request.create", url, "main")
    assert (repository / "option").read_text() == "merge_request.create\n"


def test_a_push_that_a_hook_refuses_fails(git_server: GitServer, tmp_path: Path) -> None:
    hook = git_server.folder / "cluster-definitions.git" / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho branch is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    a_commit(tmp_path / "work", 1)
    argv: list[str | Path] = ["git", "-C", tmp_path / "work", "push", git_server.url("cluster-definitions"), "main"]
    push = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert push.returncode == 1
    assert "branch is protected" in push.stderr


def test_a_server_that_was_away_is_back_at_the_same_address(git_server: GitServer) -> None:
    url = git_server.url("cluster-definitions")
    git_server.stop()
    asked = subprocess.run(["git", "ls-remote", url], capture_output=True, text=True, check=False)
    assert asked.returncode == 128
    git_server.start()
    assert git("ls-remote", url) == ""

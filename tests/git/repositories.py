"""Real repositories for tests: bare ones, and what a stranger with a work tree does to them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from schiff.git.repository import ensure_bare


def git(folder: Path | str, *args: str) -> str:
    """Run Git as a stranger and return what it prints."""
    who = {
        f"GIT_{role}_{part}": "stranger@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
    }
    run = subprocess.run(["git", "-C", folder, *args], capture_output=True, env={**os.environ, **who}, check=False)
    assert run.returncode == 0, run.stderr.decode()
    return run.stdout.decode()


def a_repository(folder: Path, name: str = "definitions") -> Path:
    """Make an embedded repository and return its path."""
    return Path(ensure_bare(folder / f"{name}.git"))


def commit(bare: Path, files: Mapping[str, str], *, gone: Iterable[str] = (), branch: str = "main") -> str:
    """Commit as somebody who is not schiff: write files, remove others, push."""
    work = bare.parent / f"work-{len(list(bare.parent.glob('work-*')))}"
    git(bare.parent, "clone", "-q", str(bare), str(work))
    if f"origin/{branch}" in git(work, "branch", "-r"):
        git(work, "checkout", "-q", "-B", branch, f"origin/{branch}")
    else:
        git(work, "checkout", "-q", "--orphan", branch)
    for path, text in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    for path in gone:
        git(work, "rm", "-q", "-r", path)
    git(work, "add", "--all")
    git(work, "commit", "-q", "-m", "somebody else")
    git(work, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
    return head(bare, branch)


def head(bare: Path, branch: str = "main") -> str:
    """Return the head of a branch; an empty text when there is none."""
    return git(bare, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()


def files(bare: Path, branch: str = "main") -> dict[str, str]:
    """Return every file of a branch."""
    if not head(bare, branch):
        return {}
    paths = git(bare, "ls-tree", "-r", "-z", "--name-only", branch).split("\0")
    return {path: git(bare, "cat-file", "blob", f"{branch}:{path}") for path in paths if path}


def hook(bare: Path, name: str, script: str) -> None:
    """Put a hook into a repository."""
    path = bare / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)

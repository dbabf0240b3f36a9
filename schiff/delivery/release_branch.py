"""Bringing a release that was just cut to the fleet's branch: the one thing the bot may change there.

A release is a folder that nobody edits, so it is one commit that adds files. It
goes on top of the branch that CI checked out, and where that refuses, to a branch
of its own, with a merge request by push options; then people bring it in.
"""

from __future__ import annotations

import re
from pathlib import Path

from schiff.errors import Failed, Waiting
from schiff.git.process import run_git, try_git

REMOTE = "origin"
_PROPOSED = "schiff/release-"
_HEAD = re.compile(rb"ref: refs/heads/(\S+)\tHEAD")
_BOT = ("-c", "user.name=schiff", "-c", "user.email=schiff@localhost", "-c", "commit.gpgsign=false")


def bring_release(fleet: Path, name: str) -> None:
    """Commit ``releases/<name>/`` and push it to the default branch.

    Raises `Waiting` while people have to do it: without a remote, where the
    branch takes no push, and where it moved on meanwhile.
    """
    path = f"releases/{name}"
    branch = _default_branch(fleet)
    if branch is None:
        raise Waiting(f"release {name} is cut: git add {fleet / path} && git commit; then step again", "no-release")
    run_git("-C", str(fleet), "add", "--", path)
    run_git("-C", str(fleet), *_BOT, "commit", "--quiet", "--no-verify", "-m", f"Cut release {name}", "--", path)
    if not try_git("-C", str(fleet), "push", "--quiet", REMOTE, f"HEAD:refs/heads/{branch}").status:
        return
    _propose(fleet, name, branch)
    run_git("-C", str(fleet), "reset", "--quiet", "HEAD~1")  # here, too, it is no release before it is on the branch
    raise Waiting(f"{branch} takes no push; release {name} waits on {_PROPOSED}{name} to be merged", "no-release")


def uncommitted_releases(fleet: Path) -> frozenset[str]:
    """Return the names of releases that lie in the work tree and not in Git; none outside a repository."""
    if not _tracks(fleet):
        return frozenset()
    ended = try_git("-C", str(fleet), "ls-files", "--others", "--exclude-standard", "--", "releases")
    return frozenset(line.split("/")[1] for line in ended.out.decode().splitlines() if line.count("/") > 1)


def proposed_releases(fleet: Path) -> frozenset[str]:
    """Return the names of releases that wait on a branch of their own; none where no server answers."""
    ended = try_git("-C", str(fleet), "ls-remote", REMOTE, f"refs/heads/{_PROPOSED}*")
    return frozenset(line.rpartition(_PROPOSED)[2] for line in ended.out.decode().splitlines() if _PROPOSED in line)


def _tracks(fleet: Path) -> bool:
    return bool(try_git("-C", str(fleet), "ls-files", "--", "fleet.yaml").out)


def _default_branch(fleet: Path) -> str | None:
    ended = try_git("-C", str(fleet), "ls-remote", "--symref", REMOTE, "HEAD")
    match = None if ended.status else _HEAD.search(ended.out)
    return None if match is None else match[1].decode()


def _propose(fleet: Path, name: str, branch: str) -> None:
    options = ("-o", "merge_request.create", "-o", f"merge_request.target={branch}")
    target = f"+HEAD:refs/heads/{_PROPOSED}{name}"
    for chosen in (options, ()):
        ended = try_git("-C", str(fleet), "push", "--quiet", *chosen, REMOTE, target)
        if not ended.status:
            return
    raise Failed(f"release {name} could be pushed neither to {branch} nor to a branch of its own: {ended.sentence}")

"""What tests of ledger branches write with: deciders, and somebody who edits a branch by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schiff.git.process import run_git
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import genesis
from schiff.rollout.ledger import Ledger
from schiff.values.names import Environment
from tests.rollout.small_fleet import AT, a_fleet, released

Propose = Callable[[Ledger], Entry | None]


def one_genesis(environment: Environment) -> Propose:
    """Return a decider that begins a ledger and is content then."""
    fleet = released(a_fleet())

    def propose(ledger: Ledger) -> Entry | None:
        return None if ledger.head else genesis(fleet, environment, actor="user:a", fleet_commit="none")

    return propose


def notes(count: int, actor: str = "user:a") -> Propose:
    """Return a decider that is content once its actor wrote `count` notes."""

    def propose(ledger: Ledger) -> Entry | None:
        written = sum(entry.kind == "note" and entry.actor == actor for entry in ledger.entries)
        if written == count:
            return None
        return ledger.append("note", {"text": f"{actor} {written}"}, at=AT, actor=actor, fleet="none")

    return propose


def commit_file(folder: Path, url: str, branch: str, name: str, content: bytes) -> None:
    """Commit one file to a branch as a person with a checkout would."""
    checkout = folder / "checkout"
    run_git("clone", "--quiet", "--branch", branch, url, str(checkout))
    (checkout / name).write_bytes(content)
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    run_git("-C", str(checkout), "add", name)
    run_git(*person, "-C", str(checkout), "commit", "--quiet", "-m", "edit by hand")
    run_git("-C", str(checkout), "push", "--quiet", "origin", branch)

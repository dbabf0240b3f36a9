"""Delivering to a Git repository: the only code that moves a delivered branch.

A delivery is one stream of objects and one push. It sets and removes exactly
what the stack owns, on whatever head it finds; when somebody else was faster
it looks again and replays. Orders and wave are separate commits of one push.
Nothing is written when nothing but the header of the manifest would differ, so
a lost state, a killed run or a second run costs no commit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.comparison import Comparison, Step, compare, foreign_conflict, listed, require_deliverable
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, manifest_path
from schiff.delivery.plan import Plan
from schiff.delivery.snapshot import Change, Snapshot, foreign, look
from schiff.errors import Conflict, Refused
from schiff.git.clone import CachedClone
from schiff.git.fast_import import NewCommit, write_commits
from schiff.git.repository import LostRace, push

_ATTEMPTS = 5
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Origin:
    """What a delivery was made from; it becomes trailers of the commit, never content."""

    fleet: str
    schiff: str
    ledger: LedgerHead


@dataclass(frozen=True)
class Delivered:
    """How a branch stands after a delivery; a proposal leaves it where it was."""

    head: str | None
    serial: int
    commits: tuple[str, ...] = ()
    orders: tuple[Change, ...] = ()
    wave: tuple[Change, ...] = ()
    shared: tuple[str, ...] = ()
    proposed: bool = False


def deliver(
    plan: Plan,
    clone: CachedClone,
    *,
    serial: int = 0,
    take_back: bool = False,
    adopt: bool = False,
    proposal: bool = False,
    when: datetime | None = None,
) -> Delivered:
    """Bring a branch to what a plan says, or its proposal branch.

    `serial` is the delivery this stack remembers, 0 when it remembers none.
    The objects of new folders have to be in the clone (`store_objects`).
    """

    def attempt() -> Delivered:
        snapshot = _fresh(clone, plan.stack)
        comparison = compare(plan, snapshot, serial=serial, adopt=adopt)
        require_deliverable(comparison, plan.stack, take_back=take_back)
        last = max(serial, snapshot.serial) if comparison else snapshot.serial
        commits = _commits(plan, comparison, last)
        done = _write(snapshot, commits, proposal=proposal, when=when)
        reached = snapshot.serial if proposal else last + len(commits)
        return Delivered(
            head=snapshot.head if proposal or not done else done[-1],
            serial=reached,
            commits=done,
            orders=comparison.orders,
            wave=comparison.wave,
            shared=comparison.shared,
            proposed=proposal and bool(commits),
        )

    return _replayed(clone, attempt)


def destroy(
    stack: str,
    clone: CachedClone,
    *,
    origin: Origin,
    serial: int = 0,
    take_back: bool = False,
    embedded: bool = False,
    proposal: bool = False,
    when: datetime | None = None,
) -> Delivered:
    """Remove everything a stack owns, and its manifest, in one commit.

    Refused while a cluster is not in its last removal state: its machines would
    outlive the files. An embedded repository has no machines behind it.
    """

    def attempt() -> Delivered:
        snapshot = _fresh(clone, stack)
        if snapshot.manifest is None:
            return Delivered(snapshot.head, 0)
        if (edited := foreign(snapshot, serial)) and not take_back:
            raise foreign_conflict(stack, edited)
        alive = [line.name for line in snapshot.lines if line.kind == "cluster" and line.removal != "e"]
        if alive and not embedded:
            message = f"{stack} still has clusters: {listed(alive)}; decommission them first"
            raise Refused(message, code="clusters-remain")
        folders = () if snapshot.direct else tuple(line.path for line in snapshot.lines)
        removed = (*folders, manifest_path(stack))
        message = _message(f"{stack}: remove everything it owns", [f"- {path}" for path in removed], origin)
        done = _write(snapshot, [NewCommit(message, removed)], proposal=proposal, when=when)
        gone = tuple(Change(line.path, line.tree, EMPTY_TREE) for line in snapshot.lines)
        head, left = (snapshot.head, snapshot.serial) if proposal else (done[-1], 0)
        return Delivered(head, left, done, orders=gone, proposed=proposal)

    return _replayed(clone, attempt)


def proposal_branch(stack: str) -> str:
    """Return the branch on which a stack proposes."""
    return f"schiff/{stack}"


def _replayed(clone: CachedClone, attempt: Callable[[], Delivered]) -> Delivered:
    """Try until the push wins, a bounded number of times: each try decides anew on what it finds."""
    for _ in range(_ATTEMPTS):
        with clone.locked():
            try:
                return attempt()
            except LostRace:
                continue
    raise Conflict(f"{clone.branch} moved {_ATTEMPTS} times while it was written; try again when others have finished")


def _fresh(clone: CachedClone, stack: str) -> Snapshot:
    clone.refresh()
    return look(clone, stack)


def _write(
    snapshot: Snapshot, commits: Sequence[NewCommit], *, proposal: bool, when: datetime | None
) -> tuple[str, ...]:
    """Write the commits and push them; return their ids."""
    if not commits:
        return ()
    clone, ref = snapshot.clone, f"refs/schiff/next/{snapshot.stack}"
    done = write_commits(clone, ref, snapshot.head, commits, when or datetime.now(UTC))
    if proposal:
        _propose(snapshot, done[-1], commits[-1].message)
    else:
        push(clone, done[-1], clone.branch)
    return done


def _propose(snapshot: Snapshot, commit: str, message: str) -> None:
    """Put a commit on the proposal branch and ask for a merge; one that proposes the same already stays."""
    clone = snapshot.clone
    branch = proposal_branch(snapshot.stack)
    there = CachedClone(clone.url, branch, clone.folder.parent).refresh()
    if there and clone.resolve(f"{there}^{{tree}}") == clone.resolve(f"{commit}^{{tree}}"):
        return
    title = message.partition("\n")[0]
    options = ("merge_request.create", f"merge_request.target={clone.branch}", f"merge_request.title={title}")
    push(clone, commit, branch, lease=there or "", options=options)


def _commits(plan: Plan, comparison: Comparison, serial: int) -> list[NewCommit]:
    return [_commit(plan, step, number) for number, step in enumerate(comparison.steps, start=serial + 1)]


def _commit(plan: Plan, step: Step, serial: int) -> NewCommit:
    manifest = DeliveredManifest(plan.stack, serial, plan.ledger, step.lines, plan.direct)
    origin = Origin(plan.fleet, plan.schiff, plan.ledger)
    trees = {change.path: change.new for change in step.changes if change.new != EMPTY_TREE}
    return NewCommit(
        message=_message(_subject(plan.stack, step), _summary(step), origin),
        removed=[change.path for change in step.changes if change.new == EMPTY_TREE],
        trees={**trees, **step.shared},
        files={manifest_path(plan.stack): manifest.to_text().encode()},
    )


def _subject(stack: str, step: Step) -> str:
    signs = [line[0] for line in _summary(step)]
    counts = ((signs.count("+"), "created"), (signs.count("~"), "changed"), (signs.count("-"), "removed"))
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"{stack}: {step.kind}, {said or 'what it owns'}"


def _summary(step: Step) -> list[str]:
    changes = [f"{_sign(change)} {change.path}" for change in step.changes]
    return changes + [f"+ {path}" for path in step.shared]


def _sign(change: Change) -> str:
    if change.old == EMPTY_TREE:
        return "+"
    return "-" if change.new == EMPTY_TREE else "~"


def _message(subject: str, lines: Sequence[str], origin: Origin) -> str:
    """Return a commit message: what changes for people, where it came from as trailers for programs."""
    more = [f"... and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
    ledger = f"{origin.ledger.seq} {origin.ledger.digest}" if origin.ledger.digest else ""
    trailers = {"Schiff-Fleet": origin.fleet, "Schiff-Version": origin.schiff, "Schiff-Ledger": ledger}
    said = [f"{name}: {value}" for name, value in trailers.items() if value]
    return "\n\n".join("\n".join(part) for part in ([subject], [*lines[:_LISTED], *more], said) if part) + "\n"

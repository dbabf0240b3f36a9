"""What a plan would change on a branch, and everything that speaks against it. Nothing is written here.

The rules, in the order of the code:

1. *Foreign*: an owned folder is not what its manifest names, or the manifest is older than the last delivery.
2. A path that another stack owns, also above or below, is refused.
3. A folder that is there and belongs to nobody is only taken with `adopt`.
4. A cluster leaves the manifest after its last removal states, never before: deleting all its files at once would
   leave machines behind.
5. A shared folder is never changed: other content needs another version.
6. What Git delivers is not sent to API servers, and the other way round: one object has one owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import Line
from schiff.delivery.plan import Plan
from schiff.delivery.snapshot import Change, Snapshot, foreign
from schiff.errors import Conflict, Refused, SchiffError, Tampered

ORDERS, WAVE = "orders", "wave"
_NAMED = 5


@dataclass(frozen=True)
class Step:
    """One Git commit to make: the folders it changes, and the lines of the manifest after it."""

    kind: str
    changes: tuple[Change, ...]
    lines: tuple[Line, ...]
    shared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """A plan held against a branch; true when there is something to deliver."""

    steps: tuple[Step, ...]
    foreign: tuple[Change, ...]
    refusals: tuple[SchiffError, ...]

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def orders(self) -> tuple[Change, ...]:
        """The folders that the orders commit changes."""
        return tuple(change for step in self.steps if step.kind == ORDERS for change in step.changes)

    @property
    def wave(self) -> tuple[Change, ...]:
        """The folders that the wave commit changes."""
        return tuple(change for step in self.steps if step.kind == WAVE for change in step.changes)

    @property
    def shared(self) -> tuple[str, ...]:
        """The shared folders that are added."""
        return tuple(path for step in self.steps for path in step.shared)


def compare(plan: Plan, snapshot: Snapshot, *, serial: int = 0, adopt: bool = False) -> Comparison:
    """Return what is left to deliver, what is foreign and what is refused."""
    snapshot.trees({line.path for line in (*snapshot.lines, *plan.orders, *plan.wave)} | plan.shared.keys())
    return Comparison(
        steps=tuple(_steps(plan, snapshot)),
        foreign=foreign(snapshot, serial),
        refusals=tuple(_refusals(plan, snapshot, adopt=adopt)),
    )


def require_deliverable(comparison: Comparison, stack: str, *, take_back: bool = False) -> None:
    """Raise the first thing that speaks against a delivery."""
    if comparison.foreign and not take_back:
        raise foreign_conflict(stack, comparison.foreign)
    for refusal in comparison.refusals:
        raise refusal


def foreign_conflict(stack: str, changes: Iterable[Change]) -> Conflict:
    """Say what somebody else changed, and the two ways on."""
    return Conflict(
        f"somebody else changed what {stack} owns: {listed(change.path for change in changes)}; "
        "bring the change into the fleet, or overwrite it with --take-back"
    )


def listed(paths: Iterable[str]) -> str:
    """Return some paths in one sentence."""
    names = list(paths)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _steps(plan: Plan, snapshot: Snapshot) -> Iterator[Step]:
    """Yield the commits to make; new shared folders travel with the first one."""
    there = snapshot.trees(plan.shared)
    missing = {path: tree for path, tree in plan.shared.items() if there[path] == EMPTY_TREE}
    if plan.direct:
        if plan.wave != snapshot.lines:
            yield Step(ORDERS, (), plan.wave)
        return
    delivered = snapshot.trees({line.path for line in (*snapshot.lines, *plan.orders)})
    changes = _changes(delivered, plan.orders)
    wave = plan.wave != plan.orders
    if changes or plan.orders != snapshot.lines or (missing and not wave):
        yield Step(ORDERS, changes, plan.orders, missing)
        missing = {}
    if wave:
        ordered = {line.path: line.tree for line in plan.orders}
        new = {line.path for line in plan.wave} - delivered.keys()
        yield Step(WAVE, _changes(snapshot.trees(new) | ordered, plan.wave), plan.wave, missing)


def _changes(found: Mapping[str, str], lines: Iterable[Line]) -> tuple[Change, ...]:
    wanted = {line.path: line.tree for line in lines}
    paths = sorted(found.keys() | wanted.keys())
    changes = (Change(path, found.get(path, EMPTY_TREE), wanted.get(path, EMPTY_TREE)) for path in paths)
    return tuple(change for change in changes if change.old != change.new)


def _refusals(plan: Plan, snapshot: Snapshot, *, adopt: bool) -> Iterator[SchiffError]:
    wanted = sorted({line.path for line in (*plan.orders, *plan.wave)})
    owned = {line.path for line in snapshot.lines}
    if taken := [f"{path} ({owner})" for path in wanted if (owner := snapshot.others.owner(path))]:
        message = f"another stack owns what {plan.stack} would write: {listed(taken)}; one folder has one owner"
        yield Refused(message, code="owned-by-another")
    present = snapshot.trees(path for path in wanted if path not in owned)
    there = [path for path, tree in present.items() if tree != EMPTY_TREE and not snapshot.others.owner(path)]
    if there and not adopt and not plan.direct:
        message = f"nobody owns what is there already: {listed(there)}; take it over with --adopt"
        yield Refused(message, code="not-owned")
    if (snapshot.lines and snapshot.direct != plan.direct) or (there and plan.direct):
        yield _delivered_otherwise(plan)
    if leaving := _leaving(plan, snapshot):
        message = f"still delivered, but not in the fleet: {listed(leaving)}; decommission before the order goes"
        yield Refused(message, code="cluster-not-removed")
    shared = snapshot.trees(plan.shared)
    if other := [path for path, tree in plan.shared.items() if shared[path] not in (EMPTY_TREE, tree)]:
        yield Tampered(f"a version never changes, but its content differs: {listed(other)}; give it a new version")


def _delivered_otherwise(plan: Plan) -> Refused:
    cure = "destroy it the way it was delivered, or keep that way in schiff:delivery"
    if plan.direct:
        message = f"{plan.stack} was delivered by Git, and what Flux reads there is not sent by hand too; {cure}"
        return Refused(message, "delivered-by-git")
    return Refused(
        f"{plan.stack} was delivered directly, and Git would be a second owner; {cure}", "delivered-directly"
    )


def _leaving(plan: Plan, snapshot: Snapshot) -> list[str]:
    kept = {line.path for line in plan.orders} & {line.path for line in plan.wave}
    alive = (line for line in snapshot.lines if line.kind == "cluster" and line.removal != "e")
    return sorted({line.name for line in alive if line.path not in kept})

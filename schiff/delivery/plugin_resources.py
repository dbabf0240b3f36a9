"""What the provider does for each resource, in plain data and without Pulumi.

`TenantCluster` and `Folder` *record*: creating, changing or deleting one
touches nothing. `Commit` alone writes. All three compare with the head of the
branch, so that drift shows in a plain preview, and a lost state or a failed
push heals: what the state believes never decides what is delivered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.comparison import Comparison, compare
from schiff.delivery.delivered import LedgerHead
from schiff.delivery.git_repository import Delivered, Origin, deliver, destroy
from schiff.delivery.plugin_repositories import Repositories
from schiff.delivery.report import tell
from schiff.delivery.snapshot import Change, foreign
from schiff.git.process import redacted

Values = Mapping[str, Any]
"""Inputs or state of a resource: texts, numbers and booleans; what a preview cannot know is missing."""

SHOWN = 20
"""The most lines one resource says in one run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a comparison found: the properties that change, and what to tell people about it."""

    changed: frozenset[str] = frozenset()
    said: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


class Handler(Protocol):
    """One kind of resource."""

    def find(self, old: Values, new: Values) -> Finding:
        """Compare what is wanted with the state and with the branch; writes nothing. No state: `old` is empty."""

    def apply(self, old: Values, new: Values) -> Values:
        """Bring about what is wanted, and return the new state."""

    def read(self, state: Values) -> Values | None:
        """Return the state as it is out there; None when it is gone."""

    def delete(self, state: Values) -> None:
        """Undo what the resource stands for."""

    def identity(self, new: Values) -> str:
        """Return the id the engine knows the resource by."""


class _Place(NamedTuple):
    """Where a record says that a tree lies, and the property that says so."""

    repository: str
    path: str
    property: str
    tree: str


class Record:
    """`TenantCluster` and `Folder`: a line in the state about folders that a `Commit` delivers."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def find(self, old: Values, new: Values) -> Finding:
        """Report changed properties, and files that differ from the branch."""
        changed = {key for key in new if old.get(key) != new[key]} if old else set()
        said: list[str] = []
        for place in _places(new):
            found = self._repositories.tree(place.repository, place.path)
            if found != place.tree:
                changed.add(place.property)
                said += self._files(place, found)
        return Finding(frozenset(changed), _shortened(said))

    def apply(self, old: Values, new: Values) -> Values:  # noqa: ARG002 -- a record keeps nothing of its past
        """Record; a `Commit` delivers."""
        return new

    def read(self, state: Values) -> Values | None:
        """Return the state with the trees that the branch has; gone when it has none of them."""
        there = {place.property: self._repositories.tree(place.repository, place.path) for place in _places(state)}
        if all(tree == EMPTY_TREE for tree in there.values()) and not state.get("removal"):
            return None
        return {**state, **there}

    def _files(self, place: _Place, found: str) -> tuple[str, ...]:
        """Name the files that change; a first delivery changes them all, which needs no list."""
        if self._repositories.snapshot(place.repository).manifest is None:
            return ()
        names = self._repositories.clone(place.repository).changed_files(found, place.tree, SHOWN)
        return tuple(name if name.startswith("...") else f"{name[:2]}{place.path}/{name[2:]}" for name in names)

    def delete(self, state: Values) -> None:
        """Forget; the `Commit` has removed the folders already, or was not asked to."""

    def identity(self, new: Values) -> str:
        """Return the path of the record's first folder."""
        return next(_places(new)).path


class Commit:
    """`Commit`: what a stack owns in one repository, and the only resource that writes."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories

    def find(self, old: Values, new: Values) -> Finding:
        """Report what a delivery would commit, what others changed, and raise what would be refused."""
        comparison = self._compare(old, new)
        for refusal in comparison.refusals:
            raise refusal
        changed = {key for key in ("repository", "stack", "content") if old.get(key) != new[key]} if old else set()
        if comparison:
            changed.add("content")
        return Finding(frozenset(changed), _shortened(_told(comparison)), _shortened(_foreign(comparison.foreign)))

    def apply(self, old: Values, new: Values) -> Values:
        """Deliver the plan, and return what the branch stands at."""
        repository = new["repository"]
        plan, settings = self._repositories.plan(new["plan"]), self._repositories.settings
        delivered = deliver(
            plan,
            self._repositories.clone(repository),
            serial=self._serial(old, repository),
            take_back=self._repositories.take_back,
            adopt=self._repositories.adopt,
            proposal=settings.proposal,
            when=datetime.now(UTC),
        )
        self._repositories.forget(repository)
        _tell_delivered(repository, self._url(repository), delivered)
        return {
            **new,
            "url": self._url(repository),
            "commit": delivered.head or "",
            "serial": delivered.serial,
            "proposed": delivered.proposed,
            "fleet": plan.fleet,
            "schiff": plan.schiff,
            "ledgerSeq": plan.ledger.seq,
            "ledgerDigest": plan.ledger.digest,
        }

    def read(self, state: Values) -> Values | None:
        """Return the state, its content marked where somebody else changed it; gone when nothing is delivered."""
        repository = state["repository"]
        snapshot = self._repositories.snapshot(repository)
        if snapshot.manifest is None and not state.get("proposed"):
            return None
        if foreign(snapshot, self._serial(state, repository)):
            return {**state, "content": "changed outside schiff"}
        return state

    def delete(self, state: Values) -> None:
        """Remove all that the stack owns in one Git commit; the server side refuses while clusters still run."""
        repository = state["repository"]
        ledger = LedgerHead(int(state["ledgerSeq"]), state["ledgerDigest"])
        delivered = destroy(
            state["stack"],
            self._repositories.clone(repository),
            origin=Origin(state["fleet"], state["schiff"], ledger),
            serial=self._serial(state, repository),
            take_back=self._repositories.take_back,
            embedded=self._repositories.is_embedded(repository),
            proposal=self._repositories.settings.proposal,
            when=datetime.now(UTC),
        )
        self._repositories.forget(repository)
        _tell_delivered(repository, self._url(repository), delivered)

    def identity(self, new: Values) -> str:
        """Return the stack and the repository."""
        return f"{new['stack']}/{new['repository']}"

    def _compare(self, old: Values, new: Values) -> Comparison:
        repository = new["repository"]
        return compare(
            self._repositories.plan(new["plan"]),
            self._repositories.snapshot(repository),
            serial=self._serial(old, repository),
            adopt=self._repositories.adopt,
        )

    def _serial(self, state: Values, repository: str) -> int:
        """Return the delivery the state remembers of this very repository: another URL counts for itself."""
        if state.get("url") != self._url(repository) or state.get("proposed"):
            return 0
        return int(state.get("serial") or 0)

    def _url(self, repository: str) -> str:
        return redacted(self._repositories.settings.urls[repository])


def _places(record: Values) -> Iterator[_Place]:
    """Yield the folders of a record: a cluster has one in each repository, a folder lies in the one it names.

    What went to API servers lies in no branch.
    """
    if "repository" in record:
        yield _Place(record["repository"], record["path"], "tree", record["tree"])
        return
    for repository in ("components",) if record.get("delivery") == "direct" else ("definitions", "components"):
        tree = f"{repository}Tree"
        yield _Place(repository, record[f"{repository}Path"], tree, record[tree])


def _told(comparison: Comparison) -> Iterator[str]:
    for step, changes in (("orders", comparison.orders), ("wave", comparison.wave)):
        for change in changes:
            yield f"{step}: {_sign(change)} {change.path}"
    for path in comparison.shared:
        yield f"shared: + {path}"


def _foreign(changes: Iterable[Change]) -> list[str]:
    said = [f"changed by somebody else: {change.path}" for change in changes]
    return [*said, "up stops here until it is told to take this back: schiff up --take-back"] if said else []


def _sign(change: Change) -> str:
    if change.old == EMPTY_TREE:
        return "+"
    return "-" if change.new == EMPTY_TREE else "~"


def _shortened(lines: Iterable[str]) -> tuple[str, ...]:
    """Keep what a person reads: the first lines, and how many more there are."""
    every = tuple(lines)
    if len(every) <= SHOWN:
        return every
    return (*every[: SHOWN - 1], f"... and {len(every) - SHOWN + 1} more")


def _tell_delivered(repository: str, url: str, delivered: Delivered) -> None:
    tell(
        "delivered",
        repository=repository,
        url=url,
        head=delivered.head,
        serial=delivered.serial,
        commits=list(delivered.commits),
        orders=len(delivered.orders),
        wave=len(delivered.wave),
        proposed=delivered.proposed,
    )

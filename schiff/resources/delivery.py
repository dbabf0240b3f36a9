"""Where a stack delivers to, and the two commits that do it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import pulumi

from schiff.checks.immutability import immutability_problems
from schiff.compiler.environment import Repository
from schiff.compiler.file_tree import tree_id
from schiff.delivery.comparison import compare
from schiff.delivery.delivered import LedgerHead, Line
from schiff.delivery.delivered_files import files_below
from schiff.delivery.git_repository import Origin
from schiff.delivery.plan import Plan, save_plan
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.workspace import find_workspace
from schiff.errors import InvalidInput, Problem, Refused
from schiff.git.clone import CachedClone
from schiff.git.fast_import import store_objects
from schiff.resources.commit import Commit
from schiff.resources.provider import Provider
from schiff.resources.wanted import REPOSITORIES, Wanted
from schiff.sources.program import program_version
from schiff.values.urls import without_password

OUTPUT = "schiff_rollout"
NO_LEDGER = LedgerHead()


@dataclass(frozen=True, slots=True)
class Commits:
    """Both commits of a stack."""

    components: Commit
    definitions: Commit


class Delivery:
    """Both repositories of one stack: what stands there, and what is to be there.

    An environment puts what it wants here with `take`; `commit` registers the
    resources that write it, after everything that records it.
    """

    def __init__(
        self,
        stack: str,
        *,
        definitions: str,
        components: str,
        branch: str = "main",
        proposal: bool = False,
        origin: Origin | None = None,
        adopt: bool = False,
    ) -> None:
        self.stack = stack
        self.branch = branch
        self._urls: Mapping[Repository, str] = {
            "definitions": without_password(definitions),
            "components": without_password(components),
        }
        self._proposal = proposal
        self._adopt = adopt
        self._origin = origin or Origin("", program_version(), NO_LEDGER)
        self._workspace = find_workspace(Path.cwd())
        self._plans: dict[Repository, Plan] = {}
        self._recorded: list[pulumi.Resource] = []
        self._protect = False
        self._release = ""

    @cached_property
    def provider(self) -> Provider:
        """The provider that every resource of this stack goes through."""
        return Provider(
            self.stack,
            definitions=self._urls["definitions"],
            components=self._urls["components"],
            branch=self.branch,
            proposal=self._proposal,
        )

    @cached_property
    def snapshots(self) -> Mapping[Repository, Snapshot]:
        """What stands at the head of each branch, fetched when first asked."""
        return {repository: self._look(repository) for repository in REPOSITORIES}

    def delivered(self) -> Mapping[Repository, Iterable[Line]]:
        """Return the lines of this stack's manifests."""
        return {repository: snapshot.lines for repository, snapshot in self.snapshots.items()}

    def take(self, wanted: Mapping[Repository, Wanted], release: str) -> None:
        """Put the wanted content into the cache, and refuse what could not be delivered, before anything is registered.

        The objects have to be there before the first resource is: its
        comparison names the files that change.
        """
        if self._plans:
            raise Refused("a delivery takes one environment; give the second one its own stack", "second-environment")
        self._release = release
        for repository, share in wanted.items():
            self._plans[repository] = self._plan(share)
            for refusal in compare(self._plans[repository], self.snapshots[repository], adopt=self._adopt).refusals:
                raise refusal
        if problems := [problem for share in wanted.values() for problem in self._changed_for_ever(share)]:
            raise InvalidInput(problems)
        for repository, share in wanted.items():
            for content in share.contents:
                store_objects(self.snapshots[repository].clone, {**share.shared, **content})

    def record(self, resource: pulumi.Resource, *, protect: bool) -> None:
        """Note a resource that the commits come after.

        One that is protected protects the commits too: a destroy begins with
        them, and would have emptied the repositories before it met the first.
        """
        self._recorded.append(resource)
        self._protect = self._protect or protect

    def commit(self) -> Commits:
        """Register both commits, components first: what definitions point at has to be there.

        The stack's one output says what was reached. Without a ledger nothing
        was gated, and the output says that too.
        """
        components = self._commit("components", self._recorded)
        definitions = self._commit("definitions", [*self._recorded, components])
        commits = Commits(components, definitions)
        pulumi.export(OUTPUT, self._rollout(commits))
        return commits

    def _commit(self, repository: Repository, after: list[pulumi.Resource]) -> Commit:
        if repository not in self._plans:
            raise Refused(f"{self.stack} has nothing to deliver: make its Environment first", "nothing-wanted")
        plan = self._plans[repository]
        save_plan(plan, self._workspace.cache)
        options = pulumi.ResourceOptions(provider=self.provider, depends_on=after, protect=self._protect or None)
        return Commit(plan, options)

    def _rollout(self, commits: Commits) -> pulumi.Output[str]:
        ledger = self._origin.ledger
        said = {
            "v": 1,
            "stack": self.stack,
            "release": self._release,
            "ledger": asdict(ledger) if ledger.digest else None,
            "gate": "ledger" if ledger.digest else "none",
        }
        heads = pulumi.Output.all(components=commits.components.commit, definitions=commits.definitions.commit)
        return heads.apply(lambda found: json.dumps({**said, "commits": found}, sort_keys=True))

    def _changed_for_ever(self, share: Wanted) -> Iterator[Problem]:
        """Yield what would change and never may, as `schiff check` does.

        The base is what this stack delivered: what somebody else edited since is
        to be taken back, whatever it changed.
        """
        snapshot = self.snapshots[share.repository]
        ours = {line.path: line.tree for line in snapshot.lines if snapshot.tree(line.path) == line.tree}
        changed = [line.path for line in share.wave if ours.get(line.path, line.tree) != line.tree]
        if snapshot.head is None or not changed:
            return
        root = f"cluster-{share.repository}"
        before = files_below(snapshot.clone, snapshot.head, changed)
        after = {f"{path}/{name}": data for path in changed for name, _, data in share.contents[-1][path].blobs()}
        yield from immutability_problems(_texts(root, before), _texts(root, after))

    def _plan(self, share: Wanted) -> Plan:
        return Plan(
            stack=self.stack,
            branch=self.branch,
            repository=share.repository,
            fleet=self._origin.fleet,
            schiff=self._origin.schiff,
            ledger=self._origin.ledger,
            orders=share.orders,
            wave=share.wave,
            shared={path: tree_id(tree) for path, tree in share.shared.items()},
        )

    def _look(self, repository: Repository) -> Snapshot:
        clone = CachedClone(self._workspace.url(self._urls[repository]), self.branch, self._workspace.cache)
        clone.refresh()
        return look(clone, self.stack)


def _texts(root: str, files: Mapping[str, bytes]) -> dict[str, str]:
    return {f"{root}/{path}": content.decode() for path, content in files.items()}

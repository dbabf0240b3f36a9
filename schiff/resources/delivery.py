"""Where a stack delivers to, and the two commits that do it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pulumi

from schiff.checks.immutability import immutability_problems
from schiff.compiler.environment import Repository
from schiff.compiler.file_tree import tree_id
from schiff.delivery.comparison import compare
from schiff.delivery.delivered import LedgerHead, Line
from schiff.delivery.delivered_files import files_below
from schiff.delivery.git_repository import Origin
from schiff.delivery.plan import Plan, save_plan
from schiff.delivery.report import tell
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.wishes import TAKE_BACK, is_wished, wished_cluster
from schiff.delivery.workspace import find_workspace
from schiff.errors import InvalidInput, Problem, Refused
from schiff.git.clone import CachedClone
from schiff.git.fast_import import store_objects
from schiff.resources.chunks import in_chunks
from schiff.resources.commit import Commit
from schiff.resources.direct import Contexts, Direct
from schiff.resources.provider import Provider
from schiff.resources.wanted import REPOSITORIES, Wanted
from schiff.sources.other_versions import OtherVersions
from schiff.sources.plugins import load_parts
from schiff.sources.program import program_version
from schiff.values.urls import without_password

OUTPUT = "schiff_rollout"
NO_LEDGER = LedgerHead()


@dataclass(frozen=True, slots=True)
class Commits:
    """Both commits of a stack; in direct delivery the one of `definitions` writes the record of what was sent."""

    components: Commit
    definitions: Commit


class Delivery:
    """Both repositories of one stack: what stands there, and what is to be there.

    An environment puts what it wants here with `take`; `commit` registers the
    resources that write it, after everything that records it. With a
    `kubeconfig` the objects of `definitions` go straight to API servers.
    `versions` is the folder of wheels of other versions of schiff, which
    compile what runs on their releases.
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
        kubeconfig: str | None = None,
        versions: str = ".schiff/wheels",
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
        self._direct = None if kubeconfig is None else Direct(kubeconfig, self._workspace.root)
        self._wheels = (self._workspace.root / versions).absolute()
        self._plans: dict[Repository, Plan] = {}
        self._recorded: list[pulumi.Resource] = []
        self._protect = False
        self._release = ""

    @property
    def versions(self) -> OtherVersions:
        """The other versions of schiff that compile what runs on their releases."""
        return OtherVersions(self._workspace.programs, self._wheels, self._workspace.cache)

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

    @property
    def is_direct(self) -> bool:
        """Whether the objects of `definitions` go straight to API servers."""
        return self._direct is not None

    @property
    def places(self) -> tuple[str, ...]:
        """Where everything goes: both repositories, and in direct delivery the API servers, once there is a plan."""
        return (*self._urls.values(), *(self._direct.servers if self._direct is not None else ()))

    def take(self, wanted: Mapping[Repository, Wanted], release: str, contexts: Contexts) -> None:
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
        if self._direct is not None:
            self._hold_against_servers(self._direct, wanted["definitions"], contexts)
        if problems := [problem for share in wanted.values() for problem in self._changed_for_ever(share)]:
            raise InvalidInput(problems)
        for repository, share in wanted.items():
            for content in () if self._plans[repository].direct else share.contents:
                store_objects(self.snapshots[repository].clone, {**share.shared, **content})

    def _hold_against_servers(self, direct: Direct, share: Wanted, contexts: Contexts) -> None:
        if wished_cluster():
            message = "the engine would take the objects of all other clusters for removed"
            raise Refused(f"{message}; deliver the whole stack, without --cluster", "whole-stack-only")
        direct.take(share.contents[-1], contexts)
        for refusal in direct.refusals(self.stack, adopt=self._adopt, take_back=is_wished(TAKE_BACK)):
            raise refusal

    def record(self, resource: pulumi.Resource, *, protect: bool) -> None:
        """Note a resource that the commits come after.

        One that is protected protects the commits too: a destroy begins with
        them, and would have emptied the repositories before it met the first.
        """
        self._recorded.append(resource)
        self._protect = self._protect or protect

    def place(self, folder: str, parent: pulumi.Resource, *, protect: bool) -> None:
        """Note where a folder of `definitions` stands in the tree of resources, for objects that are sent."""
        if self._direct is not None:
            self._direct.place(folder, parent, protect=protect)

    def commit(self) -> Commits:
        """Register both commits, components first: what definitions point at has to be there.

        The stack's one output says what was reached. Without a ledger nothing
        was gated, and the output says that too.
        """
        return Commits(*(one for one in self._registered() if isinstance(one, Commit)))

    async def commit_in_chunks(self) -> None:
        """Do what `commit` does, with pauses that keep the engine's memory of open calls small."""
        await in_chunks(self._registered())

    def _registered(self) -> Iterator[pulumi.Resource]:
        """Yield what is registered; the record of what was sent comes after all of it, and goes before any of it."""
        components = self._commit("components", self._recorded)
        yield components
        sent = list(self._recorded)
        if self._direct is not None:
            for item in self._direct.send(components):
                sent.append(item)
                yield item
        definitions = self._commit("definitions", [*sent, components])
        pulumi.export(OUTPUT, self._rollout(Commits(components, definitions)))
        yield definitions

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
            **self._sent(),
        }
        heads = pulumi.Output.all(components=commits.components.commit, definitions=commits.definitions.commit)
        return heads.apply(lambda found: json.dumps({**said, "commits": found}, sort_keys=True))

    def _sent(self) -> dict[str, Any]:
        """Return what direct delivery adds to the output, and what people have to do themselves."""
        if self._direct is None:
            return {}
        said = {"objects": dict(self._direct.objects), "leftOut": list(self._direct.left_out)}
        tell("direct", sent=said)
        if said["leftOut"]:
            pulumi.info(f"not sent, apply them yourself (docs/guide/delivery.md): {', '.join(said['leftOut'])}")
        return {"delivery": "direct", **said}

    def _changed_for_ever(self, share: Wanted) -> Iterator[Problem]:
        """Yield what would change and never may, as `schiff check` does.

        The base is what this stack delivered: what somebody else edited since is
        to be taken back, whatever it changed.
        """
        direct = self._direct if share.repository == "definitions" else None
        before = self._delivered(share) if direct is None else direct.sent_before()
        changed = [line.path for line in share.wave if any(path.startswith(f"{line.path}/") for path in before)]
        after = {f"{path}/{name}": data for path in changed for name, _, data in share.contents[-1][path].blobs()}
        root = f"cluster-{share.repository}"
        yield from immutability_problems(_texts(root, before), _texts(root, after), load_parts().never)

    def _delivered(self, share: Wanted) -> Mapping[str, bytes]:
        """Return the files, as this stack delivered them, of the folders that would change."""
        snapshot = self.snapshots[share.repository]
        ours = {line.path: line.tree for line in snapshot.lines if snapshot.tree(line.path) == line.tree}
        changed = [line.path for line in share.wave if ours.get(line.path, line.tree) != line.tree]
        if snapshot.head is None or not changed:
            return {}
        return files_below(snapshot.clone, snapshot.head, changed)

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
            direct=self.is_direct and share.repository == "definitions",
        )

    def _look(self, repository: Repository) -> Snapshot:
        clone = CachedClone(self._workspace.url(self._urls[repository]), self.branch, self._workspace.cache)
        clone.refresh()
        return look(clone, self.stack)


def _texts(root: str, files: Mapping[str, bytes]) -> dict[str, str]:
    return {f"{root}/{path}": content.decode() for path, content in files.items()}

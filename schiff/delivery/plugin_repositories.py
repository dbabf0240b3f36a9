"""The delivered repositories as the plugin's process sees them: settings, clones, one look at each head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.plan import Plan, load_plan
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.wishes import ADOPT, TAKE_BACK, is_wished
from schiff.delivery.workspace import Workspace, is_embedded
from schiff.errors import Refused
from schiff.git.clone import CachedClone


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The inputs of the one explicit provider resource of a stack, as they lie in state."""

    stack: str
    urls: Mapping[str, str]
    branch: str
    proposal: bool

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, str]) -> ProviderSettings:
        """Read the inputs; a resource that the program gave no provider has none."""
        try:
            return cls(
                stack=inputs["stack"],
                urls={repository: inputs[repository] for repository in ("definitions", "components")},
                branch=inputs["branch"],
                proposal=inputs["proposal"] == "true",
            )
        except KeyError as error:
            message = f"the schiff provider lacks {error.args[0]}: resources of schiff are made through Delivery"
            raise Refused(message, code="no-provider") from None


class Repositories:
    """Clones of both repositories; each is fetched and looked at once, and asked often.

    `take_back` and `adopt` are wishes of one run, and no inputs.
    """

    def __init__(self, settings: ProviderSettings, workspace: Workspace) -> None:
        self.settings = settings
        self.take_back = is_wished(TAKE_BACK)
        self.adopt = is_wished(ADOPT)
        self._workspace = workspace
        self._lock = Lock()
        self._clones: dict[str, CachedClone] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._owned: dict[str, frozenset[str]] = {}

    def clone(self, repository: str) -> CachedClone:
        """Return the cached clone of a repository."""
        if repository not in self._clones:
            url = self._workspace.url(self.settings.urls[repository])
            self._clones[repository] = CachedClone(url, self.settings.branch, self._workspace.cache)
        return self._clones[repository]

    def snapshot(self, repository: str) -> Snapshot:
        """Return what stands at the head of a repository's branch, fetched when first asked."""
        with self._lock:
            if repository not in self._snapshots:
                clone = self.clone(repository)
                clone.refresh()
                found = look(clone, self.settings.stack)
                self._owned[repository] = frozenset(line.path for line in found.lines)
                self._snapshots[repository] = found
            return self._snapshots[repository]

    def tree(self, repository: str, path: str) -> str:
        """Return the tree of a folder at the head; one that this stack does not own is not looked for.

        Owned folders were all looked up at once. Asking Git for each folder of
        a first delivery would cost a process a folder, and `Commit` asks anyway.
        """
        snapshot = self.snapshot(repository)
        return snapshot.tree(path) if path in self._owned[repository] else EMPTY_TREE

    def forget(self, repository: str) -> None:
        """Drop the look at a repository that was just written to."""
        with self._lock:
            self._snapshots.pop(repository, None)

    def plan(self, digest: str) -> Plan:
        """Return the plan that the program wrote into the cache."""
        return load_plan(digest, self._workspace.cache)

    def is_embedded(self, repository: str) -> bool:
        """Whether a repository is one that schiff made for itself on this machine."""
        return is_embedded(self.settings.urls[repository])

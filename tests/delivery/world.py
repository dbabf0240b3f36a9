"""A stack that delivers into a real repository, for tests: what it wants is a mapping from folder to files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schiff.compiler.file_tree import FileTree, tree_id
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.delivery.git_repository import Delivered, Origin, deliver, destroy
from schiff.delivery.plan import Plan
from schiff.git.clone import CachedClone
from schiff.git.fast_import import store_objects
from tests.git.repositories import files

WHEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LEDGER = LedgerHead(3, "sha256:" + "b" * 64)
Wanted = Mapping[str, str]


def a_tree(text: str) -> FileTree:
    """Return a folder whose files hold a text; an empty text gives no files."""
    return FileTree({"cluster.yaml": f"{text}\n", "sub/kustomization.yaml": f"of {text}\n"} if text else {})


def written(wanted: Wanted) -> dict[str, str]:
    """Return the files of some folders."""
    tree = FileTree.joined({path: a_tree(text) for path, text in wanted.items()})
    return {path: str(text) for path, text in tree.items()}


class Stack:
    """One stack on one machine: its own cache, and the serial that its state remembers."""

    def __init__(self, url: str | Path, folder: Path, name: str = "tst") -> None:
        self.name = name
        self.folder = folder
        self.clone = CachedClone(str(url), "main", folder)
        self.serial = 0

    def plan(self, orders: Wanted, wave: Wanted | None = None, shared: Wanted | None = None, **fields: Any) -> Plan:
        """Return a plan; every folder is a cluster's unless its path says otherwise."""
        trees = {path: tree_id(a_tree(text)) for path, text in (shared or {}).items()}
        first = self._lines(orders, **fields)
        then = first if wave is None else self._lines(wave, **fields)
        return Plan(self.name, "main", "components", "f" * 40, "0.1.0", LEDGER, first, then, trees)

    def store(self, *wanted: Wanted | None) -> None:
        """Put the objects of folders into the cache, as the program does."""
        self.clone.refresh()
        for step in wanted:
            store_objects(self.clone, {path: a_tree(text) for path, text in (step or {}).items()})

    def up(self, orders: Wanted, wave: Wanted | None = None, shared: Wanted | None = None, **options: Any) -> Delivered:
        """Deliver like a whole run: objects, then commits and push; the serial is kept as state does."""
        fields = {name: options.pop(name) for name in ("removal", "release") if name in options}
        self.store(orders, wave, shared)
        plan = self.plan(orders, wave, shared, **fields)
        delivered = deliver(plan, self.clone, **{"serial": self.serial, "when": WHEN, **options})
        self.serial = delivered.serial
        return delivered

    def down(self, **options: Any) -> Delivered:
        """Remove everything the stack owns."""
        origin = Origin("f" * 40, "0.1.0", LEDGER)
        return destroy(self.name, self.clone, **{"origin": origin, "serial": self.serial, "when": WHEN, **options})

    def manifest(self, bare: Path) -> DeliveredManifest:
        """Return the manifest as it stands in the repository."""
        return DeliveredManifest.parse(files(bare)[f".schiff/{self.name}.json"])

    def _lines(self, wanted: Wanted, removal: str = "", release: str = "head") -> tuple[Line, ...]:
        return tuple(
            Line(
                path,
                tree_id(a_tree(text)),
                "folder" if "flux" in path else "cluster",
                path,
                release,
                "v1.35.4",
                removal,
            )
            for path, text in wanted.items()
        )


def content(bare: Path) -> dict[str, str]:
    """Return the files of the branch without the manifests."""
    return {path: text for path, text in files(bare).items() if not path.startswith(".schiff/")}

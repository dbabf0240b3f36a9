"""`schiff render`: the files of both repositories, in a folder.

The call `schiff render --fleet DIR --release NAME --out DIR` is frozen: a later
schiff runs an earlier one by it, to compile clusters on a release of that one.
Below the folder lie ``cluster-definitions/`` and ``cluster-components/``, and
``trees.json`` with a line for each folder, in the form of a delivered manifest::

    {"v": 1, "repositories": {"cluster-definitions": [{"path": ..., "tree": ..., ...}], ...}, "shared": {path: tree}}

That call needs no project, ledger or policy. A fleet folder that was made for it
holds `assignments.json` (`schiff.compiler.handover`), which says what exactly is
to be compiled; this program does that itself and calls no other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from schiff.checks.fleet_rules import fleet_problems
from schiff.cli.compiled import Reading
from schiff.cli.options import FleetOption, JsonOption, LedgerOption
from schiff.cli.terminal import say, say_json
from schiff.compiler.environment import CompiledEnvironment, Repository, compile_environment
from schiff.compiler.file_tree import FileTree, tree_id
from schiff.compiler.handover import ASSIGNMENTS_FILE, HandedOver
from schiff.errors import Failed, InvalidInput, Place, Problem, Refused
from schiff.layers.resolve import resolve_environment
from schiff.model.fleet import Fleet, SharedLayers
from schiff.model.release import Assignment, Assignments
from schiff.model.resolved import ResolvedEnvironment
from schiff.sources.compiling import compile_by_version
from schiff.sources.fleet_files import load_fleet
from schiff.sources.plugins import load_parts
from schiff.sources.rendered import FOLDERS, TREES
from schiff.values.names import ENVIRONMENTS

HELP = """\
Example: schiff render --fleet stacks/fleet -e prd --out /tmp/prd

Write the files of both repositories below a folder, with trees.json: the Git tree of every folder. Equal fleet and
ledger give equal bytes, everywhere and at any time. With --release, all clusters are compiled on that release, whatever
the ledger says. The folder is made, or must be empty or one that render wrote before.
"""


def render(  # noqa: PLR0917 -- typer reads options from parameters
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    environment: Annotated[str, typer.Option("-e", "--environment", help="tst, ref or prd.")] = "",
    fleet: FleetOption = None,
    release: Annotated[str, typer.Option("--release", help="Compile all clusters on this release.")] = "",
    ledger: LedgerOption = "",
    as_json: JsonOption = False,
) -> None:
    """Compile and write."""
    _require_ours(out)
    if release and fleet is not None and (fleet / ASSIGNMENTS_FILE).is_file():
        rendered = Rendered.of([_handed_over(fleet, release)])
    else:
        reading = Reading.of(environment or ENVIRONMENTS[0], fleet, ledger)
        rendered = Rendered.of(_every(reading, environment, release, quiet=as_json))
    rendered.write(out)
    if as_json:
        say_json({"out": str(out), **rendered.trees()})
    else:
        say(f"{rendered.count} files in {out}; their trees are in {out / TREES}")


def _every(reading: Reading, environment: str, release: str, *, quiet: bool) -> Iterator[CompiledEnvironment]:
    """Give what one environment delivers, or on a release all three."""
    for name in [environment] if environment or not release else ENVIRONMENTS:
        assigned, from_ledger = (_all_on(reading.fleet, name, release), True) if release else reading.assigned(name)
        yield compile_by_version(_resolved(reading.fleet, name, assigned), load_parts(), reading.versions)
        if not from_ledger and not quiet:
            say(f"{name} has no ledger yet: this is what its beginning would deliver")


def _handed_over(folder: Path, release: str) -> CompiledEnvironment:
    """Return what another version of schiff asks this one to compile; rules between clusters are its own to judge."""
    fleet = load_fleet(folder)
    told = HandedOver.parse((folder / ASSIGNMENTS_FILE).read_bytes(), _layers(fleet, release).digest)
    return compile_environment(
        resolve_environment(fleet, told.environment, told.assignments), load_parts(), told.listed
    )


@dataclass(frozen=True, slots=True)
class Rendered:
    """Both repositories as files, and the lines that tell of them."""

    files: Mapping[str, FileTree]
    lines: Mapping[str, list[dict[str, str]]]
    shared: Mapping[str, str]

    @classmethod
    def of(cls, compiled: Iterable[CompiledEnvironment]) -> Rendered:
        """Return everything that some environments deliver."""
        environments = list(compiled)
        shared = {str(path): tree for each in environments for path, tree in each.shared.items()}
        folders = {name: _folders(environments, repository) for repository, name in FOLDERS.items()}
        files = {name: {line["path"]: tree for line, tree in found} for name, found in folders.items()}
        files["cluster-components"] |= shared
        return cls(
            files={name: FileTree.joined(trees) for name, trees in files.items()},
            lines={name: [line for line, _ in found] for name, found in folders.items()},
            shared={path: tree_id(tree) for path, tree in sorted(shared.items())},
        )

    @property
    def count(self) -> int:
        """How many files there are."""
        return sum(map(len, self.files.values()))

    def trees(self) -> dict[str, Any]:
        """Return what `trees.json` says."""
        return {"v": 1, "repositories": dict(sorted(self.lines.items())), "shared": dict(self.shared)}

    def write(self, out: Path) -> None:
        """Write the files in place of what an earlier run wrote; `trees.json` is the last."""
        try:
            (out / TREES).unlink(missing_ok=True)
            for name, files in self.files.items():
                shutil.rmtree(out / name, ignore_errors=True)
                _write(out / name, files)
            (out / TREES).write_text(json.dumps(self.trees(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise Failed(f"{error.filename or out} cannot be written: {error.strerror}") from error


def _folders(
    environments: Iterable[CompiledEnvironment], repository: Repository
) -> list[tuple[dict[str, str], FileTree]]:
    found = (folder for each in environments for folder in each.folders if folder.repository == repository)
    lines = [
        (
            {
                "path": str(folder.path),
                "tree": tree_id(folder.files),
                "kind": folder.kind,
                "name": folder.name,
                "release": folder.release,
                "kubernetes": folder.kubernetes,
                "removal": folder.removal or "",
            },
            folder.files,
        )
        for folder in found
    ]
    return sorted(lines, key=lambda pair: pair[0]["path"])


def _write(folder: Path, files: FileTree) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for blob in files.blobs():
        path = folder / blob.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(blob.data)


def _resolved(fleet: Fleet, environment: str, assigned: Assignments) -> ResolvedEnvironment:
    resolved = resolve_environment(fleet, environment, assigned)
    if problems := list(fleet_problems(resolved)):
        raise InvalidInput(problems)
    return resolved


def _layers(fleet: Fleet, release: str) -> SharedLayers:
    layers = fleet.release_named(release)
    if layers is None:
        known = ", ".join(sorted(found.release.name for found in fleet.releases.values())) or "none"
        raise InvalidInput(
            [Problem(Place("--release"), "", f"the fleet has no release {release!r}", f"it has {known}")]
        )
    return layers


def _all_on(fleet: Fleet, environment: str, release: str) -> Assignments:
    layers = _layers(fleet, release)
    runs = Assignment(layers.digest, layers.release.kubernetes.version)
    ordered = [key for key, order in fleet.orders.items() if order.document.data.get("environment") == environment]
    serving = [name for name, cluster in fleet.management_clusters.items() if environment in cluster.spec.environments]
    return Assignments(dict.fromkeys(sorted(ordered), runs), dict.fromkeys(sorted(serving), runs))


def _require_ours(out: Path) -> None:
    """Refuse a folder that holds anything render did not write."""
    if not out.exists():
        return
    there = set(_names(out))
    if there - {TREES, *FOLDERS.values()} or (there and TREES not in there):
        raise Refused(f"{out} holds what render did not write; name an empty folder or a new one", "not-ours")


def _names(out: Path) -> Iterator[str]:
    try:
        yield from (path.name for path in out.iterdir())
    except OSError as error:
        raise Failed(f"{out} cannot be read: {error.strerror}") from error

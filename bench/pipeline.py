"""From documents to Git objects, schiff's way or the yardstick's; one process measures one of them once.

    python -m bench.pipeline schiff COUNT written|read|unchecked
    python -m bench.pipeline yardstick COUNT RUNS

How objects meet their schemas: `written` holds each object against its schema
when it is written, `read` reads the finished texts back as `schiff check` does,
`unchecked` leaves it out, as `schiff up` does.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import yardstick
from bench.fleets import ENVIRONMENT, FleetDocuments, on_head
from bench.measure import Steps, folder_in_memory, on_one_core, peak_mib
from schiff.checks.compiled import is_manifest, object_count
from schiff.checks.documents import KubernetesObject, read_objects
from schiff.checks.fleet_rules import fleet_problems
from schiff.checks.schemas import SchemaSet, schema_problems
from schiff.compiler.environment import CompiledEnvironment, Repository, compile_environment
from schiff.compiler.file_tree import Content, FileTree
from schiff.errors import InvalidInput, Problem
from schiff.git.clone import CachedClone
from schiff.git.fast_import import store_objects
from schiff.git.process import run_git
from schiff.git.repository import ensure_bare
from schiff.layers.resolve import resolve_environment
from schiff.manifests import yaml as emitter
from schiff.manifests.manifest import Manifest
from schiff.sources.plugins import load_parts
from schiff.sources.schemas import load_schemas

REPOSITORIES: tuple[Repository, ...] = ("components", "definitions")
Objects = Iterable[Manifest | Mapping[str, Any]]


def compiled(steps: Steps, described: FleetDocuments) -> CompiledEnvironment:
    """Take the steps from documents to files."""
    parts = load_parts()
    with steps.step("typed"):
        fleet = described.fleet()
    with steps.step("resolved"):
        resolved = resolve_environment(fleet, ENVIRONMENT, on_head(fleet))
    with steps.step("rules between clusters"):
        require_none(fleet_problems(resolved))
    with steps.step("compiled"):
        return compile_environment(resolved, parts)


def trees_of(environment: CompiledEnvironment, repository: Repository) -> dict[str, FileTree]:
    """Return what goes into one repository, by folder."""
    own = {str(folder.path): folder.files for folder in environment.folders if folder.repository == repository}
    shared = {str(path): tree for path, tree in environment.shared.items()} if repository == "components" else {}
    return {**own, **shared}


def files_of(environment: CompiledEnvironment, repository: Repository) -> dict[str, Content]:
    """Return the same by the path of each file."""
    trees = trees_of(environment, repository)
    return {f"{folder}/{path}": content for folder, tree in trees.items() for path, content in tree.items()}


def require_none(problems: Iterable[Problem]) -> None:
    """Stop a measurement of something that is wrong."""
    if found := list(problems):
        raise InvalidInput(found)


def parsed(files: Mapping[str, Content]) -> dict[str, list[KubernetesObject]]:
    """Read texts back as `schiff check` does; what passes through byte for byte is no text of ours."""
    texts = {path: text for path, text in files.items() if isinstance(text, str) and is_manifest(path)}
    return {path: read_objects(path, text)[0] for path, text in texts.items()}


# --- schiff


def measure_schiff(count: int, way: str, work: Path) -> dict[str, Any]:
    """Take every step once, from documents to two repositories, and say what came out."""
    described, schemas, steps = FleetDocuments(count), load_schemas(), Steps()
    with _watching(steps, schemas) if way == "written" else _unwatched():
        environment = compiled(steps, described)
    if way == "written":
        steps.seconds["compiled"] -= steps.seconds["schemas"]
        steps.wall["compiled"] -= steps.wall["schemas"]
    if way == "read":
        files = {path: text for each in REPOSITORIES for path, text in files_of(environment, each).items()}
        with steps.step("read back"):
            objects = [item for found in parsed(files).values() for item in found]
        with steps.step("schemas"):
            require_none(schema_problems(objects, schemas))
        del objects
    stored = {repository: _stored(environment, repository, work, steps) for repository in REPOSITORIES}
    peak = peak_mib()
    files = {path: text for each in REPOSITORIES for path, text in files_of(environment, each).items()}
    counted = {
        "clusters": count,
        "objects": object_count(files.values()),
        "files": len(files),
        "megabytes": round(sum(map(len, files.values())) / 1e6, 1),
    }
    return {**steps.as_dict(), **counted, "peak": peak, "trees": stored}


def _stored(environment: CompiledEnvironment, repository: Repository, work: Path, steps: Steps) -> str:
    clone = CachedClone(str(work / f"{repository}.git"), "main", work)
    with clone.locked():
        pass  # makes the clone, which a machine does once
    trees = trees_of(environment, repository)
    with steps.step("Git objects"):
        store_objects(clone, trees)
    return clone.resolve("refs/schiff/objects^{tree}") or ""


@contextmanager
def _unwatched() -> Iterator[None]:
    yield


@contextmanager
def _watching(steps: Steps, schemas: SchemaSet) -> Iterator[None]:
    """Hold every object against its schema at the moment it is written, without keeping it.

    No command of schiff works so; this shows what it would cost.
    """
    write = emitter.to_yaml

    def seen(objects: Objects) -> str:
        items = [item.as_dict() if isinstance(item, Manifest) else item for item in objects]
        text = write(items)
        with steps.step("schemas"):
            whole = [KubernetesObject("written", _plain(item)) for item in items if _is_object(item)]
            require_none(schema_problems(whole, schemas))
        return text

    with _in_place_of(write, seen):
        yield


@contextmanager
def _in_place_of(old: Callable[[Objects], str], new: Callable[[Objects], str]) -> Iterator[None]:
    places = [each for name, each in sys.modules.items() if name.startswith("schiff.") and hasattr(each, "to_yaml")]
    for place in places:
        place.to_yaml = new  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for place in places:
            place.to_yaml = old  # type: ignore[attr-defined]


def _is_object(item: Mapping[str, Any]) -> bool:
    """Return whether what is written is an object, and no patch or a program's settings inside of one."""
    return "apiVersion" in item and "$patch" not in item


def _plain(value: Any) -> Any:
    """Return a value without read-only maps, which the checker of schemas does not take."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


# --- the yardstick


def measure_yardstick(count: int, runs: int, work: Path) -> dict[str, Any]:
    """Bring the same objects from ready dicts into two repositories, several times."""
    environment = compiled(Steps(), FleetDocuments(count))
    ready = {repository: _ready(files_of(environment, repository)) for repository in REPOSITORIES}
    del environment
    gc.collect()
    gc.freeze()
    measured: list[dict[str, Any]] = []
    trees: dict[str, str] = {}
    for run in range(runs):
        steps = Steps()
        for repository, files in ready.items():
            folder = work / f"yardstick-{run}-{repository}.git"
            ensure_bare(folder)
            with steps.step("Git objects"):
                yardstick.into_git(files, folder)
            trees[repository] = run_git("rev-parse", "main^{tree}", folder=folder).decode().strip()
        measured.append(steps.as_dict())
    return {"runs": measured, "trees": trees}


def _ready(files: Mapping[str, Content]) -> dict[str, yardstick.Ready]:
    """Return the files as dicts; what passes through byte for byte stays bytes."""
    objects = parsed(files)
    return {
        path: [dict(item.data) for item in objects[path]] if path in objects else _bytes(content)
        for path, content in files.items()
    }


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["schiff", "yardstick"])
    parser.add_argument("count", type=int)
    parser.add_argument("way")
    asked = parser.parse_args()
    on_one_core()
    with folder_in_memory() as work:
        if asked.what == "schiff":
            measured = measure_schiff(asked.count, asked.way, work)
        else:
            measured = measure_yardstick(asked.count, int(asked.way), work)
    print(json.dumps(measured))


if __name__ == "__main__":
    main()

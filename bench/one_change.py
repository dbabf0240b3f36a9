"""One changed order in a large fleet, from its file to a Git commit, without the engine; nothing is remembered yet.

    python -m bench.one_change FLEET WORK

A run reads the whole fleet, compiles it and delivers what differs from the
branches in WORK: the first run everything, one after a change that change.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.fleets import ENVIRONMENT, on_head
from bench.measure import Steps, on_one_core, peak_mib, processor_seconds
from bench.pipeline import REPOSITORIES, require_none, trees_of
from schiff.checks.fleet_rules import fleet_problems
from schiff.compiler.environment import CompiledEnvironment, Repository, compile_environment
from schiff.compiler.file_tree import tree_id
from schiff.delivery.delivered import LedgerHead, Line
from schiff.delivery.git_repository import deliver
from schiff.delivery.plan import Plan
from schiff.git.clone import CachedClone
from schiff.git.fast_import import store_objects
from schiff.git.repository import ensure_bare
from schiff.layers.resolve import resolve_environment
from schiff.sources.fleet_files import load_fleet
from schiff.sources.plugins import load_parts

_WHEN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def measure(folder: Path, work: Path) -> dict[str, Any]:
    """Bring both branches to what the fleet in `folder` says, and tell the seconds of each step."""
    steps = Steps()
    steps.seconds["start of Python"] = processor_seconds()
    with steps.step("files read and typed"):
        fleet = load_fleet(folder)
    with steps.step("resolved"):
        resolved = resolve_environment(fleet, ENVIRONMENT, on_head(fleet))
        require_none(fleet_problems(resolved))
    with steps.step("compiled"):
        environment = compile_environment(resolved, load_parts())
    commits = [commit for each in REPOSITORIES for commit in _delivered(environment, each, work, steps)]
    return {**steps.as_dict(), "commits": len(commits), "peak": peak_mib()}


def _delivered(environment: CompiledEnvironment, repository: Repository, work: Path, steps: Steps) -> tuple[str, ...]:
    url = ensure_bare(work / f"{repository}.git")
    clone = CachedClone(url, "main", work / "cache")
    with steps.step("compared and committed"):
        clone.refresh()
        store_objects(clone, trees_of(environment, repository))
        return deliver(_plan(environment, repository), clone, when=_WHEN).commits


def _plan(environment: CompiledEnvironment, repository: Repository) -> Plan:
    lines = tuple(
        Line(str(each.path), tree_id(each.files), each.kind, each.name, each.release, each.kubernetes)
        for each in environment.folders
        if each.repository == repository
    )
    shared = {str(path): tree_id(tree) for path, tree in environment.shared.items()}
    return Plan(
        stack=ENVIRONMENT,
        branch="main",
        repository=repository,
        fleet="",
        schiff="",
        ledger=LedgerHead(),
        orders=lines,
        wave=lines,
        shared=shared if repository == "components" else {},
    )


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("fleet", type=Path)
    parser.add_argument("work", type=Path)
    asked = parser.parse_args()
    on_one_core()
    print(json.dumps(measure(asked.fleet, asked.work)))


if __name__ == "__main__":
    main()

"""Equal ledger and fleet give equal bytes, on every machine and at any time (I22): its settings are no input."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import pytest

from schiff.compiler.environment import compile_environment
from schiff.compiler.file_tree import tree_id
from schiff.layers.assemble import assemble
from schiff.layers.resolve import resolve_environment
from schiff.rollout.assignments import assignments
from schiff.rollout.genesis import with_genesis
from schiff.rollout.ledger import Ledger
from schiff.sources.fleet_files import FleetFiles, read_folder
from schiff.sources.plugins import load_parts
from schiff.values.names import ENVIRONMENTS, Environment

T = TypeVar("T")
FLEET = Path(__file__).parents[2] / "stacks" / "fleet"
MACHINES: tuple[Mapping[str, str], ...] = (
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "LANG": "C", "TZ": "UTC", "umask": "022"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati", "umask": "077", "COLUMNS": "20"},
    {
        "PYTHONHASHSEED": "4294967295",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "POSIX",
        "TZ": "America/St_Johns",
        "umask": "002",
    },
)


def rendered(out: Path, machine: Mapping[str, str], *more: str, fleet: Path = FLEET) -> dict[str, bytes]:
    """Return the files that the program writes on a machine set up like this, run far from the project."""
    given = {name: value for name, value in machine.items() if name != "umask"}
    env = {"PATH": os.environ["PATH"], "HOME": str(out.parent), **given}
    command = [f"{Path(sys.executable).parent}/schiff", "render", "--fleet", str(fleet), "--out", str(out), *more]
    ended = subprocess.run(
        command, cwd=out.parent, env=env, umask=int(machine.get("umask", "022"), 8),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_hash_seeds_locales_time_zones_and_umasks_change_no_byte(environment: str, tmp_path: Path) -> None:
    first, *others = (
        rendered(tmp_path / str(number), machine, "-e", environment) for number, machine in enumerate(MACHINES)
    )
    assert len(first) > 100
    assert all(other == first for other in others)


def test_the_ids_of_trees_are_those_git_gives_to_the_files(tmp_path: Path) -> None:
    files = rendered(tmp_path / "out", MACHINES[1], "-e", "prd")
    trees = json.loads(files["trees.json"])
    git = {"GIT_DIR": str(tmp_path / "git"), "GIT_INDEX_FILE": str(tmp_path / "index"), "PATH": os.environ["PATH"]}
    for repository, folders in trees["repositories"].items():
        root = tmp_path / "out" / repository
        for path in root.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for call in (["init", "-q", "--bare", git["GIT_DIR"]], ["--work-tree", str(root), "add", "--all"]):
            subprocess.run(["git", *call], cwd=root, env=git, check=True, capture_output=True)
        tree = subprocess.check_output(["git", "write-tree"], cwd=root, env=git, text=True).strip()
        for folder in folders:
            name = f"{tree}:{folder['path']}"
            assert subprocess.check_output(["git", "rev-parse", name], env=git, text=True).strip() == folder["tree"]
        shutil.rmtree(git["GIT_DIR"])
        (tmp_path / "index").unlink()


def test_what_was_rendered_before_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "out"
    rendered(out, MACHINES[0], "-e", "tst")
    assert rendered(out, MACHINES[0], "-e", "ref") == rendered(tmp_path / "fresh", MACHINES[0], "-e", "ref")


def test_files_are_readable_by_whoever_the_umask_lets(tmp_path: Path) -> None:
    rendered(tmp_path / "out", MACHINES[1], "-e", "ref")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_the_order_in_which_a_disk_lists_files_changes_no_byte(tmp_path: Path) -> None:
    """Copied backwards, most file systems list the entries of a folder in another order."""
    fleet = tmp_path / "fleet"
    for path in sorted(FLEET.rglob("*"), reverse=True):
        if path.is_file():
            there = fleet / path.relative_to(FLEET)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)
            os.utime(there, (0, 0))
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert rendered(ours, MACHINES[0], "-e", "tst") == rendered(theirs, MACHINES[0], "-e", "tst", fleet=fleet)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_documents_may_be_given_in_any_order(environment: Environment) -> None:
    files = read_folder(FLEET)
    orders = (files, FleetFiles(_reversed(files.documents), _reversed(files.secrets), _reversed(files.vendored)))
    one, other = (_trees(given, environment) for given in orders)
    assert one == other


def _reversed(given: Mapping[str, T]) -> dict[str, T]:
    return dict(reversed(list(given.items())))


def _trees(files: FleetFiles, environment: Environment) -> list[tuple[str, str]]:
    fleet = assemble(files.documents, files.secrets, files.vendored)
    assigned = assignments(with_genesis(Ledger.empty(environment), fleet), fleet, environment)
    compiled = compile_environment(resolve_environment(fleet, environment, assigned), load_parts())
    return [(str(folder.path), tree_id(folder.files)) for folder in compiled.folders]

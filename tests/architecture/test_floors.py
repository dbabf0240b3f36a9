"""The rules of the building, read from the syntax trees."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "schiff"
PURE = (
    "values",
    "model",
    "layers",
    "manifests",
    "providers",
    "components",
    "compiler",
    "rollout",
    "checks",
)
WORLDLY = {
    "asyncio", "http", "importlib", "io", "os", "random", "requests", "secrets", "shutil", "signal", "socket",
    "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
WORLDLY_CALLS = {"open", "input", "print", "now", "today", "utcnow", "read_text", "read_bytes", "write_text", "getenv"}


def _modules(*rooms: str) -> Iterator[Path]:
    yield PACKAGE / "errors.py"
    for room in rooms:
        yield from sorted((PACKAGE / room).rglob("*.py"))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name


@pytest.mark.parametrize("module", [*_modules(*PURE)], ids=lambda path: str(path.relative_to(PACKAGE)))
def test_floors_below_git_touch_nothing_of_the_world(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    imports = {name.split(".")[0] for name in _imported(tree)} & WORLDLY
    calls = set(_called(tree)) & WORLDLY_CALLS
    assert not imports, f"imports {sorted(imports)}"
    assert not calls, f"calls {sorted(calls)}"


def test_the_purity_test_sees_what_it_looks_for() -> None:
    tree = ast.parse("import os.path\nfrom time import time\nopen('x')\npath.read_text()")
    assert {name.split(".")[0] for name in _imported(tree)} & WORLDLY == {"os", "time"}
    assert set(_called(tree)) & WORLDLY_CALLS == {"open", "read_text"}


def test_no_module_hides_a_cycle_behind_type_checking() -> None:
    hidden = [path for path in PACKAGE.rglob("*.py") if "TYPE_CHECKING" in path.read_text(encoding="utf-8")]
    assert not hidden


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "base", "manager"}
    assert not [path for path in PACKAGE.rglob("*.py") if path.stem in drawers]


def test_importing_schiff_and_its_pure_rooms_never_imports_pulumi() -> None:
    rooms = ", ".join(f"schiff.{room}" for room in (*PURE, "git", "sources"))
    code = f"import sys, schiff, {rooms}; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_floors_hold() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout

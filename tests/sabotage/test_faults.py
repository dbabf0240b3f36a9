"""Sabotage: every one-line fault in gate, soak, waves, ledger, skew or hold turns at least one test red.

A copy of the package is patched, one fault at a time, and the tests that stand
beside the module run against it. What they say is printed in the run's summary.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sabotage.faults import FAULTS, Fault

ROOT = Path(__file__).parents[2]
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_AT_LEAST = 30


def _copy(folder: Path) -> Path:
    """Lay a copy of the package into a folder, with the tests beside it."""
    shutil.copytree(ROOT / "schiff", folder / "schiff", ignore=shutil.ignore_patterns("__pycache__", "data"))
    if (ROOT / "schiff/data").exists():
        (folder / "schiff/data").symlink_to(ROOT / "schiff/data")
    (folder / "tests").symlink_to(ROOT / "tests")
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\npythonpath = .\n")
    return folder


@contextmanager
def _patched(folder: Path, fault: Fault) -> Iterator[None]:
    """Make one module wrong, and right again."""
    path = folder / "schiff/rollout" / f"{fault.module}.py"
    right = path.read_text()
    assert right.count(fault.old) == 1, f"{fault.module}: {fault.old!r} stands there {right.count(fault.old)} times"
    path.write_text(right.replace(fault.old, fault.new))
    for compiled in path.parent.glob(f"__pycache__/{fault.module}.*.pyc"):
        compiled.unlink()
    yield
    path.write_text(right)
    for compiled in path.parent.glob(f"__pycache__/{fault.module}.*.pyc"):
        compiled.unlink()


def _first_red(folder: Path, modules: tuple[str, ...]) -> str | None:
    """Return the first test that fails, by its name; None when all pass."""
    options = ("-x", "-q", "--no-header", "--tb=no", "--noconftest", "-p", "no:xdist", "-p", "no:cacheprovider")
    files = [f"tests/rollout/{module}.py" for module in modules]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", "pytest.ini", *options, "-rfE", *files],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return None
    found = _FAILED.search(ended.stdout)
    assert found is not None, f"pytest ended without naming a test:\n{ended.stdout}{ended.stderr}"
    return found[1].rpartition("/")[2]


def test_every_fault_turns_a_test_red(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    folder = _copy(tmp_path)
    everybody = tuple(sorted({module for fault in FAULTS for module in fault.tests}))
    assert _first_red(folder, everybody) is None, "the copy itself must be green"
    red: dict[Fault, str | None] = {}
    for fault in FAULTS:
        with _patched(folder, fault):
            red[fault] = _first_red(folder, fault.tests)
    pairs = [
        f"  {one.module}: {one.new.strip() or f'without {one.old.strip()}'} -> {test}" for one, test in red.items()
    ]
    record_property("summary", "\n".join((f"sabotage: {len(red)} faults", *pairs)))
    assert [f"{one.module}: {one.new.strip()}" for one, test in red.items() if test is None] == []
    assert len(red) >= _AT_LEAST

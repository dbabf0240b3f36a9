"""The README is true: its tour runs in a clean clone, and its listings are the files they show."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.bed import checkout
from tests.bed.checkout import run
from tests.cli.command_lines import parse
from tools.parts import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "custom-stack" / "__main__.py"


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def tour() -> list[str]:
    """Return what the tour types, line by line."""
    return [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]


@pytest.fixture
def clone(tmp_path: Path, bin_dir: Path) -> Path:
    """Return a clean clone of HEAD."""
    assert (bin_dir / "pulumi").exists()
    return checkout.clone(tmp_path / "schiff")


def test_the_tour_runs_in_a_clean_clone_and_leaves_it_clean(clone: Path) -> None:
    script = "\n".join(f"echo '+ line {number}' >&2\n{line}" for number, line in enumerate(tour(), start=1))
    ended = run("bash", "-e", "-c", script, folder=clone)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, f"the last line begun, of {tour()}, failed:\n{said}"
    assert run("git", "status", "--porcelain", folder=clone).stdout == ""
    assert "customer-c-1" in ended.stdout


def test_the_tour_begins_with_one_command_and_goes_through_schiff_and_plain_pulumi() -> None:
    lines = tour()
    assert lines[0] == "make up"
    assert [line for line in lines if line.startswith("pulumi preview")]
    assert [parse(line) for line in lines if line.startswith("schiff ")]


def test_the_listed_program_is_the_example_that_the_tests_deliver_with() -> None:
    program = EXAMPLE.read_text(encoding="utf-8").partition("from __future__ import annotations\n\n")[2]
    assert blocks("python") == [program]


def test_the_listed_order_is_the_file_it_names() -> None:
    [order] = blocks("yaml")
    [path] = set(re.findall(r"`(stacks/fleet/sites/[^`]+\.yaml)`", README))
    assert order == (ROOT / path).read_text(encoding="utf-8")


def test_the_first_lines_name_all_that_a_fresh_machine_needs() -> None:
    first = README.partition("## ")[0]
    assert [word for word in ("Debian", "Ubuntu", "Python", "git", "make") if word not in first] == []
    oldest = re.search(r'requires-python = ">=([0-9.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert oldest is not None
    assert f"Python >= {oldest[1]}" in first
    assert shutil.which("make")

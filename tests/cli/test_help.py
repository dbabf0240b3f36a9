"""Help pages: each starts with an example, the example is a command line that parses, and no page changes unseen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer
from typer.testing import CliRunner

from schiff.cli.app import app
from tests.cli.command_lines import commands, parse

EVERY = commands()
RUNNABLE = [name for name, command in EVERY.items() if not hasattr(command, "commands")]
EXAMPLE = "Example: "


def page(name: str) -> str:
    _, *words = name.split()
    shown = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).invoke(app, [*words, "--help"], prog_name="schiff")
    assert shown.exit_code == 0, shown.output
    return shown.output


@pytest.mark.parametrize("name", EVERY)
def test_a_help_page_is_as_it_was_reviewed(name: str, assert_golden: Callable[[str, str], None]) -> None:
    assert_golden(f"help/{name.replace(' ', '-')}.txt", page(name))


@pytest.mark.parametrize("name", EVERY)
def test_a_help_page_starts_with_an_example_of_its_own_command(name: str) -> None:
    first, *_ = (EVERY[name].help or "").splitlines()
    assert first.startswith(f"{EXAMPLE}{name} ")


@pytest.mark.parametrize("name", EVERY)
def test_the_example_of_a_help_page_parses(name: str) -> None:
    first, *_ = EVERY[name].help.splitlines()
    assert parse(first.removeprefix(EXAMPLE))


@pytest.mark.parametrize("name", RUNNABLE)
def test_every_command_answers_in_json_on_demand(name: str) -> None:
    assert "--json" in page(name)


def test_a_command_line_that_is_wrong_does_not_parse() -> None:
    with pytest.raises(typer.TyperException):
        parse("schiff up --enviroment tst")
    with pytest.raises(AssertionError):
        parse("schiff release")


def test_no_golden_page_outlives_its_command(request: pytest.FixtureRequest) -> None:
    kept = {path.stem for path in (request.config.rootpath / "tests" / "golden" / "help").glob("*.txt")}
    assert kept == {name.replace(" ", "-") for name in EVERY}

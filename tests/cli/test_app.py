"""The command as a whole: help, errors and statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from schiff.cli.app import app, run
from schiff.errors import Conflict, Failed, Refused, SchiffError, Tampered, Waiting


def commands() -> Iterator[list[str]]:
    """Yield every command with its words."""
    for command in app.registered_commands:
        yield [str(command.name)]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from ([str(group.name), str(command.name)] for command in group.typer_instance.registered_commands)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_help_page_starts_with_an_example_of_the_command(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--help"]) == 0
    usage, example = [part.strip() for part in capsys.readouterr().out.strip().split("\n\n")[:2]]
    assert usage.startswith(f"Usage: schiff {' '.join(words)}")
    assert example.startswith(f"Example: schiff {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_speaks_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run([*words, "--help"])
    assert "--json" in capsys.readouterr().out


def test_without_a_command_the_list_of_commands_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["uo"], "schiff: no such command 'uo'; see schiff --help"),
        (["render"], "schiff render: missing option '--out'; see schiff render --help"),
        (["up"], "--environment: no environment is named; name one of tst, ref, prd"),
        (["up", "-e", "dev"], "--environment: 'dev' is not an environment; name one of tst, ref, prd"),
    ],
)
def test_a_mistake_on_the_command_line_is_bad_input(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert capsys.readouterr().err.strip() == sentence


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Failed("x"), 1),
        (Waiting("x", "not-soaked"), 10),
        (Refused("x", "blast-radius"), 11),
        (Tampered("x"), 16),
        (Conflict("x"), 17),
    ],
)
def test_every_error_ends_with_its_status_and_says_its_code(
    error: SchiffError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("schiff.cli.app.app", _raising(error))
    assert run(["up", "--json"]) == status
    answer = json.loads(capsys.readouterr().out)
    assert (answer["status"], answer["code"], answer["message"]) == (status, error.code, "x")


def test_a_full_disk_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("schiff.cli.app.app", _raising(OSError(28, "No space left on device")))
    assert run(["up"]) == 1
    assert capsys.readouterr().err.strip() == "the disk is full; nothing is lost, free some space and run it again"


def test_stopping_by_hand_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("schiff.cli.app.app", _raising(KeyboardInterrupt()))
    assert run(["up"]) == 130
    assert "stopped" in capsys.readouterr().err


def _raising(error: BaseException) -> object:
    def command(**_: object) -> None:
        raise error

    return command


def test_a_mistake_in_schiff_itself_has_a_code_and_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashes(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("schiff.cli.app.app", crashes)
    assert run(["check", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["code"] == "error"
    assert "ZeroDivisionError" in said.err

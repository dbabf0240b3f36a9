"""`schiff up`: what it says at the end, and what the engine's failures become."""

from __future__ import annotations

from typing import Any

import pytest

from schiff.cli.engine import Ended, translated
from schiff.cli.up import sentences, summary
from schiff.delivery.stack import StackName, StackSettings
from schiff.errors import Conflict, Failed, InvalidInput, Refused, SchiffError, Waiting

SETTINGS = StackSettings.parse({}, "Pulumi.tst.yaml")


def a_run(*more: dict[str, Any]) -> dict[str, Any]:
    heads = {"definitions": "d" * 40, "components": "c" * 40}
    figures = {"kind": "figures", "stack": "tst", "heads": heads, "clusters": 5, "objects": 429, "files": 295}
    answer = summary(StackName("tst"), SETTINGS, Ended("", [figures, *more]))
    return {**answer, "removalsBegun": []}


def delivered(**said: Any) -> dict[str, Any]:
    what = {"commits": ["e" * 40], "head": "e" * 40, "orders": 3, "wave": 0, "proposed": False}
    return {"kind": "delivered", "repository": "definitions", "url": "u", "serial": 2, **what, **said}


def test_the_end_says_how_much_stands_where_and_what_to_run_next() -> None:
    assert [" ".join(line.split()) for line in sentences(a_run(delivered(wave=2))).splitlines()] == [
        "tst: 5 clusters, 429 objects, 295 files",
        "components cccccccccccc no changes .schiff/cluster-components.git",
        "definitions eeeeeeeeeeee orders 3 folders, wave 2 folders .schiff/cluster-definitions.git",
        "next: git -C .schiff/cluster-definitions.git show --stat main",
    ]


def test_a_run_without_changes_says_so() -> None:
    said = sentences(a_run())
    assert said.count("no changes") == 2
    assert said.endswith("next: edit an order, then schiff preview -e tst")


def test_a_proposal_is_not_called_delivered() -> None:
    said = sentences(a_run(delivered(proposed=True)))
    assert "proposed, not delivered" in said
    assert "next: merge the proposal schiff/tst" in said


def test_a_removal_that_begins_is_named() -> None:
    assert "s/shop is being removed now: state a" in sentences({**a_run(), "removalsBegun": ["s/shop"]})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "stderr: error: getting stack configuration: get stack secrets manager: incorrect passphrase",
            "wrong-passphrase",
        ),
        ("error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE", "no-passphrase"),
        ("error: write /state/x: no space left on device", "disk-full"),
        ("error: resource urn cannot be deleted because it is protected", "protected"),
        ("error: no resource plugin 'pulumi-resource-schiff' found in the workspace", "no-plugin"),
        ("error: PULUMI_ACCESS_TOKEN must be set for login", "no-backend"),
        ("error: failed to load language plugin python: no language plugin", "no-language-host"),
        ("stderr: error: something new\nerror: update failed", "failed"),
    ],
)
def test_what_the_engine_says_becomes_a_sentence(text: str, code: str) -> None:
    error = translated(text, [])
    assert error.code == code
    assert not str(error).startswith(("error", "stderr"))


def test_other_failures_keep_the_engine_s_own_words() -> None:
    assert str(translated("stderr: error: something new\nerror: update failed", [])) == "something new"


def test_a_program_that_crashed_says_with_what() -> None:
    trace = 'Traceback (most recent call last):\n    File "x.py", line 1\n      run()\n    ValueError: deep trouble\n'
    text = f"error: the program failed with an exception:\n    {trace}\nerror: update failed"
    assert "the program failed: ValueError: deep trouble" in str(translated(text, []))


def reported(error: SchiffError) -> dict[str, Any]:
    return {"kind": "error", "status": error.status, "code": error.code, "message": str(error), "problems": []}


@pytest.mark.parametrize(
    "error", [Refused("no", "blast-radius"), Waiting("later", "not-soaked"), Conflict("theirs"), Failed("broken", "x")]
)
def test_what_was_refused_elsewhere_is_refused_here_with_the_same_words(error: SchiffError) -> None:
    again = translated("error: update failed", [reported(error)])
    assert (type(again), str(again), again.code) == (type(error), str(error), error.code)


def test_problems_of_the_fleet_come_back_one_by_one() -> None:
    problem = {
        "file": "a.yaml",
        "line": 3,
        "column": 1,
        "layer": "",
        "path": "x",
        "message": "m",
        "cure": "c",
        "rule": "",
    }
    said = {"kind": "error", "status": 2, "code": "invalid-input", "message": "", "problems": [problem]}
    again = translated("", [said])
    assert isinstance(again, InvalidInput)
    assert str(again) == "a.yaml:3:1: x: m; c"

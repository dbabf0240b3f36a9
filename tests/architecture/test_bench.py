"""The benchmark runs, and holds what it counts on; how long anything takes is no business of the tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import figures

SMALL = ["--runs", "1", "--clusters", "20", "--large", "20", "--objects", "800", "--entries", "40"]


def measured(capsys: pytest.CaptureFixture[str], *rows: str) -> dict[str, dict[str, Any]]:
    figures.main(["--rows", *rows, *SMALL, "--json"])
    return {found["figure"]: found for found in json.loads(capsys.readouterr().out)}


def test_schiff_and_the_yardstick_write_the_same_trees(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, "pipeline")
    ratios = [each for each in found.values() if each["unit"] == "x yardstick"]
    assert len(ratios) == 3
    assert all(each["value"] > 0 and each["goal"] == 2 for each in ratios)


def test_one_changed_order_is_one_commit(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(measured(capsys, "one-change")) == ["one changed cluster among 20, file to commit, cold"]


def test_every_row_in_memory_says_what_it_measured(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, "schemas", "strings", "ledger", "waves")
    assert found["texts misread by Go's YAML reader"]["value"] == 0
    assert "schema check of 800 objects" in found
    assert "ledger of 40 entries verified" in found
    assert found["20 clusters planned into waves, first batch"]["goal"] == 0.2


def test_a_look_at_living_clusters_finds_all_of_them_healthy(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(capsys, "status")
    assert list(found) == ["schiff status of 21 clusters, cold"]  # the management cluster has an entry too


def test_a_figure_says_by_how_much_it_misses_its_goal() -> None:
    missed, held = figures.Figure("a", 2.5, "s", 2), figures.Figure("b", 2.0, "s", 2)
    assert (missed.verdict, held.verdict) == ("missed by 0.50 s", "holds")
    assert "| a | 2.50 s | <= 2 | missed by 0.50 s |  |" in figures.table([missed, held])

"""What the pages say holds: parts that follow the code are up to date, links lead somewhere, examples are read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from schiff.cli import app
from schiff.components.protocol import Component
from schiff.delivery.delivered import DeliveredManifest, Line
from schiff.delivery.plan import Plan
from schiff.delivery.stack import StackSettings
from schiff.layers import fleet_layout
from schiff.rollout.entry import Entry
from schiff.sources.plugins import load_parts
from tests.cli.command_lines import commands, parse
from tools.parts import ROOT
from tools.reference.pages import pages, unexplained, written

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
EVERY = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
COMPONENTS: dict[str, Component] = dict(load_parts().components)
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(page: Path, title: str) -> str:
    """Return what stands below a heading, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", read(page), re.MULTILINE | re.DOTALL)
    assert found is not None, f"{name(page)} has no section {title}"
    return found[1]


def table(text: str) -> list[list[str]]:
    """Return the rows of the first table, without its head."""
    found = re.search(r"(^\|.*\n)+", text, re.MULTILINE)
    lines = found[0].splitlines()[2:] if found else []
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# --- every page


@pytest.mark.parametrize("page", EVERY, ids=name)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target, anchor in _LINK.findall(read(page)):
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


@pytest.mark.parametrize("page", EVERY, ids=name)
def test_every_command_line_of_schiff_parses(page: Path) -> None:
    for block in blocks(read(page), "console"):
        for line in block.splitlines():
            if line.startswith("$ schiff "):
                parse(line.removeprefix("$ "))


@pytest.mark.parametrize("page", sorted([*REFERENCE.glob("*.md"), *(DOCS / "guide").glob("*.md")]), ids=name)
def test_a_page_starts_with_a_whole_example(page: Path) -> None:
    title, empty, example, *_ = read(page).splitlines()
    assert title.startswith("# ")
    assert empty == ""
    assert example.startswith(("```", "<!-- file: ")), f"{name(page)} starts with {example!r}"


@pytest.mark.parametrize("page", sorted((DOCS / "guide").glob("*.md")), ids=name)
def test_a_program_in_the_guide_runs(page: Path) -> None:
    for program in blocks(read(page), "python"):
        exec(compile(program, name(page), "exec"), {})  # noqa: S102 -- the page's own text


# --- pages follow the code


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_page_is_up_to_date_with_the_code(page: Path) -> None:
    text = read(page)
    assert written(text) == text, "bring it up to the code with: python -m tools.reference"
    assert unexplained(text) == []


def test_a_page_behind_the_code_is_noticed() -> None:
    text = read(REFERENCE / "errors.md")
    assert written(text.replace("| `blast-radius` | 11 |", "| `blast-radius` | 12 |")) == text
    assert unexplained(written("<!-- codes -->\n| code | status | what |\n|---|---|---|\n"))


def test_the_files_of_a_fleet_are_all_listed() -> None:
    listed = [line.split()[0] for line in blocks(read(REFERENCE / "fleet.md"), "text")[0].splitlines()]
    kinds = {file.kind for path in listed if (file := fleet_layout.fleet_file(path)) is not None}
    assert kinds == {kind for _, kind in fleet_layout._HEAD}
    assert [path for path in listed if not (ROOT / "stacks" / "fleet" / path).exists()] == []


def test_every_setting_of_a_stack_is_listed_with_its_default() -> None:
    defaults = StackSettings.parse({}, "defaults")
    rows = table(read(REFERENCE / "settings.md"))
    assert [row[:2] for row in rows if row[0].startswith("`schiff:")] == [
        [f"`schiff:{setting}`", f"`{default}`" if (default := getattr(defaults, setting)) else "none"]
        for setting in StackSettings.names()
    ]


def test_every_variable_is_listed() -> None:
    sources = [path for room in ("schiff", "tools", "tests/bed") for path in (ROOT / room).rglob("*.py")]
    read_by_code = {found for path in sources for found in re.findall(r'"(SCHIFF_[A-Z_]+)"', read(path))}
    listed = [row[0].strip("`") for row in table(section(REFERENCE / "settings.md", "Variables"))]
    assert sorted(listed) == sorted(read_by_code)


def test_every_command_has_its_page_and_the_keys_of_its_answer() -> None:
    text = read(REFERENCE / "commands.md")
    assert [f"## {command}" for command in commands() if f"## {command}\n" not in text] == []
    runnable = {
        command.removeprefix("schiff ")
        for command, each in commands().items()
        if not hasattr(each, "commands") or getattr(each, "invoke_without_command", False)
    }
    rows = table(text)
    assert {row[0].strip("`") for row in rows} == runnable
    source = "".join(read(path) for path in (ROOT / "schiff").rglob("*.py"))
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row[1])}
    assert [key for key in sorted(keys) if f'"{key}"' not in source and f" {key}:" not in source] == []


def test_the_example_of_errors_is_what_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "stacks" / "fleet", tmp_path / "stacks" / "fleet")
    order = tmp_path / "stacks" / "fleet" / "sites" / "vsphere-site-1" / "customer-a" / "customer-a-1.yaml"
    order.write_text(read(order).replace("class: large", "class: lrge"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    shown = ""
    for line in ("check --fleet stacks/fleet", "check --fleet stacks/fleet --json"):
        status = app.run(line.split())
        said = capsys.readouterr()
        shown += f"$ schiff {line}\n{said.out}{said.err}" + ("" if "--json" in line else f"$ echo $?\n{status}\n")
    assert blocks(read(REFERENCE / "errors.md"), "console") == [shown]


# --- examples of formats are read by the code


def test_the_example_of_a_delivered_manifest_is_one() -> None:
    text = blocks(read(REFERENCE / "formats.md"), "json")[0]
    assert DeliveredManifest.parse(text).to_text() == text


def test_the_example_of_a_plan_is_one() -> None:
    [text] = blocks(section(REFERENCE / "formats.md", "Plan"), "json")
    assert json.loads(Plan.parse(text).to_text()) == json.loads(text)


def test_the_example_of_a_ledger_entry_is_one() -> None:
    [text] = blocks(section(REFERENCE / "formats.md", "Ledger entry"), "json")
    entry = Entry.parse(text.encode())
    assert f"`{entry.file_name}`" in section(REFERENCE / "formats.md", "Ledger entry")


def test_the_example_of_trees_has_lines_of_a_manifest() -> None:
    [text] = blocks(section(REFERENCE / "formats.md", "trees.json"), "json")
    trees: dict[str, Any] = json.loads(text)
    assert list(trees) == ["v", "repositories", "shared"]
    assert [Line.from_dict(line) for lines in trees["repositories"].values() for line in lines]


def test_the_example_of_an_output_is_json_as_it_is_written() -> None:
    [text] = blocks(section(REFERENCE / "formats.md", "schiff_rollout"), "json")
    assert json.dumps(json.loads(text), sort_keys=True) == text.strip()


# --- components


def settings_in(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in blocks(text, "yaml"):
        if "components:" in block:
            yield from yaml.safe_load(block)["components"].items()


def test_every_example_of_settings_is_valid() -> None:
    shown = [*settings_in(read(REFERENCE / "components.md"))]
    shown += [each for name in COMPONENTS for each in settings_in(read(REFERENCE / "components" / f"{name}.md"))]
    for component, said in shown:
        COMPONENTS[component].settings.model_validate(said, by_name=False, by_alias=True)


@pytest.mark.parametrize("component", sorted(COMPONENTS))
def test_a_component_has_a_page_with_its_settings(component: str) -> None:
    text = read(REFERENCE / "components" / f"{component}.md")
    fields = f"<!-- fields: {COMPONENTS[component].settings.__module__.removeprefix('schiff.')}."
    assert bool(COMPONENTS[component].settings.model_fields) == (fields in text)


def test_the_list_of_components_says_where_each_runs_and_what_comes_first() -> None:
    listed = read(REFERENCE / "components.md").partition("<!-- components -->")[2]
    rows = {row[0].partition("`")[2].partition("`")[0]: row for row in table(listed)}
    assert rows.keys() == COMPONENTS.keys()
    for component, each in COMPONENTS.items():
        assert (rows[component][2] == "bootstrap") == each.bootstrap
        assert [needed for needed in each.requires if f"`{needed}`" not in rows[component][3]] == []


# --- decisions


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_is_short_and_names_what_lost(page: Path) -> None:
    text = read(page)
    number = page.name[:4]
    assert text.startswith(f"# {number} ")
    assert "**Decided.**" in text
    assert "**Lost.**" in text
    assert len(text.splitlines()) <= 40


def test_a_decision_has_a_number_of_its_own() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert sorted(set(numbers)) == numbers

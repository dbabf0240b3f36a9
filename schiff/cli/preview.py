"""`schiff preview`: what `up` would do."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from schiff.cli.engine import Ended, Engine, missing_stack, refreshed
from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.terminal import progress, say, say_json
from schiff.delivery.stack import StackName
from schiff.delivery.wishes import CLUSTER

HELP = """\
Example: schiff preview -e prd --diff

Show what up would do: Pulumi's operations, and every file that would change. Nothing is written but cache. Folders that
somebody else changed in a delivered repository are shown too.
"""


def preview(
    environment: EnvironmentOption = "",
    diff: Annotated[bool, typer.Option("--diff", help="Show each changed property.")] = False,
    cluster: Annotated[str, typer.Option("--cluster", help="Preview <site>/<cluster> alone.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Preview every stack of the environment."""
    project, chosen = Project.here(), parse_environment(environment)
    engine = Engine(project, {CLUSTER: cluster} if cluster else {})
    for stack in project.stacks(chosen):
        args = ["preview", "--color=never", *(["--json"] if as_json else ["--suppress-progress"])]
        with progress(f"previewing {stack}"), missing_stack(stack):
            ended = engine.run(stack, *args, *refreshed(project.settings(stack)), *(["--diff"] if diff else []))
        if as_json:
            say_json(changes(stack, ended))
        else:
            say(ended.text.strip())


def changes(stack: StackName, ended: Ended) -> dict[str, Any]:
    """Return the operations that are not `same`, and the files that program and plugin named."""
    steps = json.loads(ended.text)["steps"]
    found = {(said["resource"], said["name"]): said for said in ended.of("finding")}
    return {
        "stack": str(stack),
        "environment": stack.environment,
        "changes": [_change(step, found) for step in steps if step["op"] != "same"],
    }


def _change(step: dict[str, Any], found: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    *_, kind, name = step["urn"].split("::")
    resource = kind.rpartition("$")[2].rpartition(":")[2]
    said = found.get((resource, name), {"said": [], "warned": []})
    return {
        "op": step["op"],
        "resource": resource,
        "name": name,
        "properties": sorted(step.get("detailedDiff") or {}),
        "files": said["said"],
        "warnings": said["warned"],
    }

"""`schiff destroy`: take everything away that an environment delivered."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from schiff.cli.engine import Engine, missing_stack
from schiff.cli.options import EnvironmentOption, JsonOption
from schiff.cli.project import Project, parse_environment
from schiff.cli.terminal import progress, say, say_json
from schiff.delivery.wishes import TAKE_BACK
from schiff.errors import Refused

HELP = """\
Example: schiff destroy -e tst --yes

Remove all folders that an environment owns from both repositories, each in one Git commit. Component folders stay: they
belong to nobody. It is refused while a delivered cluster is not in its last removal state, except in the embedded
repositories of a machine; in prd it is refused while any cluster is protected.
"""


def destroy(
    environment: EnvironmentOption = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    take_back: Annotated[bool, typer.Option("--take-back", help="Remove what others changed, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Destroy every stack of the environment."""
    project, chosen = Project.here(), parse_environment(environment)
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Remove everything that {chosen} delivered?")):
        raise Refused(f"nothing is removed from {chosen} without a yes; say it with --yes", "not-confirmed")
    engine = Engine(project, {TAKE_BACK: "1"} if take_back else {})
    for stack in project.stacks(chosen):
        with progress(f"destroying {stack}"), missing_stack(stack):
            ended = engine.run(stack, "destroy", "--yes", "--skip-preview", "--suppress-progress", "--color=never")
        removed = {
            said["repository"]: {"commits": said["commits"], "url": said["url"]} for said in ended.of("delivered")
        }
        if as_json:
            say_json({"stack": str(stack), "environment": chosen, "repositories": removed})
        else:
            places = ", ".join(place["url"] for place in removed.values()) or "no repository"
            direct = project.settings(stack).delivery == "direct"
            kept = "; on API servers stays what must never be pruned" if direct else ""
            say(f"{stack}: everything it owned is gone from {places}{kept}")

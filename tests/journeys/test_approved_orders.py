"""Orders over budget through the real engine: refused, approved by somebody else, delivered once."""

from __future__ import annotations

import re
from pathlib import Path

from tests.git.repositories import git
from tests.journeys.pulumi_project import PRODUCTION, PulumiProject
from tests.ssh.signers import Person, a_person

MACHINES = "pools.md-0.replicas"


def over_budget(project: PulumiProject, machines: int) -> str:
    """Order more than the budget and return the refusal."""
    project.edit(PRODUCTION, MACHINES, machines)
    project.commit_fleet()
    refused = project.json("up", "-e", "prd", status=11)
    assert refused["code"] == "blast-radius"
    return str(refused["message"])


def approvers(project: PulumiProject, *people: Person) -> None:
    (project.root / "stacks" / "fleet" / "approvers").write_text("".join(person.line for person in people))


def test_orders_over_budget_wait_for_somebody_who_did_not_write_them(
    undelivered: PulumiProject, tmp_path: Path
) -> None:
    author = git(undelivered.root, "log", "-1", "--format=%ae").strip()
    anna, writer = a_person(tmp_path, "anna"), Person(author, a_person(tmp_path, "writer").key)
    approvers(undelivered, anna, writer)
    undelivered.schiff("up", "-e", "prd")

    refusal = over_budget(undelivered, 22)
    named = re.search(r"schiff approve orders (sha256:[0-9a-f]{64}) -e prd", refusal)
    assert named is not None, refusal

    undelivered.schiff("approve", "orders", named[1], "-e", "prd", "--key", str(writer.key))
    own = undelivered.json("up", "-e", "prd", status=11)["message"]
    assert f"approval 1 does not count: {author} is the author of the change" in own

    approved = undelivered.run("schiff", "approve", "orders", "-e", "prd", "--key", str(anna.key))
    assert f"anna@example.org agrees to orders of {named[1]} until " in approved.stdout
    assert "cluster-definitions/" in approved.stderr
    undelivered.schiff("up", "-e", "prd")
    assert "unchanged" in undelivered.pulumi("preview", "--expect-no-changes", stack="prd")

    assert "nobody did" in over_budget(undelivered, 24)

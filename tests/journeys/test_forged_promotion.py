"""A promotion written by hand, correctly hashed, for a release that is 3 days in `ref`: plain pulumi delivers nothing.

The row of the specification with the real engine: ledgers on their embedded
branches, approvals with real signatures, and no command of schiff between the
forger and `pulumi up`. Only clusters and the clock of the ledgers are simulated.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from schiff.rollout.moments import format_moment
from tests.cli.simulated_world import CANDIDATE, POLICY, REFERENCES, SHOPS, order_path, rollout_documents
from tests.git.repositories import git
from tests.journeys.pulumi_project import PulumiProject
from tests.journeys.soaking import BEGIN, DAY, SoakingWorld
from tests.makers import Documents, fleet_folder
from tests.ssh.signers import Person, a_person

OLD, NEW = "2026.36.0", "2026.38.0"
LEDGER = "refs/heads/ledger/prd"
TIMES = {
    "tst": POLICY["environments"]["tst"],
    "ref": {"soak": "14d", "minClusters": 2},
    "prd": {"soak": "14d", "minClusters": 1, "sites": 1, "approvals": 1},
}


def documents() -> Documents:
    """Return clusters of all environments, and a policy that asks for 14 days in `ref` and one person for `prd`."""
    found = rollout_documents({**POLICY, "environments": TIMES})
    for number, key in enumerate((CANDIDATE, *REFERENCES, *SHOPS)):
        order = found[order_path(key)]
        order["controlPlane"]["endpoint"] = f"10.1.0.{10 + number}"
        order["nodes"]["addresses"] = f"10.1.0.{30 + 30 * number}-10.1.0.{50 + 30 * number}"
    return {path: data for path, data in found.items() if not path.startswith("releases/")}


@pytest.fixture
def anna(tmp_path: Path) -> Person:
    return a_person(tmp_path / "keys", "anna")


def cut(fleet: Path, name: str, at: datetime) -> None:
    assert run(["release", "cut", "--fleet", str(fleet), "--name", name, "--at", format_moment(at)]) == 0


@pytest.fixture
def project(bin_dir: Path, tmp_path: Path, anna: Person) -> PulumiProject:
    """Return a project whose `prd` was delivered on the first release, and whose fleet holds a second one."""
    assert (bin_dir / "pulumi").exists()
    fleet = fleet_folder(tmp_path / "fleet", documents(), {"approvers": anna.line})
    cut(fleet, OLD, BEGIN - DAY)
    project = PulumiProject.around(tmp_path / "project", fleet)
    project.edit("defaults.yaml", "labels", {"edition": NEW})
    cut(project.root / "stacks" / "fleet", NEW, BEGIN)
    project.commit_fleet()
    project.schiff("up", "-e", "prd")
    return project


def running(project: PulumiProject) -> dict[str, str]:
    """Return the release of each cluster that stands delivered."""
    return {line["name"]: line["release"] for line in project.manifest("prd") if line.get("kind") == "cluster"}


def resources(project: PulumiProject) -> Any:
    """Return what Pulumi knows of; that an update failed is history and no resource."""
    exported = project.run("pulumi", "stack", "export", "--stack", "prd").stdout
    return json.loads(exported)["deployment"]["resources"]


def delivers_nothing(project: PulumiProject, due: str) -> None:
    """See plain pulumi, and every command that reads the chain, refuse it and name the date."""
    heads, commits, known = project.heads(), project.commits(), resources(project)
    for how in (("--yes",), ("--yes", "--skip-preview")):
        said = project.pulumi("up", *how, stack="prd", status=1)
        assert f"it may go on {due} at the earliest" in said
        assert not re.search(r"(?m)^ +[+~-] ?[0-9]+ ", said), said
    refused = project.json("up", "-e", "prd", status=11)
    assert (refused["code"], due in refused["message"]) == ("not-admitted", True)
    assert due in project.schiff("ledger", "verify", "-e", "prd", status=16)
    assert (project.heads(), project.commits(), resources(project)) == (heads, commits, known)


def test_a_forged_promotion_is_delivered_by_nobody_and_the_same_one_passes_11_days_later(
    project: PulumiProject, tmp_path: Path, anna: Person
) -> None:
    world = SoakingWorld.of(project, tmp_path / "cache")
    release = world.identity(NEW)
    world.soak("tst", 2 * DAY)
    world.soak("ref", 3 * DAY)
    world.approve(anna, release, "12d")
    ledger = project.root / ".schiff" / "ledger.git"
    honest = git(ledger, "rev-parse", LEDGER).strip()
    plan = world.promote(release)
    (canary,) = plan.waves[0].clusters
    world.move(plan, canary)
    delivers_nothing(project, format_moment(world.clock + 11 * DAY))

    git(ledger, "update-ref", LEDGER, honest)
    world.soak("ref", 14 * DAY)
    assert world.promote(release) == plan
    world.observe("prd")
    world.move(plan, canary)
    before = running(project)
    assert "updated" in project.pulumi("up", "--yes", stack="prd")
    assert running(project) == {**before, str(canary): release}
    project.schiff("ledger", "verify", "-e", "prd")

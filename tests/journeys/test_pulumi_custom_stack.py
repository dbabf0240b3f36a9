"""A stack of somebody's own, from the same classes: the program in `examples/custom-stack`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

from tests.git.repositories import files
from tests.journeys.pulumi_project import RELEASE, PulumiProject
from tools.parts import ROOT

EXAMPLE = ROOT / "examples" / "custom-stack"
CLUSTER = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1"


def test_it_fits_on_one_screen() -> None:
    assert len((EXAMPLE / "__main__.py").read_text().splitlines()) <= 20


def test_it_delivers_its_clusters_and_says_that_nothing_was_gated(undelivered: PulumiProject) -> None:
    lab = _beside(undelivered)
    lab.pulumi("up", "--yes", "--skip-preview", stack="lab")
    delivered = files(lab.root / ".schiff" / "lab-definitions.git")
    assert f"{CLUSTER}/Cluster.yml" in delivered
    assert ".schiff/lab.json" in delivered
    assert not any("baremetal-site-1/customer-a" in path for path in delivered)
    outputs = json.loads(lab.run("pulumi", "stack", "output", "--json", "--stack", "lab").stdout)
    rollout = json.loads(outputs["schiff_rollout"])
    assert (rollout["gate"], rollout["release"]) == ("none", RELEASE)
    lab.pulumi("preview", "--expect-no-changes", stack="lab")


def test_it_may_not_write_what_another_stack_owns(project: PulumiProject) -> None:
    lab = _beside(project)
    for name in project.heads():
        lab.run("pulumi", "config", "set", name, str(project.repository(name)), "--stack", "lab")
    heads = project.heads()
    said = lab.pulumi("up", "--yes", "--skip-preview", stack="lab", status=1)
    assert "another stack owns what lab would write" in said
    assert project.heads() == heads


def _beside(project: PulumiProject) -> PulumiProject:
    """Put the example where it stands in the checkout: two folders below the fleet it reads."""
    folder = project.root / "examples" / "custom-stack"
    shutil.copytree(EXAMPLE, folder)
    lab = PulumiProject(folder)
    lab.run("pulumi", "stack", "init", "--no-select", "lab")
    return lab


def test_reading_schiff_needs_no_pulumi() -> None:
    program = "import sys, schiff; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([ROOT / ".venv/bin/python", "-c", program], env=os.environ, check=False).returncode == 0

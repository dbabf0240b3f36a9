"""A stack of somebody's own, from the same classes: the program in `examples/custom-stack`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.git.repositories import a_repository, files
from tests.journeys.pulumi_project import RELEASE, PulumiProject
from tools.parts import ROOT

EXAMPLE = ROOT / "examples" / "custom-stack" / "__main__.py"
CLUSTER = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1"


@pytest.fixture
def lab(undelivered: PulumiProject, tmp_path: Path) -> PulumiProject:
    """Return a project whose program is the example, with two repositories of its own."""
    repositories = {name: a_repository(tmp_path, f"lab-{name}") for name in ("definitions", "components")}
    return _with_the_example(undelivered, repositories)


def test_it_fits_on_one_screen() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 20


def test_it_delivers_its_clusters_and_says_that_nothing_was_gated(lab: PulumiProject, tmp_path: Path) -> None:
    lab.pulumi("up", "--yes", "--skip-preview", stack="lab")
    delivered = files(tmp_path / "lab-definitions.git")
    assert f"{CLUSTER}/Cluster.yml" in delivered
    assert ".schiff/lab.json" in delivered
    assert not any("baremetal-site-1/customer-a" in path for path in delivered)
    outputs = json.loads(lab.run("pulumi", "stack", "output", "--json", "--stack", "lab").stdout)
    assert json.loads(outputs["schiff_rollout"])["gate"] == "none"
    lab.pulumi("preview", "--expect-no-changes", stack="lab")


def test_it_may_not_write_what_another_stack_owns(project: PulumiProject) -> None:
    _with_the_example(project, {name: project.repository(name) for name in project.heads()})
    heads = project.heads()
    said = project.pulumi("up", "--yes", "--skip-preview", stack="lab", status=1)
    assert "another stack owns what lab would write" in said
    assert project.heads() == heads


def _with_the_example(project: PulumiProject, repositories: Mapping[str, Path]) -> PulumiProject:
    """Put the example in the place of the project's program, with settings of its own."""
    shutil.copy(EXAMPLE, project.root / "stacks" / "__main__.py")
    settings = {"fleet": "fleet", "release": RELEASE, **repositories}
    lines = [f"  schiff:{name}: {value}\n" for name, value in settings.items()]
    (project.root / "Pulumi.lab.yaml").write_text("config:\n" + "".join(lines))
    project.run("pulumi", "stack", "init", "--no-select", "lab")
    return project


def test_reading_schiff_needs_no_pulumi() -> None:
    program = "import sys, schiff; sys.exit('pulumi' in sys.modules)"
    assert subprocess.run([ROOT / ".venv/bin/python", "-c", program], env=os.environ, check=False).returncode == 0

"""A cluster leaves through delivered states, each after the one before was seen; nothing skips one."""

from __future__ import annotations

import json

from tests.git.repositories import files, git
from tests.journeys.observed_removal import enter_removal
from tests.journeys.pulumi_project import PRODUCTION, PulumiProject

CLUSTER = "vsphere-site-1/customer-a-9"
FOLDER = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-9"
LOCATION = "locations/location-1/vsphere-site-1/customer-a-9"


def test_a_production_cluster_leaves_through_states_a_to_e_and_then_its_order(undelivered: PulumiProject) -> None:
    project = undelivered
    project.schiff("up", "-e", "prd")
    assert _is_protected(project)

    project.edit(PRODUCTION, "decommission", "customer-a-9")
    begun = project.json("up", "-e", "prd")
    assert begun["removalsBegun"] == [CLUSTER]
    assert _removal(project) == "a"
    assert not _is_protected(project)
    assert not any(path.startswith(f"{FOLDER}/kustomizations/") for path in _files(project))
    assert project.json("up", "-e", "prd")["removalsBegun"] == []

    enter_removal(project, "prd", CLUSTER, "b")
    assert _removal(project) == "b"
    enter_removal(project, "prd", CLUSTER, "c")
    assert f"{FOLDER}/kustomization.yaml" in _files(project)
    enter_removal(project, "prd", CLUSTER, "d")
    assert [path for path in _files(project) if path.startswith(FOLDER)] == [f"{FOLDER}/kustomization.yaml"]
    assert "resources: []" in _files(project)[f"{FOLDER}/kustomization.yaml"]

    enter_removal(project, "prd", CLUSTER, "e")
    assert not any(path.startswith(FOLDER) for path in _files(project))
    assert not any(path.startswith(LOCATION) for path in files(project.repository("components")))
    assert _removal(project) == "e"

    (project.root / "stacks" / "fleet" / PRODUCTION).unlink()
    project.schiff("up", "-e", "prd")
    assert CLUSTER not in git(project.repository("definitions"), "show", "main:.schiff/prd.json")
    assert "unchanged" in project.pulumi("preview", "--expect-no-changes", stack="prd")


def test_plain_pulumi_begins_no_removal(undelivered: PulumiProject) -> None:
    project = undelivered
    project.schiff("up", "-e", "prd")
    project.edit(PRODUCTION, "decommission", "customer-a-9")
    project.pulumi("up", "--yes", "--skip-preview", stack="prd")
    assert _removal(project) == ""
    assert [entry["kind"] for entry in project.json("ledger", "log", "-e", "prd")["entries"]] == ["genesis"]


def _files(project: PulumiProject) -> dict[str, str]:
    return files(project.repository("definitions"))


def _removal(project: PulumiProject) -> str:
    return str(next(line["removal"] for line in project.manifest("prd")[1:] if line["name"] == CLUSTER))


def _is_protected(project: PulumiProject) -> bool:
    exported = json.loads(project.run("pulumi", "stack", "export", "--stack", "prd").stdout)
    [cluster] = [each for each in exported["deployment"]["resources"] if each["urn"].endswith(f"::{CLUSTER}")]
    return bool(cluster.get("protect"))

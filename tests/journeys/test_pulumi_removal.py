"""A cluster leaves through delivered states, each after the one before was seen; nothing skips one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from schiff.delivery.ledger_branch import append_to_ledger
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from tests.git.repositories import files, git
from tests.journeys.pulumi_project import PRODUCTION, PulumiProject

CLUSTER = "vsphere-site-1/customer-a-9"
FOLDER = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-9"
LOCATION = "locations/location-1/vsphere-site-1/customer-a-9"
OBSERVATION = "sha256:" + "0" * 64


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

    _observe(project, "b")
    assert _removal(project) == "b"
    _observe(project, "c")
    assert f"{FOLDER}/kustomization.yaml" in _files(project)
    _observe(project, "d")
    assert [path for path in _files(project) if path.startswith(FOLDER)] == [f"{FOLDER}/kustomization.yaml"]
    assert "resources: []" in _files(project)[f"{FOLDER}/kustomization.yaml"]

    _observe(project, "e")
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


def _observe(project: PulumiProject, state: str) -> None:
    """Append what `step` would after it saw the state before, and deliver."""

    def propose(ledger: Ledger) -> Entry | None:
        if ledger.state.removals.get(next(iter(ledger.state.removals))) == state:
            return None
        body = {"cluster": CLUSTER, "state": state, "observation": OBSERVATION}
        now = format_moment(datetime.now(UTC))
        return ledger.append("remove", body, at=now, actor="ci:test", fleet="none")

    workspace = project.root / ".schiff"
    append_to_ledger(str(workspace / "ledger.git"), "prd", propose, workspace / "cache")
    project.schiff("up", "-e", "prd")


def _files(project: PulumiProject) -> dict[str, str]:
    return files(project.repository("definitions"))


def _removal(project: PulumiProject) -> str:
    return str(next(line["removal"] for line in project.manifest("prd")[1:] if line["name"] == CLUSTER))


def _is_protected(project: PulumiProject) -> bool:
    exported = json.loads(project.run("pulumi", "stack", "export", "--stack", "prd").stdout)
    [cluster] = [each for each in exported["deployment"]["resources"] if each["urn"].endswith(f"::{CLUSTER}")]
    return bool(cluster.get("protect"))

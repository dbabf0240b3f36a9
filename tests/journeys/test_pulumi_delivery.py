"""Delivery through the real engine: what a preview shows, what an update reaches, and what heals by itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.git.repositories import a_repository, files, git, head
from tests.journeys.pulumi_project import PRODUCTION, TENANT, PulumiProject
from tests.makers import METAL3_ORDER, VSPHERE_ORDER

CLUSTER = "vsphere-site-1/customer-a-1"
OTHER = "baremetal-site-1/customer-a-2"
FOLDER = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1"


# Going on


def test_a_first_up_says_what_stands_where_and_a_second_makes_no_commit(undelivered: PulumiProject) -> None:
    project = undelivered
    first = project.json("up", "-e", "tst")
    assert first["clusters"] == 2
    assert {name: place["commit"] for name, place in first["repositories"].items()} == project.heads()
    assert first["files"] == sum(len(files(project.repository(name))) - 1 for name in project.heads())
    before = project.heads()
    assert project.schiff("up", "-e", "tst").count("no changes") == 2
    assert project.heads() == before
    assert git(project.root, "status", "--porcelain") == ""


def test_a_preview_without_changes_writes_nothing(project: PulumiProject) -> None:
    heads, state = project.heads(), project.state()
    said = project.pulumi("preview", "--expect-no-changes")
    assert "unchanged" in said
    assert (project.heads(), project.state()) == (heads, state)


def test_an_edited_order_previews_that_cluster_and_its_files_alone(project: PulumiProject) -> None:
    heads, state = project.heads(), project.state()
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    said = project.pulumi("preview", "--diff")
    assert f"~ {FOLDER}/MachineDeployment.yml" in said
    assert OTHER not in said
    assert "customer-a-2" not in said
    changes = project.json("preview", "-e", "tst")["changes"]
    assert [(change["resource"], change["name"]) for change in changes if change["resource"] != "Commit"] == [
        ("TenantCluster", CLUSTER)
    ]
    assert (project.heads(), project.state()) == (heads, state)


def test_an_edited_order_is_delivered_as_one_commit_that_touches_its_cluster_alone(project: PulumiProject) -> None:
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    project.schiff("up", "-e", "tst")
    changed = git(project.repository("definitions"), "diff", "--name-only", "main~1", "main").split()
    assert changed == [".schiff/tst.json", f"{FOLDER}/MachineDeployment.yml"]
    assert "Schiff-Fleet: " in git(project.repository("definitions"), "log", "-1", "--format=%B", "main")


def test_one_cluster_can_be_delivered_while_another_waits(project: PulumiProject) -> None:
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    project.edit(METAL3_ORDER, "health.unhealthySeconds", 600)
    project.schiff("up", "-e", "tst", "--cluster", CLUSTER)
    changed = git(project.repository("definitions"), "diff", "--name-only", "main~1", "main").split()
    assert changed == [".schiff/tst.json", f"{FOLDER}/MachineDeployment.yml"]
    waiting = project.json("preview", "-e", "tst")["changes"]
    assert [change["name"] for change in waiting if change["resource"] == "TenantCluster"] == [OTHER]


def test_targeting_a_record_delivers_nothing(project: PulumiProject) -> None:
    heads = project.heads()
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    urn = f"{TENANT.format(stack='tst')}$schiff:index:TenantCluster::{CLUSTER}"
    project.pulumi("up", "--yes", "--skip-preview", "--target", urn)
    assert project.heads() == heads
    assert f"~ {FOLDER}/MachineDeployment.yml" in project.pulumi("preview")


# Somebody else, and what was lost


def test_a_foreign_edit_shows_in_a_plain_preview_stops_up_and_is_taken_back_by_flag(project: PulumiProject) -> None:
    trees = project.trees()
    foreign = project.foreign("definitions", {f"{FOLDER}/Cluster.yml": "hacked: true\n"})
    said = project.pulumi("preview")
    assert CLUSTER in said
    assert f"~ {FOLDER}/Cluster.yml" in said
    assert "changed by somebody else" in said
    stopped = project.json("up", "-e", "tst", status=17)
    assert stopped["code"] == "conflict"
    assert "--take-back" in stopped["message"]
    assert head(project.repository("definitions")) == foreign
    project.schiff("up", "-e", "tst", "--take-back")
    assert project.trees() == trees


def test_plain_pulumi_takes_back_by_an_environment_variable(project: PulumiProject) -> None:
    trees = project.trees()
    project.foreign("definitions", {}, gone=[f"{FOLDER}/Cluster.yml"])
    said = project.pulumi("up", "--yes", "--skip-preview", status=1)
    assert "somebody else changed what tst owns" in said
    project.pulumi("up", "--yes", "--skip-preview", SCHIFF_TAKE_BACK="1")
    assert project.trees() == trees


def test_lost_state_and_a_lost_cache_cost_no_commit(project: PulumiProject) -> None:
    heads = project.heads()
    for lost in ("state", "cache"):
        shutil.rmtree(project.root / ".schiff" / lost)
    assert project.schiff("up", "-e", "tst").count("no changes") == 2
    assert project.heads() == heads
    assert "unchanged" in project.pulumi("preview", "--expect-no-changes")


def test_refresh_finds_what_changed_outside_and_the_next_preview_names_it(project: PulumiProject) -> None:
    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    project.foreign("definitions", {f"{FOLDER}/Cluster.yml": "hacked: true\n"})
    assert "~ definitionsTree" in project.pulumi("refresh", "--yes", "--skip-preview", "--diff")
    assert f"~ {FOLDER}/Cluster.yml" in project.pulumi("preview")


def test_a_changed_url_is_an_update_and_delivers_everything_there(project: PulumiProject) -> None:
    elsewhere = project.root / ".schiff" / "elsewhere.git"
    settings = project.root / "Pulumi.tst.yaml"
    settings.write_text(settings.read_text().replace("cluster-definitions.git", "elsewhere.git"))
    project.commit_fleet()
    said = project.pulumi("preview")
    assert "delivery update" in said
    assert "replace" not in said
    project.schiff("up", "-e", "tst")
    assert git(elsewhere, "rev-parse", "main^{tree}") == git(
        project.repository("definitions"), "rev-parse", "main^{tree}"
    )


def test_nothing_goes_to_a_served_repository_from_a_fleet_that_is_not_committed(
    project: PulumiProject, tmp_path: Path
) -> None:
    served = a_repository(tmp_path, "served")
    settings = project.root / "Pulumi.tst.yaml"
    settings.write_text(settings.read_text().replace(".schiff/cluster-definitions.git", str(served)))
    project.commit_fleet()
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    project.pulumi("preview")
    assert project.json("up", "-e", "tst", status=11)["code"] == "dirty-fleet"
    assert head(served) == ""


def test_a_release_of_a_source_checkout_stays_on_this_machine(project: PulumiProject, tmp_path: Path) -> None:
    served = a_repository(tmp_path, "served")
    settings = project.root / "Pulumi.tst.yaml"
    settings.write_text(settings.read_text().replace(".schiff/cluster-definitions.git", str(served)))
    project.commit_fleet()
    assert "was cut from a source checkout of schiff" in project.pulumi("preview")
    refused = project.json("up", "-e", "tst", status=11)
    assert refused["code"] == "source-release"
    assert "release 2026.48.0 was cut from a source checkout of schiff" in refused["message"]
    assert head(served) == ""


def test_folders_of_nobody_are_taken_over_by_flag_alone(undelivered: PulumiProject) -> None:
    project = undelivered
    a_repository(project.root / ".schiff", "cluster-definitions")
    project.foreign("definitions", {f"{FOLDER}/Cluster.yml": "from before schiff\n"})
    refused = project.json("up", "-e", "tst", status=11)
    assert refused["code"] == "not-owned"
    assert FOLDER in refused["message"]
    project.schiff("up", "-e", "tst", "--adopt")
    assert files(project.repository("definitions"))[f"{FOLDER}/Cluster.yml"] != "from before schiff\n"


def test_a_proposal_waits_on_its_own_branch_until_somebody_merges_it(project: PulumiProject) -> None:
    settings = project.root / "Pulumi.tst.yaml"
    settings.write_text(settings.read_text().replace("config:", "config:\n  schiff:review: proposal"))
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    heads, definitions = project.heads(), project.repository("definitions")
    assert "proposed, not delivered" in project.schiff("up", "-e", "tst")
    assert project.heads() == heads
    proposed = head(definitions, "schiff/tst")
    assert git(definitions, "diff", "--name-only", "main", "schiff/tst").split() == [
        ".schiff/tst.json",
        f"{FOLDER}/MachineDeployment.yml",
    ]
    project.schiff("up", "-e", "tst")
    assert head(definitions, "schiff/tst") == proposed
    assert "MachineDeployment.yml" in project.pulumi("preview")
    git(definitions, "update-ref", "refs/heads/main", proposed)
    project.pulumi("preview", "--expect-no-changes")


# Leaving


def test_destroy_empties_embedded_repositories_and_keeps_component_folders(project: PulumiProject) -> None:
    project.schiff("destroy", "-e", "tst", "--yes")
    assert files(project.repository("definitions")) == {}
    assert {path.split("/")[0] for path in files(project.repository("components"))} == {"components"}
    again = project.json("up", "-e", "tst")
    assert again["clusters"] == 2


def test_production_clusters_are_protected_from_destroy(project: PulumiProject) -> None:
    project.schiff("up", "-e", "prd")
    heads = project.heads()
    refused = project.json("destroy", "-e", "prd", "--yes", status=11)
    assert refused["code"] == "protected"
    assert project.heads() == heads


def test_an_order_that_vanishes_without_removal_is_refused(project: PulumiProject) -> None:
    project.schiff("up", "-e", "prd")
    heads = project.heads()
    (project.root / "stacks" / "fleet" / PRODUCTION).unlink()
    refused = project.json("up", "-e", "prd", status=11)
    assert refused["code"] == "cluster-not-removed"
    assert "vsphere-site-1/customer-a-9" in refused["message"]
    assert project.heads() == heads


# Outputs


def test_the_one_output_says_what_was_reached(project: PulumiProject) -> None:
    outputs = json.loads(project.run("pulumi", "stack", "output", "--json", "--stack", "tst").stdout)
    assert list(outputs) == ["schiff_rollout"]
    rollout = json.loads(outputs["schiff_rollout"])
    assert rollout["commits"] == project.heads()
    assert rollout["ledger"]["seq"] == 0
    assert rollout["gate"] == "ledger"

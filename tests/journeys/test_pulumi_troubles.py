"""What goes wrong around a delivery ends as a sentence with a status, and nothing is lost or half done."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import yaml

from tests.git.repositories import git, hook
from tests.journeys.pulumi_project import PulumiProject
from tests.makers import VSPHERE_ORDER


def test_a_mistake_in_the_fleet_is_bad_input_with_its_line(project: PulumiProject) -> None:
    heads = project.heads()
    project.edit(VSPHERE_ORDER, "replicaz", 3)
    refused = project.json("up", "-e", "tst", status=2)
    assert [problem["file"] for problem in refused["problems"]] == [VSPHERE_ORDER]
    assert refused["problems"][0]["line"] > 0
    assert f"{VSPHERE_ORDER}:" in project.pulumi("up", "--yes", "--skip-preview", status=1)
    assert project.heads() == heads


def test_a_wrong_passphrase_is_named(project: PulumiProject) -> None:
    refused = project.json("up", "-e", "tst", status=1, PULUMI_CONFIG_PASSPHRASE="wrong")
    assert refused["code"] == "wrong-passphrase"
    assert "PULUMI_CONFIG_PASSPHRASE" in refused["message"]


def test_a_stack_that_was_never_delivered_cannot_be_previewed(project: PulumiProject) -> None:
    refused = project.json("preview", "-e", "prd", status=1)
    assert refused["code"] == "no-stack"
    assert refused["message"].endswith("schiff up -e prd")


def test_an_environment_without_settings_is_refused(project: PulumiProject) -> None:
    (project.root / "Pulumi.ref.yaml").unlink()
    assert project.json("up", "-e", "ref", status=11)["code"] == "no-stack"


def test_without_a_ledger_a_preview_says_so_and_an_update_is_refused(undelivered: PulumiProject) -> None:
    shutil.rmtree(undelivered.root / ".schiff" / "ledger.git")
    undelivered.run("pulumi", "stack", "init", "--no-select", "tst")
    assert "begin it: schiff ledger init -e tst" in undelivered.pulumi("preview")
    assert undelivered.json("up", "-e", "tst", status=11)["code"] == "no-ledger"
    assert git(undelivered.root, "status", "--porcelain") == ""


def test_a_ledger_that_lost_what_a_delivery_saw_delivers_nothing(project: PulumiProject) -> None:
    heads = project.heads()
    shutil.rmtree(project.root / ".schiff" / "ledger.git")
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 9)
    project.commit_fleet()
    project.schiff("ledger", "init", "-e", "tst")
    assert project.json("up", "-e", "tst", status=16)["code"] == "tampered"
    assert project.heads() == heads


def test_two_at_once_wait_for_each_other(project: PulumiProject) -> None:
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    entered = project.root / ".schiff" / "entered"
    hook(project.repository("definitions"), "pre-receive", f"touch {entered}; sleep 6")
    first = subprocess.Popen(["schiff", "up", "-e", "tst"], cwd=project.root, env=project.environment)
    with first:
        _wait_for(entered)
        refused = project.json("up", "-e", "tst", status=10)
        assert refused["code"] == "locked"
        assert "process" in refused["message"]
    assert first.returncode == 0


def test_a_server_that_refuses_the_push_fails_the_update_and_the_next_preview_shows_it(project: PulumiProject) -> None:
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", 7)
    hook(project.repository("definitions"), "pre-receive", "echo closed for maintenance >&2; exit 1")
    refused = project.json("up", "-e", "tst", status=11)
    assert refused["code"] == "push-refused"
    assert "closed for maintenance" in refused["message"]
    assert "MachineDeployment.yml" in project.pulumi("preview")


def test_a_whole_environment_and_a_shard_of_it_exclude_each_other(project: PulumiProject) -> None:
    shard = yaml.safe_load((project.root / "Pulumi.tst.yaml").read_text())
    (project.root / "Pulumi.tst-schiff-mgmt-x.yaml").write_text(yaml.safe_dump(shard))
    project.run("pulumi", "stack", "init", "--no-select", "tst-schiff-mgmt-x")
    said = project.pulumi("up", "--yes", "--skip-preview", stack="tst-schiff-mgmt-x", status=1)
    assert "an environment is one stack or its shards" in said


def test_a_shard_delivers_what_lies_below_its_management_cluster(undelivered: PulumiProject) -> None:
    project = undelivered
    (project.root / "Pulumi.tst.yaml").rename(project.root / "Pulumi.tst-schiff-mgmt-x.yaml")
    answer = project.json("up", "-e", "tst")
    assert (answer["stack"], answer["clusters"]) == ("tst-schiff-mgmt-x", 2)
    assert project.manifest("tst-schiff-mgmt-x")[0]["stack"] == "tst-schiff-mgmt-x"


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert path.exists()

"""Trouble from outside, through the real engine: one clear sentence, nothing lost, the next `up` finishes the work."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bed.git_server import GitServer
from tests.git.repositories import commit, files, git, hook
from tests.journeys.pulumi_project import PulumiProject
from tests.makers import VSPHERE_ORDER

FOLDER = "schiff-mgmt-x/sites/vsphere-site-1/customer-a/customer-a-1"
STATE = Path(".schiff", "state", ".pulumi")
UNLOCKED = "env -u GIT_QUARANTINE_PATH -u GIT_OBJECT_DIRECTORY -u GIT_ALTERNATE_OBJECT_DIRECTORIES"


def edited(project: PulumiProject, replicas: int = 7) -> None:
    project.edit(VSPHERE_ORDER, "pools.md-0.replicas", replicas)


def replicas(project: PulumiProject) -> str:
    """Return the replicas that stand delivered."""
    text = files(project.repository("definitions"))[f"{FOLDER}/MachineDeployment.yml"]
    (line,) = (line for line in text.splitlines() if line.startswith("  replicas:"))
    return line.rpartition(" ")[2]


def delivers(project: PulumiProject) -> None:
    """Hold that the next `up` finishes the work."""
    project.schiff("up", "-e", "tst")
    assert replicas(project) == "7"


def sentence(project: PulumiProject, *args: str, status: int = 1, **variables: str) -> str:
    """Return what a failing command says to people: a sentence, no traceback and no noise."""
    ended = project.run("schiff", *args, status=status, **variables)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    return ended.stderr


def test_a_branch_that_moves_during_the_push_is_written_again_on_its_new_head(project: PulumiProject) -> None:
    edited(project)
    bare = project.repository("definitions")
    faster = commit(bare, {"README.md": "somebody was faster\n"}, branch="faster")
    git(bare, "update-ref", "refs/heads/faster", faster)
    tree = git(bare, "merge-tree", "--write-tree", "--allow-unrelated-histories", "main", "faster").strip()
    moved = git(bare, "commit-tree", tree, "-p", "main", "-m", "somebody else").strip()
    hook(bare, "pre-receive", f"test -e moved || {{ touch moved; {UNLOCKED} git update-ref refs/heads/main {moved}; }}")
    project.schiff("up", "-e", "tst")
    assert (bare / "moved").exists()
    assert git(bare, "log", "--format=%H", "main").split()[1] == moved
    assert files(bare)["README.md"] == "somebody was faster\n"
    assert replicas(project) == "7"


@pytest.mark.parametrize("repository", ["components", "definitions"])
def test_a_refused_push_is_finished_when_the_server_takes_it(project: PulumiProject, repository: str) -> None:
    heads = project.heads()
    project.edit(VSPHERE_ORDER, "components.metallb.pools", {"services": {"addresses": ["10.1.0.192/28"]}})
    edited(project)
    hook(project.repository(repository), "update", "echo 'closed until Monday' >&2; exit 1")
    said = sentence(project, "up", "-e", "tst", status=11)
    assert "closed until Monday" in said
    assert project.heads()["definitions"] == heads["definitions"]
    assert (project.heads()["components"] == heads["components"]) == (repository == "components")
    (project.repository(repository) / "hooks" / "update").unlink()
    delivers(project)


@pytest.mark.parametrize("verb", ["preview", "destroy"])
def test_a_stack_that_is_missing_is_named_with_the_way_to_make_it(undelivered: PulumiProject, verb: str) -> None:
    said = sentence(undelivered, verb, "-e", "tst", *(["--yes"] if verb == "destroy" else []))
    assert said.endswith("schiff up -e tst\n")


@pytest.mark.parametrize("verb", ["preview", "destroy"])
def test_a_wrong_passphrase_changes_nothing(project: PulumiProject, verb: str) -> None:
    edited(project)
    before = (project.heads(), project.state())
    asked = [verb, "-e", "tst", *(["--yes"] if verb == "destroy" else [])]
    said = sentence(project, *asked, PULUMI_CONFIG_PASSPHRASE="not this one")
    assert "PULUMI_CONFIG_PASSPHRASE" in said
    assert "not this one" not in said
    assert (project.heads(), project.state()) == before


def test_a_stack_that_another_machine_updates_is_waited_for(project: PulumiProject) -> None:
    edited(project)
    lock = project.root / STATE / "locks" / "organization" / "schiff" / "tst" / "1.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = {"pid": 1, "username": "ci", "hostname": "runner-7", "timestamp": "2026-11-22T06:00:00Z"}
    lock.write_text(json.dumps(holder))
    heads = project.heads()
    assert "process 1 on runner-7" in sentence(project, "up", "-e", "tst", status=10)
    assert lock.exists()
    assert project.heads() == heads
    lock.unlink()
    delivers(project)


def test_a_place_for_state_that_is_no_folder_is_named(project: PulumiProject, tmp_path: Path) -> None:
    edited(project)
    heads = project.heads()
    (tmp_path / "file").write_text("not a folder")
    url = f"file://{tmp_path}/file/state"
    said = sentence(project, "up", "-e", "tst", PULUMI_BACKEND_URL=url)
    assert url in said
    assert project.heads() == heads
    delivers(project)


def test_files_that_find_no_room_lose_nothing(project: PulumiProject) -> None:
    """A limit on the size of files stands in for a full disk: the same writes fail in the middle of their work."""
    edited(project)
    heads, limit = project.heads(), "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    command = [sys.executable, "-c", f"{limit}; import os; os.execvp('schiff', ['schiff', 'up', '-e', 'tst'])"]
    ended = project.run(*command, status=1)
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert project.heads() == heads
    delivers(project)


def test_a_git_server_that_is_gone_is_named_and_loses_nothing(project: PulumiProject, tmp_path: Path) -> None:
    settings = project.root / "Pulumi.tst.yaml"
    with GitServer(tmp_path / "served") as server:
        shutil.copytree(project.repository("definitions"), server.folder / "definitions.git")
        url = server.url("definitions")
        settings.write_text(settings.read_text().replace(".schiff/cluster-definitions.git", url))
        edited(project)
        project.commit_fleet()
        project.schiff("preview", "-e", "tst")
    heads = project.heads()
    for verb in ("preview", "up"):
        said = sentence(project, verb, "-e", "tst")
        assert f"{url} cannot be read" in said
    assert project.heads() == heads
    own = project.root / ".schiff" / "moved.git"
    shutil.move(tmp_path / "served" / "definitions.git", own)
    settings.write_text(settings.read_text().replace(url, ".schiff/moved.git"))
    project.commit_fleet()
    project.schiff("up", "-e", "tst")
    assert "replicas: 7" in files(own)[f"{FOLDER}/MachineDeployment.yml"]


def test_a_repository_that_was_deleted_stops_and_is_filled_again_on_demand(project: PulumiProject) -> None:
    trees = project.trees()
    shutil.rmtree(project.repository("definitions"))
    assert "--take-back" in sentence(project, "up", "-e", "tst", status=17)
    project.schiff("up", "-e", "tst", "--take-back")
    assert project.trees() == trees


def test_a_ledger_that_cannot_be_read_is_named_and_stays_what_it_was(project: PulumiProject) -> None:
    edited(project)
    objects, heads = project.root / ".schiff" / "ledger.git" / "objects", project.heads()
    shutil.move(objects, objects.with_name("away"))
    assert "ledger.git cannot be read" in sentence(project, "up", "-e", "tst")
    assert project.heads() == heads
    if objects.exists():
        shutil.rmtree(objects)
    shutil.move(objects.with_name("away"), objects)
    delivers(project)


def test_a_state_that_a_full_disk_cut_off_is_set_aside_and_costs_no_commit(project: PulumiProject) -> None:
    heads, state = project.heads(), project.root / STATE / "stacks" / "schiff" / "tst.json"
    state.write_bytes(state.read_bytes()[:6000])
    assert "schiff up sets it aside" in sentence(project, "preview", "-e", "tst")
    assert project.schiff("up", "-e", "tst").count("no changes") == 2
    assert project.heads() == heads


def test_stopping_by_hand_is_a_sentence_and_the_next_run_goes_on(project: PulumiProject) -> None:
    edited(project)
    entered = project.root / ".schiff" / "entered"
    hook(project.repository("definitions"), "pre-receive", f"touch {entered}; sleep 3")
    command = ["schiff", "up", "-e", "tst"]
    running = subprocess.Popen(
        command, cwd=project.root, env=project.environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with running:
        deadline = time.monotonic() + 30
        while not entered.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        os.killpg(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert (running.returncode, said) == (130, "stopped; run it again to go on\n")
    (project.repository("definitions") / "hooks" / "pre-receive").unlink()
    delivers(project)


def test_what_may_never_change_is_refused_by_up_too_and_a_strangers_change_of_it_is_taken_back(
    project: PulumiProject,
) -> None:
    heads = project.heads()
    project.edit(VSPHERE_ORDER, "clusterNetwork", {"pods": "10.99.0.0/16"})
    said = project.schiff("up", "-e", "tst", status=2)
    assert "/customer-a-1/Cluster.yml" in said
    assert "spec.clusterNetwork: Cluster customer-a-1: changed, and never may" in said
    assert project.heads() == heads
    project.edit(VSPHERE_ORDER, "clusterNetwork", None)
    [line] = [
        line for line in project.manifest()[1:] if line["path"].endswith("vsphere-site-1/customer-a/customer-a-1")
    ]
    file = f"{line['path']}/Cluster.yml"
    text = files(project.repository("definitions"))[file]
    project.foreign("definitions", {file: text.replace("10.244.0.0/16", "10.99.0.0/16")})
    project.schiff("up", "-e", "tst", "--take-back")
    assert files(project.repository("definitions"))[file] == text

"""What `schiff new ci` writes, run as CI runs it: in bare clones, with state in S3 and Git that asks who comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from schiff.values.names import ENVIRONMENTS
from tests.git.repositories import git
from tests.journeys.ci_runner import CANARIES, Ci, Comments, GuardedGitServer, state_server
from tests.journeys.pulumi_project import PRODUCTION, PulumiProject

REPOSITORIES = ("cluster-definitions", "cluster-components", "fleet")
REFERENCE = {"environment": "ref", "controlPlane.endpoint": "10.1.0.150", "nodes.addresses": "10.1.0.160-10.1.0.180"}
"""What makes an order in production one of the stage before it."""

TESTING = "sites/vsphere-site-1/customer-a/customer-a-1.yaml"


@pytest.fixture(scope="module")
def ci(_undelivered: PulumiProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ci]:
    """Give a fleet in CI whose first pipeline has delivered all three environments."""
    folder = tmp_path_factory.mktemp("ci")
    with ExitStack() as stack:
        server = stack.enter_context(GuardedGitServer(folder / "served"))
        state, comments = stack.enter_context(state_server()), stack.enter_context(Comments())
        made = Ci(folder, server, state, comments)
        _move_in(PulumiProject.copied(_undelivered, folder / "moving"), made)
        first = made.runner()
        for name in ENVIRONMENTS:
            made.job(first, "deliver", name)
        yield made


def _move_in(project: PulumiProject, ci: Ci) -> None:
    """Put an embedded project onto the server, with the CI that schiff writes for it."""
    for name in REPOSITORIES:
        ci.server.create(name)
    for name in ENVIRONMENTS:
        settings = project.root / f"Pulumi.{name}.yaml"
        text = settings.read_text().replace(".schiff/ledger.git", ci.server.url("fleet"))
        for repository in REPOSITORIES[:2]:
            text = text.replace(f".schiff/{repository}.git", ci.server.url(repository))
        settings.write_text(text)
    order = project.root / "stacks" / "fleet" / PRODUCTION
    order.with_name("customer-a-8.yaml").write_text(order.read_text())
    for name, value in REFERENCE.items():
        project.edit(PRODUCTION.replace("a-9", "a-8"), name, value)
    said = project.schiff("new", "ci", "--gitlab", "--github", "--group", "my-company")
    assert "runner" not in said
    project.commit_fleet()
    git(project.root, "push", "-q", str(ci.fleet), "HEAD:refs/heads/main")
    git(project.root / ".schiff" / "ledger.git", "push", "-q", str(ci.fleet), "refs/heads/ledger/*:refs/heads/ledger/*")


def test_the_default_branch_is_delivered_to_all_three_environments(ci: Ci) -> None:
    for repository in REPOSITORIES[:2]:
        listed = git(ci.server.folder / f"{repository}.git", "ls-tree", "--name-only", "main:.schiff").split()
        assert listed == sorted(f"{name}.json" for name in ENVIRONMENTS)
    assert {name for name in ENVIRONMENTS if f".pulumi/stacks/schiff/{name}.json" in ci.objects()} == set(ENVIRONMENTS)
    before = ci.heads()
    assert "no changes" in ci.job(ci.runner(), "deliver", "prd")
    assert ci.heads() == before


def test_a_merge_request_has_one_comment_and_an_artefact_and_writes_nothing_else(ci: Ci) -> None:
    base = ci.merge_request("more-machines", PRODUCTION, "pools.md-0.replicas", 4)
    before, state = ci.heads(), ci.objects()
    runner = ci.runner("more-machines")
    log = ci.job(runner, "merge-request", base, status=0, **ci.comments.gitlab)
    assert (ci.heads(), ci.objects()) == (before, state)
    [comment] = ci.comments.ours
    assert comment in log
    assert comment == (runner / "schiff-report" / "comment.md").read_text()
    assert "### tst: nothing changes" in comment
    assert "### prd: 1 change\n" in comment
    assert "update TenantCluster vsphere-site-1/customer-a-9" in comment
    assert "/customer-a-9/MachineDeployment.yml" in comment
    [change, _] = json.loads((runner / "schiff-report" / "prd.json").read_text())["changes"]
    assert change["name"] == "vsphere-site-1/customer-a-9"
    assert "definitionsTree" in (runner / "schiff-report" / "prd.txt").read_text()
    assert (runner / "schiff-report" / "check.txt").read_text().endswith("files hold\n")


@pytest.mark.parametrize("system", ["gitlab", "github"])
def test_a_broken_order_fails_with_its_sentence_in_the_log_and_in_the_comment(ci: Ci, system: str) -> None:
    base = ci.merge_request(f"broken-{system}", PRODUCTION, "zone", "nowhere")
    before = ci.heads()
    runner = ci.runner(f"broken-{system}")
    variables = getattr(ci.comments, system)
    log = ci.job(runner, "merge-request", base, status=2, **variables)
    [comment] = [body for body in ci.comments.ours if body in log]
    for text in (log, comment):
        assert f"{PRODUCTION}:2:" in text
        assert "'nowhere'" in text
    assert "### tst" not in comment
    assert ci.heads() == before


def test_two_runners_at_the_same_time_lose_nothing(ci: Ci) -> None:
    _merge(ci, "together", 5)
    before = _commits(ci)
    jobs = [ci.start(ci.runner(), "deliver", "tst") for _ in range(2)]
    logs = [ci.ended(job) for job in jobs]
    assert _commits(ci) == before + 1
    assert sorted("no changes" in log.partition("definitions")[2].partition("\n")[0] for log in logs) == [False, True]
    assert "no changes" in ci.job(ci.runner(), "deliver", "tst")
    assert _commits(ci) == before + 1


def test_a_run_of_an_older_commit_takes_nothing_back(ci: Ci) -> None:
    late = ci.runner()
    _merge(ci, "newer", 6)
    ci.job(ci.runner(), "deliver", "tst")
    before = ci.heads()
    assert ci.job(late, "deliver", "tst").startswith("nothing done: the default branch is at ")
    assert ci.heads() == before


def test_a_runner_without_the_token_is_told_that_git_needs_one(ci: Ci) -> None:
    log = ci.job(ci.runner(), "deliver", "tst", status=1, SCHIFF_GIT_TOKEN="")
    assert log.rstrip().endswith("the head of the default branch cannot be read")


def test_no_credential_is_ever_said_or_written_down(ci: Ci) -> None:
    base = ci.merge_request("watched", TESTING, "zone", "nowhere")
    ci.job(ci.runner("watched"), "merge-request", base, status=2, **ci.comments.github)
    ci.job(ci.runner(), "deliver", "ref")
    ci.job(ci.runner(), "deliver", "tst", status=1, PULUMI_BACKEND_URL="s3://none?endpoint=http://127.0.0.1:1")
    kept = [path for path in _files(*ci.runners, ci.folder / "home") if _holds_one(path.read_bytes())]
    assert [text for text in (*ci.logs, *ci.comments.bodies.values()) if _holds_one(text.encode())] == []
    assert kept == []


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and ".venv" not in path.relative_to(folder).parts:
                yield path


def _holds_one(content: bytes) -> bool:
    return any(canary.encode() in content for canary in CANARIES)


def _merge(ci: Ci, change: str, replicas: int) -> None:
    ci.merge_request(change, TESTING, "pools.md-0.replicas", replicas)
    git(ci.fleet, "update-ref", "refs/heads/main", f"refs/heads/{change}")


def _commits(ci: Ci) -> int:
    return int(git(ci.server.folder / "cluster-definitions.git", "rev-list", "--count", "main"))

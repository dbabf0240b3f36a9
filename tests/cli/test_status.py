"""`schiff status`: from delivered repositories and living servers to a verdict a cluster, an exit status, a table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from tests.cli.living_clusters import MANAGEMENT, METAL3, VSPHERE, Living
from tests.git.repositories import commit, git
from tests.rollout.recorded_cluster import changed, conditioned
from tests.sources.fake_api_server import CANARY, answers

EVERYTHING = "everything is as it was delivered"


@pytest.fixture
def living(started: Living, monkeypatch: pytest.MonkeyPatch) -> Living:
    """Return the environment settled, whatever the test before did to it."""
    monkeypatch.chdir(started.root)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    started.settle()
    return started


@pytest.fixture
def asked(living: Living, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs `schiff status --json`, and answers with status and data."""

    def ask(*arguments: str) -> tuple[int, Any]:
        ended = run(["status", "--json", *arguments])
        shown = capsys.readouterr()
        assert (shown.err, CANARY in shown.out) == ("", False)
        return ended, json.loads(shown.out)

    return ask


def of(answer: Any, name: str) -> Any:
    return next(one for one in answer["clusters"] if one["name"] == name)


def live(living: Living, kind: str, name: str, server: str = MANAGEMENT) -> dict[str, Any]:
    objects = living.servers[server].objects.values()
    return next(item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name))


def test_a_settled_environment_is_healthy(asked: Any) -> None:
    ended, answer = asked("-e", "tst")
    assert {
        one["name"]: (one["verdict"], one["reason"], one["message"]) for one in answer["clusters"]
    } == dict.fromkeys((METAL3, MANAGEMENT, VSPHERE), ("Healthy", "Healthy", EVERYTHING))
    assert (ended, answer["status"], answer["code"], answer["verdict"]) == (0, 0, "ok", "Healthy")


def test_json_has_a_fixed_form(asked: Any) -> None:
    _, answer = asked("-e", "tst")
    assert list(answer) == [
        "environment",
        "verdict",
        "clusters",
        "customers",
        "sites",
        "counts",
        "at",
        "status",
        "code",
    ]
    tenant, manager = of(answer, VSPHERE), of(answer, MANAGEMENT)
    layer = {"verdict": "Healthy", "reason": "Healthy", "message": EVERYTHING, "object": VSPHERE}
    assert tenant == {
        "name": VSPHERE,
        "customer": "customer-a",
        "site": "vsphere-site-1",
        "managementCluster": MANAGEMENT,
        "kind": "tenant",
        **layer,
        "layers": {"capi": layer, "flux": layer, "tenant": layer},
    }
    assert (manager["kind"], manager["customer"], manager["site"]) == (
        "managementCluster",
        "platform",
        "vsphere-site-1",
    )
    assert answer["counts"] == {"total": 3, "healthy": 3, "progressing": 0, "unhealthy": 0, "unknown": 0}
    assert {name: group["total"] for name, group in answer["customers"].items()} == {"customer-a": 2, "platform": 1}
    assert {name: group["total"] for name, group in answer["sites"].items()} == {
        "baremetal-site-1": 1,
        "vsphere-site-1": 2,
    }


def test_a_tenant_that_cannot_be_read_is_unknown_and_hides_no_other(living: Living, asked: Any) -> None:
    living.servers[VSPHERE].misbehave(answers(500, {"message": CANARY}))
    ended, answer = asked("-e", "tst")
    one = of(answer, VSPHERE)
    assert (one["verdict"], one["reason"]) == ("Unknown", "ServerError")
    assert {name: layer["verdict"] for name, layer in one["layers"].items()} == {
        "capi": "Healthy",
        "flux": "Unknown",
        "tenant": "Unknown",
    }
    assert of(answer, METAL3)["verdict"] == "Healthy"
    assert (ended, answer["status"], answer["code"], answer["retryAfter"]) == (10, 10, "unknown", 10)


def test_a_failure_ends_with_differences(living: Living, asked: Any) -> None:
    failing = live(living, "Kustomization", "customer-a-1-cni")
    said = {"status": "False", "reason": "BuildFailed", "message": f"token={CANARY} is wrong"}
    living.servers[MANAGEMENT].put(conditioned(failing, "Ready", **said))
    ended, answer = asked("-e", "tst")
    one = of(answer, VSPHERE)
    assert (one["verdict"], one["reason"]) == ("Unhealthy", "BuildFailed")
    assert one["object"] == "Kustomization/vsphere-site-1-customer-a-1/customer-a-1-cni"
    assert (ended, answer["code"]) == (7, "unhealthy")


def test_one_cluster_alone(asked: Any, living: Living) -> None:
    living.servers[METAL3].requests.clear()
    ended, answer = asked("-e", "tst", "--cluster", VSPHERE)
    assert (ended, [one["name"] for one in answer["clusters"]]) == (0, [VSPHERE])
    assert living.servers[METAL3].requests == []


def test_a_name_that_was_not_delivered_is_bad_input(asked: Any) -> None:
    ended, answer = asked("-e", "tst", "--cluster", "customer-a-1")
    assert (ended, answer["code"]) == (2, "invalid-input")
    assert f"name one of {METAL3}, {MANAGEMENT}, {VSPHERE}" in answer["message"]


def test_the_administrators_kubeconfig_is_read_only_when_asked_for(living: Living, asked: Any) -> None:
    living.servers[MANAGEMENT].drop("Secret")
    for name in (VSPHERE, METAL3):
        living.give(name, "kubeconfig")
    assert of(asked("-e", "tst")[1], VSPHERE)["reason"] == "KubeconfigMissing"
    assert asked("-e", "tst", "--admin")[0] == 0


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("nowhere", "KubeconfigMissing"), ("$NOT_SET", "KubeconfigMissing"), ("Pulumi.yaml", "KubeconfigMissing")],
)
def test_without_a_usable_kubeconfig_everything_is_unknown(
    living: Living, asked: Any, setting: str, reason: str
) -> None:
    file = living.root / "Pulumi.tst.yaml"
    before = file.read_text()
    file.write_text(f"config: {{'schiff:kubeconfig': '{setting}'}}\n")
    try:
        ended, answer = asked("-e", "tst")
    finally:
        file.write_text(before)
    assert ended == 10
    assert {one["verdict"] for one in answer["clusters"]} == {"Unknown"}
    assert {one["reason"] for one in answer["clusters"]} == {reason}


def test_a_context_that_is_not_there_is_said(living: Living, asked: Any) -> None:
    file = living.root / "kubeconfig"
    before = file.read_text()
    file.write_text(before.replace("the-context", "another"))
    try:
        _, answer = asked("-e", "tst")
    finally:
        file.write_text(before)
    assert {one["reason"] for one in answer["clusters"]} == {"ContextUnknown"}


def test_an_older_commit_counts_while_it_has_the_delivered_trees(living: Living, asked: Any) -> None:
    commit(living.repository("definitions"), {"elsewhere/x.yaml": f"at: {time.time()}\n"})
    assert asked("-e", "tst")[0] == 0


def test_a_commit_that_nobody_has_is_unknown(living: Living, asked: Any) -> None:
    source = live(living, "GitRepository", "cluster-definitions")
    living.servers[MANAGEMENT].put(changed(source, ("status", "artifact", "revision"), "main@sha1:" + "1" * 40))
    _, answer = asked("-e", "tst")
    assert {one["reason"] for one in answer["clusters"]} == {"CommitNotFound"}


def test_a_folder_that_somebody_else_changed_is_not_what_was_delivered(living: Living, asked: Any) -> None:
    path = f"{living.expected[VSPHERE].expected.definitions}/Cluster.yml"
    bare = living.repository("definitions")
    before = git(bare, "show", f"main:{path}")
    commit(bare, {path: "kind: Cluster\n: [broken"})
    ended, answer = asked("-e", "tst")
    commit(bare, {path: before})
    assert (ended, of(answer, VSPHERE)["reason"]) == (10, "EditedByOthers")
    assert of(answer, METAL3)["verdict"] == "Healthy"


def test_people_read_a_table_by_site_and_customer(living: Living, capsys: pytest.CaptureFixture[str]) -> None:
    living.servers[VSPHERE].misbehave(answers(401, {"message": CANARY}))
    assert run(["status", "-e", "tst"]) == 10
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("tst  Unknown  3 clusters: 2 Healthy, 1 Unknown  20")
    place = "Cluster/vsphere-site-1-customer-a-1/customer-a-1"
    words = "does not accept the credentials: they are expired, revoked, or of another cluster"
    assert rest == [
        "",
        "baremetal-site-1  Healthy",
        "  customer-a  Healthy",
        "    customer-a-2   Healthy",
        "",
        "vsphere-site-1  Unknown",
        "  customer-a  Unknown",
        f"    customer-a-1   Unknown      Unauthorized  {place}: the API server of {VSPHERE} {words}",
        "  platform  Healthy",
        "    schiff-mgmt-x  Healthy",
    ]


def test_watching_says_what_changed_and_nothing_else(
    living: Living, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(seconds: float) -> None:
        looks.append(capsys.readouterr().out)
        if len(looks) == 2:
            living.servers[VSPHERE].misbehave(answers(403, {}))
        if len(looks) == 4:
            raise KeyboardInterrupt

    looks: list[str] = []
    monkeypatch.setattr("schiff.cli.status.sleep", later)
    assert run(["status", "-e", "tst", "--watch"]) == 130
    first, same, after, again = looks
    assert "customer-a-1   Healthy" in first
    assert (same, again) == ("", "")
    assert f"tst {VSPHERE}: Unknown Forbidden Cluster/" in after
    assert after.count("\n") == 1


def test_watching_outlives_a_git_server_that_is_away(
    living: Living, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(seconds: float) -> None:
        looks.append(capsys.readouterr())
        if len(looks) == 1:
            bare.rename(away)
            bare.mkdir()
            (bare / "HEAD").write_text("broken")
        if len(looks) == 2:
            (bare / "HEAD").unlink()
            bare.rmdir()
            away.rename(bare)
        if len(looks) == 3:
            raise KeyboardInterrupt

    looks: list[Any] = []
    bare = living.repository("components")
    away = bare.with_name("away")
    monkeypatch.setattr("schiff.cli.status.sleep", later)
    assert run(["status", "-e", "tst", "--watch"]) == 130
    assert (looks[0].err, looks[1].out) == ("", "")
    assert f"{bare} cannot be read" in looks[1].err
    assert (looks[2].out, looks[2].err) == ("", "")


def test_without_an_environment_all_that_have_a_stack_are_read(living: Living, asked: Any) -> None:
    file = living.root / "Pulumi.ref.yaml"
    file.write_text("config: {'schiff:kubeconfig': kubeconfig}\n")
    try:
        ended, answer = asked()
    finally:
        file.unlink()
    assert [one["environment"] for one in answer["environments"]] == ["tst", "ref"]
    assert [one["verdict"] for one in answer["environments"]] == ["Healthy", "Unknown"]  # nothing in ref: not green
    assert (ended, answer["verdict"]) == (10, "Unknown")
    assert asked()[1]["environment"] == "tst"


def test_nothing_secret_is_left_behind(living: Living, asked: Any) -> None:
    asked("-e", "tst")
    kept = [path for path in (living.root / ".schiff").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if CANARY.encode() in path.read_bytes()]


def test_no_repository_is_made_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living: Living) -> None:
    assert living.root != tmp_path
    (tmp_path / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
    (tmp_path / "Pulumi.tst.yaml").write_text(f"config: {{'schiff:fleet': '{living.root}/stacks/fleet'}}\n")
    monkeypatch.chdir(tmp_path)
    assert run(["status", "-e", "tst"]) == 10
    assert not list(tmp_path.rglob("*.git"))

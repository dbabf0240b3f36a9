"""`schiff kubeconfigs issue`: the reading account's kubeconfig reaches the management cluster, once, and no screen."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml

from schiff.cli.app import run
from tests.bed.kubeconfig import kubeconfig
from tests.cli.living_clusters import MANAGEMENT, METAL3, VSPHERE, Living
from tests.sources.fake_api_server import CANARY, a_secret, answers

TOKEN = "token-of-the-reading-account-4711"
STATUS = "/api/v1/namespaces/vsphere-site-1-customer-a-1/secrets/customer-a-1-status"


@pytest.fixture
def living(started: Living, monkeypatch: pytest.MonkeyPatch) -> Living:
    """Return the environment as it is before: administrators' kubeconfigs and tokens are there, nothing was issued."""
    monkeypatch.chdir(started.root)
    started.settle()
    started.servers[MANAGEMENT].drop("Secret")
    for name in (VSPHERE, METAL3):
        started.give(name, "kubeconfig")
        started.servers[name].put(a_secret("schiff-system", "schiff-status-token", TOKEN, "token"))
    return started


@pytest.fixture
def asked(living: Living, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return what runs the command with ``--json``, and answers with status and data."""

    def ask(*arguments: str) -> tuple[int, Any]:
        ended = run(["kubeconfigs", "issue", "-e", "tst", "--json", *arguments])
        shown = capsys.readouterr()
        assert not any(secret in shown.out + shown.err for secret in (CANARY, TOKEN))
        return ended, json.loads(shown.out)

    return ask


def issued(living: Living) -> Any:
    """Return the kubeconfig that was issued for the vSphere tenant."""
    return yaml.safe_load(base64.b64decode(living.servers[MANAGEMENT].objects[STATUS]["data"]["value"]))


def writes(living: Living) -> list[str]:
    return [line for line in living.servers[MANAGEMENT].requests if not line.startswith("GET")]


def test_every_tenant_gets_a_kubeconfig_with_its_own_token(living: Living, asked: Any) -> None:
    ended, answer = asked()
    written = {"written": [METAL3, VSPHERE], "unchanged": [], "waiting": [], "troubles": []}
    assert (ended, answer) == (0, {"environment": "tst", **written})
    server = living.servers[VSPHERE]
    found = issued(living)
    assert found["clusters"][0]["cluster"] == server.access["cluster"]
    assert found["users"][0]["user"] == {"token": TOKEN}
    secret = living.servers[MANAGEMENT].objects[STATUS]
    assert (secret["type"], secret["metadata"]["labels"]) == (
        "cluster.x-k8s.io/secret",
        {"cluster.x-k8s.io/cluster-name": "customer-a-1"},
    )


def test_it_is_applied_on_the_server_and_nothing_else_is_written(living: Living, asked: Any) -> None:
    asked("--cluster", VSPHERE)
    assert writes(living) == [f"PATCH {STATUS}?force=true&fieldManager=schiff"]
    assert writes_of_tenants(living) == []


def writes_of_tenants(living: Living) -> list[str]:
    return [line for name in (VSPHERE, METAL3) for line in living.servers[name].requests if line[:3] != "GET"]


def test_a_second_run_writes_nothing(living: Living, asked: Any) -> None:
    asked()
    before = writes(living)
    assert asked()[1]["unchanged"] == [METAL3, VSPHERE]
    assert writes(living) == before


def test_a_new_token_is_issued_again(living: Living, asked: Any) -> None:
    asked()
    living.servers[VSPHERE].put(a_secret("schiff-system", "schiff-status-token", f"{TOKEN}-new", "token"))
    _, answer = asked()
    assert (answer["written"], answer["unchanged"]) == ([VSPHERE], [METAL3])
    assert issued(living)["users"][0]["user"] == {"token": f"{TOKEN}-new"}


def test_a_tenant_without_a_token_is_waited_for(living: Living, asked: Any) -> None:
    living.servers[VSPHERE].drop("Secret")
    ended, answer = asked()
    assert (ended, answer["waiting"], answer["written"]) == (10, [VSPHERE], [METAL3])


def test_a_tenant_that_cluster_api_has_not_made_is_waited_for(living: Living, asked: Any) -> None:
    living.servers[MANAGEMENT].drop("Secret")
    ended, answer = asked()
    assert (ended, answer["waiting"]) == (10, [METAL3, VSPHERE])


def test_trouble_with_one_tenant_stops_no_other(living: Living, asked: Any) -> None:
    living.servers[VSPHERE].misbehave(answers(500, {"message": CANARY}))
    ended, answer = asked()
    assert (ended, answer["written"]) == (1, [METAL3])
    assert answer["troubles"] == [f"{VSPHERE}: the API server of {VSPHERE} answers 500"]


def test_the_token_of_another_cluster_is_never_issued(living: Living, asked: Any) -> None:
    text = kubeconfig({"tenant": living.servers[METAL3].access})
    living.servers[MANAGEMENT].put(a_secret("vsphere-site-1-customer-a-1", "customer-a-1-kubeconfig", text))
    ended, answer = asked("--cluster", VSPHERE)
    assert ended == 1
    assert "leads to another cluster than customer-a-1: there, cluster-name customer-a-2" in answer["troubles"][0]
    assert STATUS not in living.servers[MANAGEMENT].objects


def test_a_management_cluster_that_takes_nothing_is_said(living: Living, asked: Any) -> None:
    living.servers[MANAGEMENT].misbehave(answers(403, {"message": CANARY}), "-status?force")
    ended, answer = asked()
    assert ended == 1
    assert all("keeps secrets" in line for line in answer["troubles"])


def test_people_read_a_line_for_each_tenant(living: Living, capsys: pytest.CaptureFixture[str]) -> None:
    living.servers[METAL3].drop("Secret")
    assert run(["kubeconfigs", "issue", "-e", "tst"]) == 10
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"{METAL3}: not yet, the tenant has not made the token of schiff-status yet",
        f"{VSPHERE}: written",
    ]
    assert not any(secret in shown.out + shown.err for secret in (CANARY, TOKEN))


def test_what_was_issued_is_what_status_reads(living: Living, asked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (VSPHERE, METAL3):
        living.servers[name].put(a_secret("schiff-system", "schiff-status-token", CANARY, "token"))
    asked()
    assert run(["status", "-e", "tst"]) == 0
    assert CANARY not in capsys.readouterr().out

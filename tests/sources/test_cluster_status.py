"""Looking at clusters: Healthy when all is well, and whatever else a server does is a reason and never green."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import yaml
from lightkube import KubeConfig

from schiff.rollout.health import Finding, Observation, Verdict, cluster_health
from schiff.sources.cluster_status import Access, Look, Subject, look_at
from tests.bed.kubeconfig import kubeconfig
from tests.bed.process import free_port
from tests.rollout.recorded_cluster import World, changed, settled
from tests.sources.fake_api_server import (
    CANARY,
    FakeApiServer,
    Misbehaviour,
    a_secret,
    answers,
    breaks_off,
    drips,
    drips_a_body,
    hangs,
)

NAMESPACE, SECRET = "vsphere-site-1-customer-a-1", "customer-a-1-status"
NAME = "vsphere-site-1/customer-a-1"
LABELS = {"cluster.x-k8s.io/cluster-name": "customer-a-1", "schiff.example/site": "vsphere-site-1"}
RELEASE_MAP = ("", "ConfigMap", "schiff-system", "schiff-release")


def labelled() -> World:
    """Return the settled world, whose ConfigMap says which cluster it is, as compiled ones do."""
    world = settled()
    live = changed(world.tenant[RELEASE_MAP], ("metadata", "labels"), LABELS)
    others = tuple(item for item in world.expected.tenant if item["kind"] != "ConfigMap")
    return replace(world, expected=replace(world.expected, tenant=(*others, live))).having(live, tenant=True)


@dataclass
class Servers:
    """A management cluster and one tenant, as two API servers."""

    world: World
    management: FakeApiServer
    tenant: FakeApiServer

    def give(self, access: Mapping[str, Any] | str | None, name: str = SECRET) -> None:
        """Have the management cluster keep a kubeconfig of the tenant."""
        self.management.drop("Secret")
        if access is not None:
            text = access if isinstance(access, str) else kubeconfig({"tenant": access})
            self.management.put(a_secret(NAMESPACE, name, text))

    def look(self, seconds: float = 20, purpose: str = "status", context: Finding | None = None) -> Look:
        own = KubeConfig.from_dict(yaml.safe_load(kubeconfig({"x": self.management.access}))).get()
        assert own is not None
        access = Access({"schiff-mgmt-x": context or own}, purpose, seconds)
        return look_at([Subject(self.world.expected, "schiff-mgmt-x")], access)[NAME]

    def verdict(self, look: Look) -> Verdict:
        seen = self.world.observed
        observation = Observation(look.management, look.tenant, seen.trees, seen.at)
        health = cluster_health(self.world.expected, observation)
        assert CANARY not in json.dumps(health.as_json())
        return health.verdict


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeApiServer, FakeApiServer]]:
    folder = tmp_path_factory.mktemp("servers")
    with FakeApiServer(folder / "x") as management, FakeApiServer(folder / "t") as tenant:
        yield management, tenant


@pytest.fixture
def servers(running: tuple[FakeApiServer, FakeApiServer]) -> Servers:
    management, tenant = running
    world = labelled()
    management.hold(world.management.values())
    tenant.hold(world.tenant.values())
    found = Servers(world, management, tenant)
    found.give(tenant.access)
    return found


def trouble(look: Look) -> Finding:
    assert look.tenant.trouble is not None
    assert CANARY not in str(look.tenant.trouble)
    return look.tenant.trouble


def test_a_settled_cluster_is_healthy_as_it_is_read(servers: Servers) -> None:
    look = servers.look()
    assert (look.management.trouble, look.tenant.trouble) == (None, None)
    assert servers.verdict(look) is Verdict.Healthy


def test_a_look_asks_little_of_each_server(servers: Servers) -> None:
    servers.look()
    assert len(servers.management.requests) <= 14
    assert len(servers.tenant.requests) <= 7


def test_nothing_is_ever_asked_but_to_read(servers: Servers) -> None:
    servers.look()
    assert {line.split()[0] for line in servers.management.requests + servers.tenant.requests} == {"GET"}
    asked = [line for line in servers.management.requests if "/secrets" in line]
    assert asked == [f"GET /api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}"]


def test_the_administrators_kubeconfig_is_used_only_when_asked_for(servers: Servers) -> None:
    servers.give(servers.tenant.access, "customer-a-1-kubeconfig")
    assert trouble(servers.look()).reason == "KubeconfigMissing"
    assert servers.verdict(servers.look(purpose="kubeconfig")) is Verdict.Healthy


MISBEHAVIOURS = [
    (answers(500, {"message": CANARY}), "ServerError"),
    (answers(500, f'{{"message": "{CANARY}'), "AnswerBroken"),
    (answers(200, f'{{"items": [{{"{CANARY}'), "AnswerBroken"),
    (answers(200, [CANARY]), "AnswerBroken"),
    (answers(200, "<html>"), "AnswerBroken"),
    (answers(302, {}), "ServerError"),
    (answers(401, {"message": CANARY}), "Unauthorized"),
    (answers(403, {"message": CANARY}), "Forbidden"),
    (answers(429, {"message": CANARY}), "ServerError"),
    (breaks_off, "ConnectionBroken"),
    (hangs, "TimedOut"),
    (drips, "TimedOut"),
    (drips_a_body, "TimedOut"),
]


@pytest.mark.parametrize("where", ["", "kustomizations"])
@pytest.mark.parametrize(("how", "reason"), MISBEHAVIOURS)
def test_a_tenant_that_misbehaves_is_unknown_with_the_reason_and_in_time(
    servers: Servers, how: Misbehaviour, reason: str, where: str
) -> None:
    servers.tenant.misbehave(how, where)
    before = time.monotonic()
    look = servers.look(seconds=1)
    assert time.monotonic() - before < 8
    assert trouble(look).reason == reason
    assert trouble(look).object == f"Cluster/{NAMESPACE}/customer-a-1"
    assert servers.verdict(look) is Verdict.Unknown


@pytest.mark.parametrize(("how", "reason"), MISBEHAVIOURS)
def test_a_management_cluster_that_misbehaves_makes_both_sides_unknown(
    servers: Servers, how: Misbehaviour, reason: str
) -> None:
    servers.management.misbehave(how, "clusters")
    look = servers.look(seconds=0.4)
    assert look.management.trouble is not None
    assert look.management.trouble.reason == reason == trouble(look).reason
    assert servers.verdict(look) is Verdict.Unknown
    assert servers.tenant.requests == []


def inner(servers: Servers, **user: Any) -> dict[str, Any]:
    return {**servers.tenant.access, "user": user}


def outer(servers: Servers, **cluster: Any) -> dict[str, Any]:
    access = servers.tenant.access
    return {**access, "cluster": {**access["cluster"], **cluster}}


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda _: None, "KubeconfigMissing"),
        (lambda _: "", "KubeconfigInvalid"),
        (lambda _: CANARY, "KubeconfigInvalid"),
        (lambda _: f"clusters: {CANARY}", "KubeconfigInvalid"),
        (lambda servers: inner(servers, token="expired"), "Unauthorized"),
        (lambda servers: inner(servers, exec={"apiVersion": "v1", "command": "touch"}), "KubeconfigRefused"),
        (lambda servers: inner(servers, tokenFile="/etc/passwd"), "KubeconfigRefused"),
        (lambda servers: outer(servers, **{"certificate-authority": "/etc/passwd"}), "KubeconfigRefused"),
        (lambda servers: outer(servers, **{"insecure-skip-tls-verify": True}), "KubeconfigRefused"),
        (lambda servers: outer(servers, server=servers.tenant.url.replace("https", "http")), "KubeconfigRefused"),
        (lambda servers: outer(servers, server="https://"), "Unreachable"),
        (lambda servers: outer(servers, server=f"https://127.0.0.1:{free_port()}"), "Unreachable"),
        (lambda servers: outer(servers, server="https://no-such-host.invalid"), "Unreachable"),
        (lambda servers: outer(servers, server=servers.management.url), "CertificateNotTrusted"),
        (lambda servers: outer(servers, **{"certificate-authority-data": "AAAA"}), "KubeconfigInvalid"),
    ],
)
def test_a_kubeconfig_that_does_not_lead_to_the_tenant_is_unknown(servers: Servers, made: Any, reason: str) -> None:
    servers.give(made(servers))
    look = servers.look()
    assert trouble(look).reason == reason
    assert look.management.trouble is None
    assert servers.verdict(look) is Verdict.Unknown


def test_a_kubeconfig_for_another_cluster_is_noticed_though_all_is_well_there(servers: Servers) -> None:
    other = servers.world.tenant[RELEASE_MAP]
    servers.tenant.put(changed(other, ("metadata", "labels", "schiff.example/site"), "vsphere-site-2"))
    look = servers.look()
    assert trouble(look).reason == "WrongCluster"
    assert "leads to another cluster than customer-a-1: there, site vsphere-site-2" in trouble(look).message
    assert servers.verdict(look) is Verdict.Unknown


def test_a_context_that_leads_to_another_management_cluster_is_noticed(servers: Servers) -> None:
    servers.management.put(servers.world.tenant[RELEASE_MAP])  # of customer-a-1, not of schiff-mgmt-x
    look = servers.look()
    assert look.management.trouble is not None
    assert look.management.trouble.reason == "WrongCluster"


def test_a_management_cluster_without_a_context_is_said_as_it_is(servers: Servers) -> None:
    missing = Finding(Verdict.Unknown, "ContextUnknown", "no such context", "Context/x")
    look = servers.look(context=missing)
    assert look.management.trouble == look.tenant.trouble == missing


def test_a_secret_that_may_not_be_read_is_said(servers: Servers) -> None:
    servers.management.misbehave(answers(403, {"message": CANARY}), "/secrets/")
    assert trouble(servers.look()).reason == "SecretNotReadable"


def test_machines_of_the_infrastructure_can_be_kept_from_the_account(servers: Servers) -> None:
    servers.management.misbehave(answers(403, {}), "devmachines")
    look = servers.look()
    assert look.management.trouble is None
    assert servers.verdict(look) is not Verdict.Healthy  # nothing else says which template a machine is of


def test_an_older_version_is_read_where_the_newer_is_not_served(servers: Servers) -> None:
    servers.management.misbehave(answers(404, {}), "v1beta2")
    servers.look()
    assert "GET /apis/cluster.x-k8s.io/v1beta1/clusters?limit=500" in servers.management.requests


def test_a_tenant_that_is_being_removed_is_asked_nothing(servers: Servers) -> None:
    servers.world = replace(servers.world, expected=replace(servers.world.expected, removal="b"))
    look = servers.look()
    assert (look.tenant.trouble, servers.tenant.requests) == (None, [])
    assert servers.verdict(look) is not Verdict.Healthy

"""`schiff status` of a running loop, with exactly the rights schiff emits: what is well, and each kind of trouble.

Cluster API is played, so no cluster is wholly Healthy here; its Flux objects and
the tenant itself are real, on both sides.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import pyrage
import pytest

from schiff.compiler.status_access import STATUS_ACCOUNT, status_secret
from schiff.manifests.flux import COMPONENTS, DECRYPTION_KEY, FLUX_NAMESPACE
from tests.bed.kubeconfig import bearer, kubeconfig
from tests.bed.objects import KUSTOMIZE, SOURCE, Object, Objects
from tests.bed.tenant import Tenant
from tests.bed.waiting import wait_for
from tests.journeys.loop import Loop

SITE, NAME = "vsphere-site-1", "customer-a-1"
CLUSTER, NAMESPACE = f"{SITE}/{NAME}", f"{SITE}-{NAME}"
ORDER = f"sites/{SITE}/customer-a/{NAME}.yaml"
STAGES = ("cni", "flux", "config")
Layers = dict[str, dict[str, str]]


class Watched:
    """A tenant of the loop that pulled its own configuration, read as CI would read it."""

    def __init__(self, loop: Loop, tenant: Tenant) -> None:
        self.loop, self.tenant = loop, tenant
        self.management = loop.management.objects

    def settle(self) -> None:
        """Have both sides apply what Git holds."""
        self.loop.settle()
        for stage in STAGES:
            self.management.reconcile(KUSTOMIZE, "Kustomization", f"{NAME}-{stage}", NAMESPACE)
        for stage in STAGES:
            self.management.wait_ready("Kustomization", f"{NAME}-{stage}", NAMESPACE, seconds=180)

    def begin(self) -> None:
        """Have the tenant appear, pull and be readable."""
        self.tenant.publish(self.management)
        for stage in STAGES:
            self.management.reconcile(KUSTOMIZE, "Kustomization", f"{NAME}-{stage}", NAMESPACE)
            if stage == "flux":
                self.tenant.start_flux(120)
            self.management.wait_ready("Kustomization", f"{NAME}-{stage}", NAMESPACE, seconds=180)
        self._use_only_what_is_emitted()
        wait_for(lambda: self.issued() == 0, "the reading account of the tenant", 120, 1)

    def layers(self, *options: str) -> Layers:
        """Return what status says of the tenant's layers; it ends with a status that is not of an error."""
        found = self._look(*options, status=10)
        return {**found["layers"], "whole": found}

    def wait_layer(self, layer: str, verdict: str, reason: str = "") -> dict[str, str]:
        """Look until a layer has a verdict, and for a reason where one is given."""

        def seen() -> dict[str, str] | None:
            found = self._look()["layers"][layer]
            return found if (found["verdict"], found["reason"]) == (verdict, reason or found["reason"]) else None

        return wait_for(seen, f"{layer} of {CLUSTER} {verdict} {reason}", 120, 1)

    def _look(self, *options: str, status: int | None = None) -> Any:
        command = ("schiff", "status", "-e", "tst", "--cluster", CLUSTER, "--json", *options)
        [found] = json.loads(self.loop.project.run(*command, status=status).stdout)["clusters"]
        return found

    def issued(self) -> int:
        """Issue the kubeconfig of the reading account as the administrator, and return how that ended."""
        command = ("schiff", "kubeconfigs", "issue", "-e", "tst", "--cluster", CLUSTER)
        admin = str(self.loop.management.control_plane.kubeconfig)
        return self.loop.project.run(*command, status=None, KUBECONFIG=admin).returncode

    def _use_only_what_is_emitted(self) -> None:
        """Give status a kubeconfig with a token of the emitted account, and nothing else."""
        path = f"/api/v1/namespaces/{STATUS_ACCOUNT.namespace}/serviceaccounts/{STATUS_ACCOUNT.name}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = self.management.client.create(path, request)
        plane = self.loop.management.control_plane
        context = bearer(plane.url, plane.authority.certificates, answer.json()["status"]["token"])
        file = self.loop.project.root.parent / "reader.kubeconfig"
        file.write_text(kubeconfig({self.loop.management.name: context}))
        self.loop.project.variables["KUBECONFIG"] = str(file)


@pytest.fixture(scope="module")
def watched(loop: Loop) -> Iterator[Watched]:
    """Return a tenant that pulled its own configuration."""
    loop.settle()
    with loop.tenant(SITE, NAME) as tenant:
        watched = Watched(loop, tenant)
        watched.begin()
        yield watched
        loop.project.variables.pop("KUBECONFIG")


def test_a_tenant_that_pulled_its_own_configuration_is_healthy_but_for_cluster_api(watched: Watched) -> None:
    watched.wait_layer("flux", "Healthy")
    layers = watched.layers()
    assert layers["tenant"]["verdict"] == "Healthy"
    assert (layers["capi"]["verdict"], layers["whole"]["verdict"]) == ("Unknown", "Unknown")
    assert layers["whole"]["object"] == layers["capi"]["object"]
    assert NAMESPACE in layers["whole"]["object"]


def test_a_commit_that_nobody_pulled_yet_is_not_green(watched: Watched) -> None:
    watched.loop.management.flux.kill("source-controller")
    try:
        watched.loop.project.edit(ORDER, "pools.md-0.replicas", 5)
        watched.loop.up("tst")
        flux = watched.layers()["flux"]
        assert flux["verdict"] != "Healthy"
        assert flux["reason"] == "TreeNotReached"
    finally:
        watched.loop.management.flux.start()
    watched.settle()
    watched.wait_layer("flux", "Healthy")


def test_a_suspended_object_is_unknown(watched: Watched) -> None:
    own = _kustomization(watched.tenant.objects, "self")
    watched.tenant.objects.change(own, {"spec": {"suspend": True}})
    found = watched.wait_layer("flux", "Unknown", "Suspended")
    assert found["object"] == f"Kustomization/{FLUX_NAMESPACE}/self"
    watched.tenant.objects.change(own, {"spec": {"suspend": None}})
    watched.wait_layer("flux", "Healthy")


def test_a_wrong_key_says_that_nothing_can_be_decrypted(watched: Watched) -> None:
    management, stage = watched.management, f"{NAME}-config"
    _use_key(management, watched.loop, str(pyrage.x25519.Identity.generate()))
    management.reconcile(KUSTOMIZE, "Kustomization", stage, NAMESPACE)
    try:
        found = watched.wait_layer("flux", "Unhealthy")
        assert "decrypt" in found["message"]
        assert found["object"] == f"Kustomization/{NAMESPACE}/{stage}"
    finally:
        _use_key(management, watched.loop, watched.loop.fleet.keys[watched.loop.management.name])
    watched.settle()
    watched.wait_layer("flux", "Healthy")


def test_a_git_server_that_is_away_is_said_by_the_source(watched: Watched) -> None:
    watched.loop.git.stop()
    try:
        watched.management.reconcile(SOURCE, "GitRepository", COMPONENTS)
        wait_for(lambda: _failing(watched.management, COMPONENTS), "the source failing")
    finally:
        watched.loop.git.start()
    watched.settle()
    watched.wait_layer("flux", "Healthy")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda text: text[: len(text) // 2], "KubeconfigInvalid"),
        (lambda text: text.replace("eyJ", "eyK"), "Unauthorized"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_makes_both_layers_unknown(
    watched: Watched, spoil: Callable[[str], str], reason: str
) -> None:
    name = status_secret(NAME)
    secret = watched.management.get("v1", "Secret", name, NAMESPACE)
    assert secret is not None
    whole = {**secret, "apiVersion": "v1", "kind": "Secret"}
    watched.management.change(whole, {"stringData": {"value": spoil(_text(secret))}})
    try:
        layers = watched.layers()
        assert {layers[each]["verdict"] for each in ("flux", "tenant")} == {"Unknown"}
        assert layers["tenant"]["reason"] == reason
    finally:
        watched.management.change(whole, {"data": secret["data"]})


def test_a_tenant_that_is_gone_is_unknown_in_time(watched: Watched) -> None:
    watched.tenant.stop()
    try:
        layers = watched.layers("--timeout", "5")
    finally:
        watched.tenant.start()
        watched.tenant.start_flux()
    assert {layers[each]["verdict"] for each in ("flux", "tenant")} == {"Unknown"}
    assert layers["tenant"]["reason"] == "Unreachable"
    watched.wait_layer("tenant", "Healthy")


def test_a_secret_that_was_never_issued_is_named_with_its_cure(watched: Watched) -> None:
    secret = watched.management.get("v1", "Secret", status_secret(NAME), NAMESPACE)
    assert secret is not None
    watched.management.delete({**secret, "apiVersion": "v1", "kind": "Secret"})
    layers = watched.layers()
    assert layers["tenant"]["reason"] == "KubeconfigMissing"
    assert "schiff kubeconfigs issue" in layers["tenant"]["message"]
    assert watched.issued() == 0
    watched.wait_layer("tenant", "Healthy")


def _kustomization(objects: Objects, name: str) -> Object:
    found = objects.get(KUSTOMIZE, "Kustomization", name)
    assert found is not None
    return {**found, "apiVersion": KUSTOMIZE, "kind": "Kustomization"}


def _use_key(management: Objects, loop: Loop, key: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": DECRYPTION_KEY, "namespace": FLUX_NAMESPACE}}
    management.apply({**secret, "stringData": {f"{loop.management.name}.agekey": key}})


def _failing(management: Objects, source: str) -> str:
    found = management.get(SOURCE, "GitRepository", source) or {}
    conditions = (found.get("status") or {}).get("conditions") or []
    return next((each["message"] for each in conditions if each["type"] == "Ready" and each["status"] == "False"), "")


def _text(secret: Object) -> str:
    return b64decode(secret["data"]["value"]).decode()

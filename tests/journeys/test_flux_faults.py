"""The loop between Git and a management cluster meets trouble and heals; what others write stays theirs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyrage
import pytest

from schiff.manifests.flux import DECRYPTION_KEY, DEFINITIONS, FLUX_NAMESPACE
from tests.bed.objects import KUSTOMIZE, SOURCE, Object, condition, is_ready, revision_of
from tests.bed.reading import read_documents
from tests.bed.waiting import wait_for
from tests.git.repositories import commit
from tests.journeys.delivered import Delivered
from tests.journeys.loop import Loop

METAL = "baremetal-site-1-customer-a-1"
VIRTUAL = "vsphere-site-1-customer-c-1"
CHECKS = "MachineHealthcheck.yml"


@pytest.fixture(scope="module", autouse=True)
def _as_before(loop: Loop) -> Iterator[None]:
    """Put back what the tests of this module push."""
    loop.settle()
    paths = [f"{loop.folder_of(name)}/{CHECKS}" for name in (METAL, VIRTUAL)]
    before = Delivered(loop.repository("definitions")).files
    yield
    commit(loop.repository("definitions"), {path: before[path].decode() for path in paths})
    loop.settle()


@pytest.fixture
def change(loop: Loop) -> Change:
    """Return a change that somebody makes to a cluster's folder when Flux has nothing else to do."""
    loop.settle()
    return Change(loop)


class Change:
    """A number in a cluster's folder that nothing had before."""

    _numbers = itertools.count(4321)

    def __init__(self, loop: Loop) -> None:
        self._loop, self._number = loop, next(self._numbers)

    def push(self, name: str) -> str:
        """Write it into the folder of a cluster; return the commit."""
        path = f"{self._loop.folder_of(name)}/{CHECKS}"
        text = Delivered(self._loop.repository("definitions")).files[path].decode()
        changed = re.sub(r"(nodeStartupTimeoutSeconds:) \d+", rf"\1 {self._number}", text)
        return commit(self._loop.repository("definitions"), {path: changed})

    def arrived(self, name: str) -> bool:
        """Say whether it is in the cluster: in all objects, or in none."""
        text = Delivered(self._loop.repository("definitions")).files[f"{self._loop.folder_of(name)}/{CHECKS}"]
        checks = [item for item in read_documents(text) if item["kind"] == "MachineHealthCheck"]
        live = [self._loop.find(check) or {} for check in checks]
        found = {item["spec"]["checks"]["nodeStartupTimeoutSeconds"] == self._number for item in live}
        assert len(found) == 1
        return found == {True}


def of_definitions(loop: Loop) -> list[Object]:
    """Return what the management cluster applies of the repository that is pushed to."""
    return [item for item in loop.own_kustomizations() if item["spec"]["sourceRef"]["name"] == DEFINITIONS]


def reached(loop: Loop, revision: str) -> list[str]:
    """Return which of these are at a commit."""
    return [item["metadata"]["name"] for item in of_definitions(loop) if revision_of(item).endswith(revision)]


def ask(loop: Loop) -> None:
    """Have Flux look at the repository now, and wait for nothing."""
    loop.management.objects.reconcile(SOURCE, "GitRepository", DEFINITIONS)


def test_controllers_killed_in_the_middle_finish_after_their_restart(loop: Loop, change: Change) -> None:
    revision = change.push(VIRTUAL)
    ask(loop)
    loop.management.flux.kill("source-controller")
    loop.management.flux.start()
    ask(loop)
    wait_for(lambda: reached(loop, revision), "the first Kustomization at the new commit", 120, 0.02)
    loop.management.flux.kill("kustomize-controller")
    assert len(reached(loop, revision)) < len(of_definitions(loop))
    loop.management.flux.start()
    loop.settle()
    assert change.arrived(VIRTUAL)


def test_what_runs_stays_as_it_is_while_the_git_server_is_away(loop: Loop, change: Change) -> None:
    before = loop.heads()[DEFINITIONS]
    change.push(VIRTUAL)
    loop.git.stop()
    try:
        ask(loop)
        said = wait_for(lambda: failed_source(loop), "the source says that Git is away", 60)
        assert said["reason"] == "GitOperationFailed"
        assert "connection refused" in said["message"]
        assert all(is_ready(item) and revision_of(item).endswith(before) for item in of_definitions(loop))
        assert not change.arrived(VIRTUAL)
        report = partial(loop.receiver.about, "GitRepository", DEFINITIONS, "GitOperationFailed")
        wait_for(report, "the receiver is told", 60)
    finally:
        loop.git.start()
    loop.settle()
    assert change.arrived(VIRTUAL)


def failed_source(loop: Loop) -> dict[str, Any] | None:
    """Return what the source says when it is not Ready."""
    item = loop.management.objects.get(SOURCE, "GitRepository", DEFINITIONS)
    said = dict(condition(item or {}, "Ready"))
    return said if said.get("status") == "False" else None


def give_key(loop: Loop, key: str) -> None:
    """Replace the private key that Flux decrypts with, and have it try now instead of after two minutes."""
    metadata = {"name": DECRYPTION_KEY, "namespace": FLUX_NAMESPACE}
    data = {f"{loop.management.name}.agekey": key}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    loop.management.objects.apply(secret)
    for item in of_definitions(loop):
        loop.management.objects.reconcile(KUSTOMIZE, "Kustomization", item["metadata"]["name"])


def test_with_the_wrong_key_nothing_is_half_applied_and_the_right_one_heals(loop: Loop, change: Change) -> None:
    revision = change.push(METAL)
    give_key(loop, str(pyrage.x25519.Identity.generate()))
    try:
        loop.pull()
        said = wait_for(lambda: failed_at(loop, METAL, revision), f"{METAL} cannot decrypt", 120)
        assert "decrypt" in said["message"]
        assert "AGE-SECRET-KEY" not in said["message"]
        assert not change.arrived(METAL)
        loop.management.objects.wait_ready("Kustomization", VIRTUAL, revision=revision, seconds=120)
    finally:
        give_key(loop, loop.fleet.keys[loop.management.name])
    loop.settle()
    assert change.arrived(METAL)


def failed_at(loop: Loop, name: str, revision: str) -> dict[str, Any] | None:
    """Return what a Kustomization says once it failed at a commit."""
    item = loop.management.objects.get(KUSTOMIZE, "Kustomization", name) or {}
    said = dict(condition(item, "Ready"))
    tried = str(item.get("status", {}).get("lastAttemptedRevision", "")).endswith(revision)
    return said if tried and said.get("status") == "False" else None


def test_our_fields_are_put_back_and_those_of_others_stay(loop: Loop) -> None:
    loop.settle()
    listed = Delivered(loop.repository("definitions")).folder(loop.folder_of(VIRTUAL)).values()
    [deployment] = [item for item in listed if item["kind"] == "MachineDeployment"]
    [cluster] = [item for item in listed if item["kind"] == "Cluster"]
    gone = next(item for item in listed if item["kind"] == "MachineHealthCheck")
    objects = loop.management.objects
    objects.change(deployment, {"metadata": {"annotations": {"somebody/else": "here"}}, "spec": {"replicas": 7}})
    objects.change(cluster, {"spec": {"paused": True}})
    objects.delete(gone)
    objects.reconcile(KUSTOMIZE, "Kustomization", VIRTUAL)

    def put_back() -> bool:
        live = loop.find(deployment) or {}
        return bool(live["spec"]["replicas"] == deployment["spec"]["replicas"] and loop.find(gone))

    wait_for(put_back, "our fields and objects are back", 60)
    assert (loop.find(deployment) or {})["metadata"]["annotations"]["somebody/else"] == "here"
    assert (loop.find(cluster) or {})["spec"]["paused"] is True
    objects.change(cluster, {"spec": {"paused": None}})

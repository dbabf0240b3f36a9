"""A management cluster is lost, and comes back from both repositories and the saved secrets, as the guide has it.

Git, Flux, the API server and `sops` are real. Cluster API is played: it
published the secrets before, and is not running while the cluster is built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from schiff.sources.fleet_files import load_fleet
from tests.bed.crds import CrdSet
from tests.bed.objects import KUSTOMIZE, Object, Objects
from tests.bed.reading import read_documents
from tests.bed.tenant import Tenant
from tests.bed.waiting import wait_for
from tests.delivery.sops_documents import opened
from tests.git.repositories import files
from tests.journeys.delivered import LIST, Delivered, difference, identity
from tests.journeys.loop import Loop

MANAGER = "schiff-mgmt-x"
ENVIRONMENTS = ("tst", "ref")
CLUSTER = "cluster.x-k8s.io/v1beta2"
PATIENCE = 300
AUTHORITY = "cluster.x-k8s.io/secret"
_SERVERS_OWN = {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"}
_PASSING = ("reconcile.fluxcd.io/requestedAt", "schiff.example/content")

Identity = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def own_loop(bin_dir: Path, crds: CrdSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Return a loop that no other test looks at, because its management cluster is lost on the way."""
    with Loop(bin_dir, tmp_path_factory.mktemp("rebuild"), crds, MANAGER) as running:
        running.up()
        running.install()
        yield running


def test_everything_comes_back_as_compiled(own_loop: Loop, bin_dir: Path) -> None:
    loop = own_loop
    loop.settle(PATIENCE)
    publish(loop, bin_dir)
    for environment in ENVIRONMENTS:
        answer = back_up(loop, environment)
        assert (answer["missing"], answer["troubles"]) == ([], [])
    before = state(loop)
    assert sum(item.get("type") == AUTHORITY for item in before.values()) == 5 * len(clusters(loop))

    loop.management.stop()
    loop.management.control_plane.wipe()
    loop.management.start()
    wait_for(lambda: not loop.management.objects.all(CLUSTER, "Cluster"), "a management cluster without Clusters")

    restore(loop, bin_dir)
    assert not loop.management.objects.all(CLUSTER, "Cluster")
    loop.install()
    loop.settle(PATIENCE)
    assert not unequal(loop, before)
    assert not uncompiled(loop)
    for environment in ENVIRONMENTS:
        assert back_up(loop, environment)["saved"] == []
    paused_stays_paused(loop)


def clusters(loop: Loop) -> dict[str, str]:
    """Return every cluster that the management cluster looks after, by namespace: tenants, and its own."""
    return {f"{key.site}-{key.name}": key.name for key in served(loop)} | {MANAGER: MANAGER}


def served(loop: Loop) -> list[Any]:
    fleet = load_fleet(loop.project.root / "stacks" / "fleet")
    return [key for key, order in fleet.orders.items() if order.document.data["environment"] in ENVIRONMENTS]


def publish(loop: Loop, bin_dir: Path) -> None:
    """Play Cluster API: make every cluster's kubeconfig and authorities."""
    for namespace, name in clusters(loop).items():
        folder = loop.project.root.parent / "clusters" / namespace
        Tenant(bin_dir, folder, namespace, name).publish(loop.management.objects)


def back_up(loop: Loop, environment: str) -> Any:
    kubeconfig = str(loop.management.control_plane.kubeconfig)
    return loop.project.json("kubeconfigs", "backup", "-e", environment, KUBECONFIG=kubeconfig)


def restore(loop: Loop, bin_dir: Path) -> None:
    """Do what the guide says before Flux is told anything: namespaces, then secrets."""
    ledger = loop.project.root / ".schiff" / "ledger.git"
    saved = [text for name in ENVIRONMENTS for text in files(ledger, f"emergency/{name}").values()]
    clear = [opened(text.encode(), loop.fleet.keys[MANAGER], bin_dir) for text in saved]
    objects = loop.management.objects
    for namespace in sorted({secret["metadata"]["namespace"] for secret in clear}):
        objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for secret in clear:
        objects.apply(secret)


def state(loop: Loop) -> dict[Identity, Object]:
    """Return every object of a kind that was compiled, without what a server or a moment adds."""
    found = {}
    kinds = {(item["apiVersion"], item["kind"]) for item in compiled(loop)}
    for version, kind in sorted(kinds):
        for item in loop.management.objects.all(version, kind):
            metadata = item["metadata"]
            identity = (version, kind, metadata.get("namespace", ""), metadata["name"])
            found[identity] = _lasting(item)
    return found


def _lasting(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _SERVERS_OWN}
    annotations = metadata.pop("annotations", {})
    metadata["annotations"] = {key: value for key, value in annotations.items() if key not in _PASSING}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}


def unequal(loop: Loop, before: Mapping[Identity, Object]) -> list[str]:
    """Return what is not as it was, with both."""
    after = state(loop)
    changed = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    return [f"{key}: {json.dumps(before.get(key))} is {json.dumps(after.get(key))}" for key in sorted(changed)]


def compiled(loop: Loop) -> list[Object]:
    """Return every object that lies in the management cluster's folder of `definitions`."""
    texts = Delivered(loop.repository("definitions")).files
    names = [name for name in texts if name.startswith(f"{MANAGER}/") and not name.endswith(f"/{LIST}")]
    return [document for name in names for document in read_documents(texts[name])]


def uncompiled(loop: Loop) -> list[str]:
    """Return where a live object is not what was compiled; what is encrypted is compared with what it was before."""
    client, wrong = loop.management.objects.client, []
    for item in compiled(loop):
        live = loop.find(item)
        resource = client.resource(item["apiVersion"], item["kind"])
        if live is None or (resource and client.is_stored(resource)):  # its webhook converts the others
            wrong += [f"{identity(item)}: {each}" for each in difference(_clear(item), live or {})]
    return wrong


def _clear(item: Object) -> Object:
    hidden = {"sops", "data", "stringData"} if "sops" in item else set()
    return {key: value for key, value in item.items() if key not in hidden}


def paused_stays_paused(loop: Loop) -> None:
    """Pause a tenant by hand, under a field manager of its own: Flux takes nothing of it back."""
    objects, tenant = loop.management.objects, served(loop)[0]
    name = f"{tenant.site}-{tenant.name}"
    objects.change(an_object(objects, CLUSTER, "Cluster", tenant.name, name), {"spec": {"paused": True}})
    objects.reconcile(KUSTOMIZE, "Kustomization", name)

    def handled() -> bool:
        item = an_object(objects, KUSTOMIZE, "Kustomization", name, "schiff-system")
        asked = item["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]
        return bool(item["status"].get("lastHandledReconcileAt") == asked)

    wait_for(handled, f"Flux looked at {name} again")
    assert an_object(objects, CLUSTER, "Cluster", tenant.name, name)["spec"]["paused"] is True


def an_object(objects: Objects, version: str, kind: str, name: str, namespace: str) -> Object:
    found = objects.get(version, kind, name, namespace)
    assert found is not None
    return {**found, "apiVersion": version, "kind": kind}

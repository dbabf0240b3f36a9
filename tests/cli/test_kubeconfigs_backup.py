"""`schiff kubeconfigs backup` against a real API server: saved, encrypted, said, and never twice."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from schiff.cli.kubeconfigs_backup import backup
from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.manifests.emergency import emergency_secrets
from tests.bed.control_plane import ControlPlane
from tests.bed.objects import Objects
from tests.delivery.sops_documents import a_key, opened
from tests.git.repositories import a_repository, commit, files, git
from tests.makers import MANAGEMENT_CLUSTER, changed, fleet_folder

CANARY = "canary-4711"
PRIVATE, PUBLIC = a_key()
TENANTS = {"vsphere-site-1/customer-a-1": "vsphere-site-1-customer-a-1"}
BOTH = {**TENANTS, "baremetal-site-1/customer-a-2": "baremetal-site-1-customer-a-2"}
ALL = {**BOTH, "vsphere-site-1/schiff-mgmt-x": "schiff-mgmt-x"}
BRANCH = "emergency/tst"


@pytest.fixture(scope="module")
def management(bin_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(bin_dir, tmp_path_factory.mktemp("management"), "schiff-mgmt-x") as running:
        yield running


@pytest.fixture
def secrets(management: ControlPlane) -> Iterator[Objects]:
    """Give the management cluster with all secrets of all clusters; each test finds them whole."""
    with management.client() as client:
        found = Objects(client)
        for cluster, namespace in ALL.items():
            found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
            for name in emergency_secrets(cluster.partition("/")[2]):
                found.apply(a_secret(namespace, name))
        yield found


def a_secret(namespace: str, name: str, content: str = CANARY) -> dict[str, Any]:
    label = {"cluster.x-k8s.io/cluster-name": name.rpartition("-")[0]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": label, "annotations": {"by": "hand"}},
        "type": "cluster.x-k8s.io/secret",
        "data": {"value": base64.b64encode(f"{content} {name}".encode()).decode()},
    }


@dataclass
class Checkout:
    """A project whose tenants were delivered, and the answers of its commands."""

    root: Path

    def run(self, *args: str) -> Result:
        app = typer.Typer()
        app.command()(backup)
        return CliRunner().invoke(app, ["-e", "tst", *args])

    def json(self, *args: str) -> Any:
        return json.loads(self.run("--json", *args).stdout)

    @property
    def ledger(self) -> Path:
        return self.root / ".schiff" / "ledger.git"

    @property
    def saved(self) -> dict[str, str]:
        return files(self.ledger, BRANCH)

    def deliver(self, removals: Mapping[str, str]) -> None:
        lines = [
            Line(f"locations/location-1/{name}", EMPTY_TREE, "cluster", name, "head", "v1.35.4", removal)
            for name, removal in removals.items()
        ]
        text = DeliveredManifest("tst", 1, LedgerHead(), tuple(lines)).to_text()
        commit(self.root / ".schiff" / "cluster-components.git", {".schiff/tst.json": text})


@pytest.fixture
def checkout(tmp_path: Path, management: ControlPlane, monkeypatch: pytest.MonkeyPatch, bin_dir: Path) -> Checkout:
    documents = changed(MANAGEMENT_CLUSTER, "facts.recipients", [PUBLIC])
    documents = changed(MANAGEMENT_CLUSTER, "facts.apiContext", "schiff-mgmt-x", documents)
    fleet_folder(tmp_path / "stacks" / "fleet", documents)
    (tmp_path / "Pulumi.yaml").write_text("name: schiff\nruntime: python\n")
    (tmp_path / "Pulumi.tst.yaml").write_text(f"config: {{'schiff:kubeconfig': '{management.kubeconfig}'}}\n")
    (tmp_path / ".schiff").mkdir()
    a_repository(tmp_path / ".schiff", "cluster-components")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{bin_dir}:/usr/bin:/bin")
    made = Checkout(tmp_path)
    made.deliver(dict.fromkeys(BOTH, ""))
    return made


def test_every_secret_of_every_cluster_is_saved_and_can_be_applied_again(
    checkout: Checkout, secrets: Objects, bin_dir: Path
) -> None:
    result = checkout.run("--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (len(answer["saved"]), answer["unchanged"], answer["missing"], answer["troubles"]) == (15, 0, [], [])
    assert answer["branch"] == BRANCH
    assert answer["commit"] == git(checkout.ledger, "rev-parse", BRANCH).strip()
    assert list(checkout.saved) == answer["saved"]
    for cluster, namespace in ALL.items():
        for name in emergency_secrets(cluster.partition("/")[2]):
            document = checkout.saved[f"schiff-mgmt-x/{cluster}/{name}.yaml"]
            clear = opened(document.encode(), PRIVATE, bin_dir)
            clear["metadata"].pop("annotations")
            expected = a_secret(namespace, name)
            expected["metadata"].pop("annotations")
            assert clear == expected


def test_a_second_run_makes_no_commit(checkout: Checkout, secrets: Objects) -> None:
    checkout.run()
    before = git(checkout.ledger, "rev-parse", BRANCH)
    assert "0 secrets saved, 15 unchanged, no commit" in checkout.run().stdout
    assert git(checkout.ledger, "rev-parse", BRANCH) == before


def test_a_renewed_secret_alone_is_written(checkout: Checkout, secrets: Objects) -> None:
    checkout.run()
    secrets.apply(a_secret(TENANTS["vsphere-site-1/customer-a-1"], "customer-a-1-kubeconfig", "renewed"))
    path = "schiff-mgmt-x/vsphere-site-1/customer-a-1/customer-a-1-kubeconfig.yaml"
    assert checkout.json()["saved"] == [path]


def test_a_missing_secret_is_said_and_stops_nothing(checkout: Checkout, secrets: Objects) -> None:
    secrets.delete(a_secret("vsphere-site-1-customer-a-1", "customer-a-1-etcd"))
    result = checkout.run()
    assert result.exit_code == 10
    said = "vsphere-site-1/customer-a-1: schiff-mgmt-x holds no secret customer-a-1-etcd\n"
    assert result.stderr == said
    assert len(checkout.saved) == 14


def test_a_secret_that_is_gone_later_keeps_its_backup(checkout: Checkout, secrets: Objects) -> None:
    checkout.run()
    before = checkout.saved
    secrets.delete(a_secret("vsphere-site-1-customer-a-1", "customer-a-1-etcd"))
    assert len(checkout.json()["missing"]) == 1
    assert checkout.saved == before


def test_a_cluster_that_leaves_misses_nothing(checkout: Checkout, secrets: Objects) -> None:
    checkout.deliver({"vsphere-site-1/customer-a-1": "c", "baremetal-site-1/customer-a-2": ""})
    secrets.delete(a_secret("vsphere-site-1-customer-a-1", "customer-a-1-etcd"))
    assert checkout.json()["missing"] == []


def test_one_cluster_alone(checkout: Checkout, secrets: Objects) -> None:
    found = checkout.json("--cluster", "vsphere-site-1/customer-a-1")["saved"]
    assert len(found) == 5
    assert all(path.startswith("schiff-mgmt-x/vsphere-site-1/customer-a-1/") for path in found)


def test_a_cluster_that_was_not_delivered_is_bad_input(checkout: Checkout, secrets: Objects) -> None:
    error = checkout.run("--cluster", "vsphere-site-1/customer-z").exception
    assert "name one of baremetal-site-1/customer-a-2, vsphere-site-1/customer-a-1" in str(error)


def test_a_management_cluster_without_recipients_saves_nothing_and_says_why(
    checkout: Checkout, secrets: Objects
) -> None:
    file = checkout.root / "stacks" / "fleet" / MANAGEMENT_CLUSTER
    data = yaml.safe_load(file.read_text())
    del data["facts"]["recipients"]
    file.write_text(yaml.safe_dump(data))
    result = checkout.run()
    assert result.exit_code == 1
    assert "schiff-mgmt-x has no recipients, so nobody could read its backups; write them into" in result.stderr
    assert not checkout.ledger.exists()


def test_a_management_cluster_that_is_gone_is_one_sentence(checkout: Checkout, secrets: Objects) -> None:
    checkout.run()
    (checkout.root / "Pulumi.tst.yaml").write_text("config: {'schiff:kubeconfig': 'nowhere'}\n")
    result = checkout.run()
    assert result.exit_code == 1
    assert result.stderr.startswith(f"the kubeconfig {checkout.root / 'nowhere'} cannot be read: No such file")
    assert result.stderr.count("\n") == 1


def test_a_tenant_that_no_management_cluster_serves_is_said(checkout: Checkout, secrets: Objects) -> None:
    checkout.deliver({"vsphere-site-9/shop": "", "vsphere-site-1/customer-a-1": ""})
    answer = checkout.json()
    assert answer["troubles"] == [
        "vsphere-site-9/shop was delivered, and no management cluster of the fleet serves vsphere-site-9 in tst"
    ]
    assert len(answer["saved"]) == 10


def test_nothing_delivered_is_nothing_to_save(checkout: Checkout) -> None:
    checkout.deliver({})
    assert checkout.json()["saved"] == []
    assert not checkout.ledger.exists()


def test_nothing_secret_reaches_the_screen_or_a_file(checkout: Checkout, secrets: Objects) -> None:
    result = checkout.run()
    secrets.delete(a_secret("vsphere-site-1-customer-a-1", "customer-a-1-etcd"))
    again = checkout.run("--json")
    hidden = [CANARY, *(a_secret("", name)["data"]["value"] for name in emergency_secrets("customer-a-1"))]
    for text in (result.output, again.output, *checkout.saved.values()):
        assert not any(each in text for each in hidden)
    for path in checkout.root.rglob("*"):
        assert path.is_dir() or not any(each.encode() in path.read_bytes() for each in hidden)

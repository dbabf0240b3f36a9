"""`schiff identifiers`: every name outside of clusters, the same in every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schiff.cli.app import run
from tests.makers import MANAGEMENT_CLUSTER, changed, fleet_documents, fleet_folder


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return fleet_folder(tmp_path / "fleet")


def told(capsys: pytest.CaptureFixture[str], fleet: Path, *words: str) -> list[dict[str, Any]]:
    assert run(["identifiers", *words, "--fleet", str(fleet), "--json"]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["identifiers"]
    return found


def test_a_virtual_cluster_has_names_in_dns_git_and_vcenter(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for row in told(capsys, fleet) if row["cluster"] == "vsphere-site-1/customer-a-1"]
    found = {(row["system"], row["kind"], row["value"]) for row in rows}
    fqdn = "customer-a-1.vsphere-site-1.location-1.schiff.example"
    assert {("dns", "name", fqdn), ("dns", "name", f"api.{fqdn}"), ("sops", "key", fqdn)} <= found
    assert ("vcenter", "folder", "schiff/schiff-mgmt-x/customer-a-1") in found
    assert ("git", "folder", "locations/location-1/vsphere-site-1/customer-a-1") in found


def test_a_cluster_of_servers_names_each_of_them(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = told(capsys, fleet, "--system", "metal3")
    assert rows
    assert {row["kind"] for row in rows} == {"host"}


def test_the_answer_is_the_same_every_time_and_can_be_narrowed(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything = told(capsys, fleet)
    assert told(capsys, fleet) == everything
    one = told(capsys, fleet, "--cluster", "vsphere-site-1/customer-a-1", "--system", "dns")
    assert one == [row for row in everything if (row["cluster"], row["system"]) == (one[0]["cluster"], "dns")]
    assert run(["identifiers", "--fleet", str(fleet)]) == 0
    assert "UNIQUE IN" in capsys.readouterr().out


def test_a_name_nobody_has_is_refused_with_those_there_are(fleet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["identifiers", "--fleet", str(fleet), "--system", "s4"]) == 2
    assert "nothing is called 's4'" in capsys.readouterr().err


def test_two_clusters_with_one_folder_of_machines_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    documents = fleet_documents()
    for name in ("site.yaml", "customer-a/customer-a-1.yaml"):
        documents[f"sites/vsphere-site-9/{name}"] = documents[f"sites/vsphere-site-1/{name}"]
    served = [*documents[MANAGEMENT_CLUSTER]["sites"], "vsphere-site-9"]
    documents = changed(MANAGEMENT_CLUSTER, "sites", served, documents)
    fleet = fleet_folder(tmp_path / "fleet", documents)
    assert run(["check", "--fleet", str(fleet)]) == 2
    said = capsys.readouterr().err
    assert "vcenter folder schiff/schiff-mgmt-x/customer-a-1 in" in said
    assert "vsphere-site-1/customer-a-1's already" in said

"""A fleet with clusters of `prd` of two customers, two releases, and a ledger that keeps one cluster on the older."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schiff.cli.app import run
from schiff.delivery.ledger_branch import append_to_ledger
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import genesis_body
from schiff.rollout.ledger import Ledger
from schiff.sources.fleet_files import load_fleet
from tests.cli.fleet_folder import write_fleet
from tests.makers import MANAGEMENT_CLUSTER, Documents, changed

HELD = "vsphere-site-1/shop"
OTHER = "vsphere-site-1/bank"
HELD_ORDER = "sites/vsphere-site-1/customer-a/shop.yaml"
OLD, NEW = "2026.44.0", "2026.48.0"
OLD_CUT, NEW_CUT = "2026-10-27T08:00:00Z", "2026-11-24T08:00:00Z"


def production(**hold: Any) -> Documents:
    """Return the makers' fleet with two production clusters; the first is held if a hold is given."""
    documents = changed(MANAGEMENT_CLUSTER, "environments", ["tst", "ref", "prd"])
    documents[HELD_ORDER] = {**_order(10), **({"hold": hold} if hold else {})}
    documents["sites/vsphere-site-1/customer-b/bank.yaml"] = _order(11)
    return documents


def _order(number: int) -> dict[str, Any]:
    return {
        "environment": "prd",
        "zone": "intranet",
        "controlPlane": {"endpoint": f"10.1.1.{number}"},
        "nodes": {"network": "pg-customer-b-1", "addresses": f"10.1.1.{number}0-10.1.1.{number}9"},
        "pools": {"md-0": {"class": "large", "replicas": 2}},
    }


def two_releases(folder: Path, documents: Documents, newer: Mapping[str, Any]) -> Path:
    """Write a fleet that cut one release, changed head by dotted path, cut another, and began its ledgers with that."""
    fleet = _cut(write_fleet(folder, documents), OLD, OLD_CUT)
    _cut(_changed_head(folder, documents, newer), NEW, NEW_CUT)
    return begin_ledgers(fleet)


def release_under_way(folder: Path, documents: Documents, newer: Mapping[str, Any]) -> Path:
    """Write a fleet whose ledgers began with one release, and that has cut another since."""
    begin_ledgers(_cut(write_fleet(folder, documents), OLD, OLD_CUT))
    return _cut(_changed_head(folder, documents, newer), NEW, NEW_CUT)


def begin_ledgers(fleet: Path) -> Path:
    """Begin the ledger of every environment."""
    assert run(["ledger", "init", "--all", "--fleet", str(fleet)]) == 0
    return fleet


def _cut(fleet: Path, name: str, at: str) -> Path:
    assert run(["release", "cut", "--fleet", str(fleet), "--name", name, "--at", at]) == 0
    return fleet


def _changed_head(folder: Path, documents: Documents, newer: Mapping[str, Any]) -> Path:
    for field, value in newer.items():
        documents = changed("head.yaml", field, value, documents)
    return write_fleet(folder, {"head.yaml": documents["head.yaml"]})


def keep_on_old(fleet: Path, key: str = HELD) -> None:
    """Begin the ledger of `prd` anew with one cluster on the older release, as if it had been held when it moved in."""
    loaded = load_fleet(fleet)
    old = loaded.release_named(OLD)
    assert old is not None
    pin = {"release": old.digest, "kubernetes": str(old.release.kubernetes.version), "removal": None}
    body = genesis_body(loaded, "prd")
    body["clusters"][key] = pin

    def propose(ledger: Ledger) -> Entry | None:
        if ledger.head is not None:
            return None
        return ledger.append("genesis", body, at=NEW_CUT, actor="user:a", fleet="none")

    git = ["git", "--git-dir", ".schiff/ledger.git"]
    subprocess.run([*git, "update-ref", "-d", "refs/heads/ledger/prd"], check=True)
    append_to_ledger(".schiff/ledger.git", "prd", propose, Path("cache"))

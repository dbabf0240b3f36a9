"""A fleet of a few clusters, made by hand: what releases and ledgers need, and no layer more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from schiff.layers.yaml_documents import read_document
from schiff.model.fleet import Document, Fleet, ManagementCluster, Order, SharedLayers
from schiff.model.frozen import LOCK_FILE, vendored_digest, verify_lock
from schiff.model.management_cluster import ManagementClusterSpec
from schiff.model.policy import PolicySpec
from schiff.model.release import ReleaseSpec
from schiff.model.settings import FleetSettings
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import genesis
from schiff.rollout.ledger import Ledger
from schiff.rollout.release import freeze
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey, Environment

CUT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AT = "2026-11-25T06:00:00Z"
OBSERVED = f"sha256:{'0' * 64}"

CANDIDATE = ClusterKey("site-1", "candidate")
FOLLOWER = ClusterKey("site-1", "follower")
REFERENCE = ClusterKey("site-1", "reference")
SHOP = ClusterKey("site-2", "shop")
LEAVING = ClusterKey("site-2", "leaving")


def head_release(kubernetes: str = "v1.35.4", calico: str = "v3.32.1") -> ReleaseSpec:
    """Return versions in the form of head.yaml."""
    images = {"vsphere": {"template": "image"}, "metal3": {"url": "https://images/image", "sha256": "a" * 64}}
    plane = dict.fromkeys(("capi", "capm3", "capv", "ipamInCluster", "ipamMetal3"), "v1.0.0")
    return ReleaseSpec.model_validate(
        {
            "components": {"calico": {"version": calico, "upgradeFrom": ">=3.30"}},
            "kubernetes": {"version": kubernetes, "via": ["v1.34.6"], "images": images},
            "managementPlane": {**plane, "schiff": "source"},
        }
    )


def head_layers(release: ReleaseSpec | None = None, **layers: Any) -> SharedLayers:
    """Return head's shared layers."""
    documents: dict[str, Any] = {
        "defaults": Document("defaults.yaml", {"registry": "registry.example", "labels": {"a": None, "b": "1"}}),
        "environments": {name: Document(f"environments/{name}.yaml", {}) for name in ("tst", "ref", "prd")},
        "providers": {"vsphere": Document("providers/vsphere.yaml", {"health": {"workerLimit": "40%"}})},
        "zones": {},
        "classes": {},
        "sites": {"site-1": Document("sites/site-1/site.yaml", {"access": {"sshKeys": ["one", "two"]}})},
        "catalogue": {},
        "settings": FleetSettings(base_domain="schiff.example", label_domain="schiff.example"),
    }
    return SharedLayers(digest=HEAD, release=release or head_release(), **{**documents, **layers})


def a_management_cluster(name: str, *environments: Environment) -> ManagementCluster:
    """Return a management cluster that serves environments at both sites."""
    spec = ManagementClusterSpec.model_validate(
        {
            "sites": ["site-1", "site-2"],
            "environments": list(environments),
            "site": "site-1",
            "facts": {"definitionsUrl": "d", "componentsUrl": "c", "apiContext": "x"},
        }
    )
    return ManagementCluster(name, spec, Document("", {}))


def an_order(key: ClusterKey, environment: str, **fields: Any) -> Order:
    """Return an order of which only the fields that assignments read are given."""
    return Order(key, "customer-a", Document("", {"environment": environment, **fields}))


ORDERS = (
    an_order(CANDIDATE, "tst", labels={"candidate": "true"}),
    an_order(FOLLOWER, "tst"),
    an_order(REFERENCE, "ref"),
    an_order(SHOP, "prd"),
    an_order(LEAVING, "prd", decommission="leaving"),
)


def a_fleet(head: SharedLayers | None = None, orders: tuple[Order, ...] = ORDERS) -> Fleet:
    """Return a fleet without releases."""
    management = (a_management_cluster("mgmt-1", "tst", "ref"), a_management_cluster("mgmt-2", "prd"))
    return Fleet(
        head=head or head_layers(),
        releases={},
        sites={},
        customers={},
        management_clusters={cluster.name: cluster for cluster in management},
        orders={order.key: order for order in orders},
        policy=PolicySpec(),
        vendored={"calico/v3.32.1": {"operator.yaml": b"kind: Deployment\n"}},
    )


def frozen(fleet: Fleet, name: str = "2026.48.0", cut: datetime = CUT, schiff: str = "source") -> Mapping[str, bytes]:
    """Return the files of a release of head; no text of a layer is known."""
    return freeze(fleet, name, cut=cut, schiff=schiff, texts={})


def released(fleet: Fleet, name: str = "2026.48.0", cut: datetime = CUT) -> Fleet:
    """Return the fleet with a release of its head, read from the frozen files."""
    files = frozen(fleet, name, cut)
    data = {path: read_document(content, path).data for path, content in files.items()}
    lock = data.pop(LOCK_FILE)
    vendored = {key: vendored_digest(content) for key, content in fleet.vendored.items() if key in lock["vendored"]}
    identity = verify_lock(name, data, vendored, lock)
    release = ReleaseSpec.model_validate({**data["release.yaml"], "name": name})
    return replace(fleet, releases={**fleet.releases, identity: replace(fleet.head, digest=identity, release=release)})


def begun(fleet: Fleet, environment: Environment) -> Ledger:
    """Return a ledger that holds its genesis."""
    return Ledger.empty(environment).extended(genesis(fleet, environment, actor="user:a", fleet_commit="none"))


def moved(ledger: Ledger, *keys: ClusterKey, release: str, kubernetes: str = "v1.35.4") -> Ledger:
    """Return the ledger after a move of clusters."""
    pins = {str(key): {"release": release, "kubernetes": kubernetes} for key in keys}
    return noted(ledger, "move", {"clusters": pins})


def removing(ledger: Ledger, key: ClusterKey, states: str) -> Ledger:
    """Return the ledger after a cluster went through some states of its removal."""
    for state in states:
        observation = None if state == "a" else OBSERVED
        ledger = noted(ledger, "remove", {"cluster": str(key), "state": state, "observation": observation})
    return ledger


def noted(ledger: Ledger, kind: Any, body: Mapping[str, Any]) -> Ledger:
    """Return the ledger with one more entry."""
    return ledger.extended(ledger.append(kind, body, at=AT, actor="user:a", fleet="none"))


def files_of(entries: tuple[Entry, ...]) -> dict[str, bytes]:
    """Return a ledger's branch."""
    return {entry.file_name: entry.to_bytes() for entry in entries}

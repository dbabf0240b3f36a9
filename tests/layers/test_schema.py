from __future__ import annotations

from typing import Any

import pytest

from schiff.errors import Problem
from schiff.layers.schema import customer_problems, layer_problems, partial
from schiff.model.fleet import Document
from schiff.model.settings import LAYER_ORDER, FleetSettings, LayerName
from schiff.model.tenant_cluster import TenantClusterSpec

SETTINGS = FleetSettings(
    base_domain="schiff.example",
    label_domain="schiff.example",
    customer_may_set=("hold", "components.metallb", "access.sshKeys"),
)


def found(data: dict[str, Any], layer: LayerName = "cluster") -> list[Problem]:
    return list(layer_problems(layer, Document("order.yaml", data)))


def only(data: dict[str, Any], layer: LayerName = "cluster") -> Problem:
    (problem,) = found(data, layer)
    return problem


@pytest.mark.parametrize("layer", LAYER_ORDER)
def test_an_empty_layer_is_right(layer: LayerName) -> None:
    assert found({}, layer) == []


def test_a_layer_may_hold_a_part_of_anything() -> None:
    part = {
        "pools": {"md-0": {"maxSurge": 0}, "md-1": None},
        "controlPlane": {"vip": "keepalived"},
        "machineClasses": {"large": {"cpus": 4}},
        "hold": {"by": "me"},
    }
    assert found(part) == []


def test_null_is_allowed_everywhere() -> None:
    fields = [info.alias for info in TenantClusterSpec.model_fields.values()]
    partial(TenantClusterSpec).model_validate(dict.fromkeys(filter(None, fields)))


@pytest.mark.parametrize(
    ("data", "path", "message", "cure"),
    [
        ({"pools": {"md-0": {"replcas": 3}}}, "pools[md-0].replcas", "no field is called 'replcas' here", "'replicas'"),
        ({"control_plane": {}}, "control_plane", "no field is called 'control_plane' here", "write 'controlPlane'"),
        ({"machineClass": {}}, "machineClass", "no field is called", "did you mean 'machineClasses'?"),
        ({"zebra": 1}, "zebra", "no field is called", "known: access, "),
        ({"pools": {"md-0": {"replicas": "3"}}}, "pools[md-0].replicas", "'3' is text, expected a whole", "without"),
        ({"pools": {"md-0": {"replicas": True}}}, "pools[md-0].replicas", "true is a boolean, expected a whole", ""),
        ({"pools": []}, "pools", "this is a list, expected a map", ""),
        ({"pools": {"md-0": 3}}, "pools[md-0]", "3 is a number, expected a map", ""),
        ({"labels": {"a": True}}, "labels[a]", "true is a boolean, expected text", 'quotes: "true"'),
        ({"registry": 5}, "registry", "5 is a number, expected text", 'quotes: "5"'),
        ({"access": {"sshKeys": [1]}}, "access.sshKeys[0]", "1 is a number, expected text", ""),
        ({"environment": "dev"}, "environment", "'dev' is not known", "'tst', 'ref' or 'prd'"),
        ({"controlPlane": {"endpoint": "10.1.0.300"}}, "controlPlane.endpoint", "is not an IP address (expected", ""),
        ({"controlPlane": {"endpoint": 10}}, "controlPlane.endpoint", "10 is a number, expected text", ""),
        ({"controlPlane": {"replicas": 2}}, "controlPlane.replicas", "2 control plane machines have no majority", ""),
        ({"controlPlane": {"replicas": 11}}, "controlPlane.replicas", "11 is out of range", "at most 9"),
        ({"nodes": {"addresses": ["10.1.0.9-x"]}}, "nodes.addresses[0]", "'x' is not an IP address", ""),
        ({"clusterNetwork": {"pods": "10.0.0.1/8"}}, "clusterNetwork.pods", "without host bits", ""),
        ({"pools": {"a-pool-far-too-long": {}}}, "pools[a-pool-far-too-long]", "has 19 characters, at most 12", ""),
        ({"pools": {"MD": {}}}, "pools[MD]", "is not a name", ""),
        ({"access": {"oidc": {"issuerUrl": "http://x"}}}, "access.oidc.issuerUrl", "is not an https URL", ""),
        ({"health": {"workerLimit": "0%"}}, "health.workerLimit", "has not the expected form", "expected ^"),
        ({"kubernetes": "v1.35.4"}, "kubernetes", "no field is called", "versions come from head.yaml or the release"),
        ({"components": {"calico": {"version": "v3"}}}, "components[calico].version", "no layer sets a", "head"),
        ({"nodes": {"addresses": None, "network": "A"}}, "nodes.network", "is not a name", ""),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_path_and_cure(data: dict[str, Any], path: str, message: str, cure: str) -> None:
    problem = only(data)
    assert problem.path == path
    assert message in problem.message
    assert cure in problem.cure
    assert problem.layer == "cluster"
    assert problem.rule


@pytest.mark.parametrize("field", ["environment", "zone", "class", "decommission"])
@pytest.mark.parametrize("layer", [layer for layer in LAYER_ORDER if layer != "cluster"])
def test_what_chooses_the_layers_comes_from_the_order_only(layer: LayerName, field: str) -> None:
    problem = only({field: "tst"}, layer)
    assert (problem.path, problem.rule, problem.layer) == (field, "order-only", layer)
    assert found({field: "tst"}) == []


def test_all_mistakes_of_a_layer_appear_together() -> None:
    assert len(found({"zebra": 1, "registry": 2, "pools": {"md-0": {"replicas": "3"}}})) == 3


HOLD = {"by": "me", "reason": "year's end", "since": "2026-12-01"}


@pytest.mark.parametrize("layer", ["cluster", "customer"])
def test_a_hold_stands_with_the_customer_or_in_an_order_of_prd(layer: LayerName) -> None:
    assert found({"environment": "prd", "hold": HOLD} if layer == "cluster" else {"hold": HOLD}, layer) == []


@pytest.mark.parametrize(
    ("layer", "data"),
    [
        ("cluster", {"environment": "tst"}),
        ("cluster", {"environment": "ref"}),
        *((layer, {}) for layer in LAYER_ORDER[:-2]),
    ],
)
def test_nothing_else_is_held(layer: LayerName, data: dict[str, Any]) -> None:
    problem = only({**data, "hold": HOLD}, layer)
    assert (problem.path, problem.rule) == ("hold", "hold-outside-prd")
    assert problem.message == "only a customer's clusters of prd are held"
    assert problem.cure == "remove it, or write it into the customer's file"


def test_a_management_cluster_is_not_held() -> None:
    document = Document("management-clusters/m.yaml", {"hold": HOLD})
    (problem,) = layer_problems("cluster", document, "cluster")
    assert (problem.path, problem.rule) == ("cluster.hold", "hold-outside-prd")


@pytest.mark.parametrize(
    ("window", "path", "message"),
    [
        ({"days": [], "from": "22:00", "until": "04:00", "zone": "UTC"}, "windows[0].days", "it never opens"),
        ({"days": ["sunday"], "from": "9pm", "until": "04:00", "zone": "UTC"}, "windows[0].from", "time of day"),
        ({"days": "sunday", "from": "22:00", "until": "04:00", "zone": "Berlin"}, "windows[0].zone", "Europe/Berlin"),
        ({"days": "sonntag", "from": "22:00", "until": "04:00", "zone": "UTC"}, "windows[0].days[0]", "not known"),
    ],
)
def test_a_window_that_makes_no_sense_is_said_in_its_layer(window: dict[str, Any], path: str, message: str) -> None:
    problem = only({"windows": [window]}, "customer")
    assert problem.path == path
    assert message in problem.message


def test_a_customer_sets_what_it_may() -> None:
    may = {"hold": {"by": "a"}, "components": {"metallb": {"mode": "bgp"}}, "access": {"sshKeys": ["k"]}}
    assert list(customer_problems(Document("customers/a.yaml", may), SETTINGS)) == []


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"registry": "x"}, "registry"),
        ({"components": {"calico": {"mtu": 1}}}, "components[calico].mtu"),
        ({"access": {"oidc": None}}, "access.oidc"),
        ({"components": {"metallb-2": {"mode": "bgp"}}}, "components[metallb-2].mode"),
    ],
)
def test_a_customer_sets_nothing_else(data: dict[str, Any], path: str) -> None:
    (problem,) = customer_problems(Document("customers/a.yaml", data), SETTINGS)
    assert problem.path == path
    assert problem.rule == "customer-may-not"
    assert "hold, components.metallb, access.sshKeys" in problem.message

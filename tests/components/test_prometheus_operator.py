from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from schiff.components import grafana_operator
from schiff.components.prometheus_operator import COMPONENT, PrometheusOperatorSettings
from schiff.values.versions import ComponentVersion
from tests.components.offered import compiled
from tests.makers import a_resolved_cluster


def patches(name: str, version: str) -> list[dict[str, Any]]:
    text = compiled(name, version)["base/kustomization.yaml"]
    found: list[dict[str, Any]] = yaml.safe_load(text)["patches"]
    return found


def of(name: str, version: str, kind: str) -> list[dict[str, Any]]:
    found = [one["patch"] for one in patches(name, version) if one["target"]["kind"] == kind]
    return [operation for text in found for operation in json.loads(text)]


def test_what_the_operator_starts_comes_from_the_clusters_own_registry() -> None:
    [told] = COMPONENT.inputs(a_resolved_cluster(), PrometheusOperatorSettings())
    assert told.body["data"] == {"REGISTRY": "registry.schiff.example"}
    values = [operation["value"] for operation in of("prometheus-operator", "v0.93.0", "Deployment")]
    assert "--prometheus-config-reloader=$(REGISTRY)/prometheus-operator/prometheus-config-reloader:v0.93.0" in values
    assert "--thanos-default-base-image=$(REGISTRY)/thanos/thanos" in values


def test_the_reloader_is_of_the_operators_release() -> None:
    text = COMPONENT.folder(ComponentVersion.parse("v0.94.1-s2"), {"x.yaml": b"x"})["base/kustomization.yaml"]
    assert "prometheus-config-reloader:v0.94.1" in str(text)


def test_another_order_of_upstreams_arguments_is_refused_rather_than_patched() -> None:
    first = of("prometheus-operator", "v0.93.0", "Deployment")[0]
    assert (first["op"], first["path"]) == ("test", "/spec/template/spec/containers/0/args/1")


@pytest.mark.parametrize(
    ("name", "version", "bindings"),
    [
        ("prometheus-operator", "v0.93.0", ["ClusterRoleBinding"]),
        ("grafana-operator", "v5.24.0", ["ClusterRoleBinding", "RoleBinding"]),
    ],
)
def test_accounts_are_bound_where_the_platform_runs_them(name: str, version: str, bindings: list[str]) -> None:
    for kind in bindings:
        [operation] = of(name, version, kind)
        assert (operation["path"], operation["value"]) == ("/subjects/0/namespace", "monitoring-system")


@pytest.mark.parametrize(("name", "version"), [("prometheus-operator", "v0.93.0"), ("grafana-operator", "v5.24.0")])
def test_definitions_stay_when_the_component_goes(name: str, version: str) -> None:
    [kept] = [one["patch"] for one in patches(name, version) if one["target"]["kind"] == "CustomResourceDefinition"]
    assert yaml.safe_load(kept)["metadata"]["annotations"] == {"kustomize.toolkit.fluxcd.io/prune": "disabled"}


def test_grafanas_operator_is_of_its_release_whatever_upstreams_manifest_says() -> None:
    [operation] = of("grafana-operator", "v5.24.0", "Deployment")
    assert operation["value"] == f"{grafana_operator.COMPONENT.images[0]}:v5.24.0"

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from schiff.components.grafana import COMPONENT, GrafanaSettings
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from tests.components.example_clusters import offering_all
from tests.makers import a_resolved_cluster

FQDN = "customer-a-1.vsphere-site-1.location-1.schiff.example"
FOLDER = Path("stacks/fleet/components/grafana/v13.0.1")
SELECTOR = {"matchLabels": {"dashboards": "schiff"}}
OIDC = {
    "clientId": "grafana",
    "authUrl": "https://login.example/a",
    "tokenUrl": "https://login.example/t",
    "apiUrl": "https://login.example/u",
    "secret": "grafana-oidc",
}


def settings(**values: Any) -> GrafanaSettings:
    return GrafanaSettings.model_validate(values)


def a_cluster(without: str = "") -> ResolvedCluster:
    documents = offering_all()
    documents["head.yaml"]["components"].pop(without, None)
    return a_resolved_cluster(documents=documents)


def objects(kind: str, cluster: ResolvedCluster | None = None, **values: Any) -> list[Manifest]:
    return [item for item in COMPONENT.objects(cluster or a_cluster(), settings(**values)) if item.kind == kind]


def instance(**values: Any) -> dict[str, Any]:
    [one] = objects("Grafana", **values)
    return dict(one.body["spec"])


def dashboards() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    files = [list(yaml.safe_load_all(file.read_text(encoding="utf-8"))) for file in FOLDER.glob("dashboard-*.yaml")]
    return [(found[0], found[1]) for found in files]


def test_its_address_follows_from_the_cluster_unless_it_is_said() -> None:
    assert instance()["config"]["server"]["root_url"] == f"https://grafana.{FQDN}"
    assert instance(host="g.schiff.example")["config"]["server"]["root_url"] == "https://g.schiff.example"


def test_its_image_is_the_releases_from_the_clusters_own_registry() -> None:
    assert instance()["version"] == "registry.schiff.example/grafana/grafana:1.0.0"
    [unpinned] = objects("Grafana", a_cluster(without="grafana"))
    assert "version" not in unpinned.body["spec"]


def test_where_thanos_runs_people_see_all_samples_first() -> None:
    found = {one.name: one.body["spec"] for one in objects("GrafanaDatasource")}
    assert {name: spec["uid"] for name, spec in found.items()} == {"prometheus": "prometheus", "thanos": "thanos"}
    assert [name for name, spec in found.items() if spec["datasource"]["isDefault"]] == ["thanos"]
    assert found["thanos"]["datasource"]["url"] == "http://thanos-query-frontend.monitoring-system.svc:9090"


def test_without_thanos_prometheus_is_what_people_see() -> None:
    [only] = objects("GrafanaDatasource", a_cluster(without="thanos"))
    assert (only.name, only.body["spec"]["datasource"]["isDefault"]) == ("prometheus", True)


def test_everything_belongs_to_the_one_instance_for_good() -> None:
    [one] = objects("Grafana")
    assert one.labels == SELECTOR["matchLabels"]
    in_folder = [item for file in FOLDER.glob("*.yaml") for item in yaml.safe_load_all(file.read_text("utf-8"))]
    selecting = [item["spec"] for item in in_folder if item["kind"] != "ConfigMap"]
    selecting += [dict(item.body["spec"]) for item in objects("GrafanaDatasource")]
    assert all(spec["instanceSelector"] == SELECTOR for spec in selecting)
    assert {(never.kind, never.path[-1]) for never in COMPONENT.never} == {
        ("GrafanaDatasource", "instanceSelector"),
        ("GrafanaDatasource", "uid"),
        ("GrafanaDashboard", "instanceSelector"),
        ("GrafanaFolder", "instanceSelector"),
        ("GrafanaFolder", "uid"),
    }


def test_what_is_said_stands_over_what_is_derived() -> None:
    config = instance(config={"users": {"default_theme": "dark"}, "log": {"level": "debug"}})["config"]
    assert config["users"] == {"default_theme": "dark"}
    assert config["log"] == {"level": "debug"}
    assert config["analytics"]["reporting_enabled"] == "false"


@pytest.mark.parametrize(("value", "written"), [(True, '"true"'), (3, '"3"'), (0.5, '"0.5"')])
def test_a_value_that_is_no_text_is_refused_with_the_text_it_should_be(value: object, written: str) -> None:
    with pytest.raises(ValidationError, match=f"write {written}"):
        settings(config={"users": {"x": value}})


def test_the_clients_secret_is_a_variable_of_the_pod() -> None:
    spec = instance(oidc=OIDC)
    assert "client_secret" not in spec["config"]["auth.generic_oauth"]
    [container] = spec["deployment"]["spec"]["template"]["spec"]["containers"]
    [variable] = container["env"]
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "grafana-oidc", "key": "clientSecret"}}


def test_it_has_a_name_in_the_world_only_where_the_world_reaches_it() -> None:
    said = settings(ingress={"className": "nginx", "tlsSecret": "grafana-tls"})
    assert [one[:4] for one in COMPONENT.identifiers(a_cluster(), said)] == [("dns", "name", "", f"grafana.{FQDN}")]
    assert list(COMPONENT.identifiers(a_cluster(), settings())) == []
    rules = instance(ingress={"className": "nginx"})["ingress"]["spec"]["rules"]
    assert [rule["host"] for rule in rules] == [f"grafana.{FQDN}"]


def test_a_dashboards_own_variables_reach_grafana() -> None:
    for told, dashboard in dashboards():
        assert told["metadata"]["labels"] == {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
        assert dashboard["spec"]["configMapRef"]["name"] == told["metadata"]["name"]
        board = json.loads(told["data"]["dashboard.json"])
        assert {panel["datasource"]["uid"] for panel in board["panels"]} == {"${datasource}"}
        assert board["templating"]["list"][0]["name"] == "datasource"


def test_dashboards_are_told_apart_and_no_panel_lies_on_another() -> None:
    boards = [json.loads(told["data"]["dashboard.json"]) for told, _ in dashboards()]
    assert len({board["uid"] for board in boards}) == len(boards) == 3
    for board in boards:
        taken = [
            (place["x"] + x, place["y"] + y)
            for place in (panel["gridPos"] for panel in board["panels"])
            for x in range(place["w"])
            for y in range(place["h"])
        ]
        assert len(set(taken)) == len(taken)
        assert max(x for x, _ in taken) < 24

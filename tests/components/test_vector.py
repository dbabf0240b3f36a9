from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import pytest
import yaml

from schiff.components.vector import COMPONENT
from schiff.components.vector_settings import VectorSettings
from schiff.components.vector_sinks import helm_literal, literal
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster
from tests.components.example_clusters import offering_all
from tests.makers import a_resolved_cluster

FQDN = "customer-a-1.vsphere-site-1.location-1.schiff.example"
KAFKA = {"kafka": {"servers": ["k-1.example:9093", "k-2.example:9093"], "topic": "logs-{{ platform.site }}"}}


def settings(**values: Any) -> VectorSettings:
    return VectorSettings.model_validate(values)


def a_cluster(provider: Literal["vsphere", "metal3"] = "vsphere", without: str = "") -> ResolvedCluster:
    documents = offering_all()
    documents["head.yaml"]["components"].pop(without, None)
    return a_resolved_cluster(provider, documents=documents)


def maps(cluster: ResolvedCluster | None = None, **said: Any) -> dict[str, Manifest]:
    return {item.name: item for item in COMPONENT.inputs(cluster or a_cluster(), settings(**said))}


def values(release: str, cluster: ResolvedCluster | None = None, **said: Any) -> dict[str, Any]:
    text = maps(cluster, **said)[f"vector-{release}-values"].body["data"]["values.yaml"]
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def sink(name: str, destination: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = values("aggregator", destinations={name: destination})["customConfig"]["sinks"][
        f"to_{name}"
    ]
    return found


def test_both_roles_are_said_and_the_agent_hands_over_to_the_aggregator() -> None:
    agent, aggregator = values("agent"), values("aggregator")
    assert (agent["role"], aggregator["role"]) == ("Agent", "Aggregator")
    handed = agent["customConfig"]["sinks"]["aggregator"]
    assert handed["address"] == "vector-aggregator.logging-system.svc:6000"
    assert aggregator["customConfig"]["sources"]["agents"] == {"type": "vector", "address": "0.0.0.0:6000"}
    assert {port["port"] for port in aggregator["service"]["ports"]} == {6000}


def test_both_releases_read_their_values_again_as_soon_as_they_change_and_flux_fills_nothing_in() -> None:
    for item in maps().values():
        assert item.labels["reconcile.fluxcd.io/watch"] == "Enabled"
        assert item.labels["kustomize.toolkit.fluxcd.io/substitute"] == "disabled"


def test_every_line_says_whose_it_is_before_anybodys_program_sees_it() -> None:
    source = values("agent")["customConfig"]["transforms"]["identity"]["source"]
    assert f'.cluster = "{FQDN}"\n' in source
    assert '.platform.customer = "customer-a"\n' in source
    assert "program" in values("aggregator", remap="del(.x)")["customConfig"]["transforms"]


def test_without_a_word_logs_go_to_the_s3_of_the_site_below_the_clusters_name() -> None:
    found = values("aggregator")["customConfig"]["sinks"]["to_archive"]
    assert found["type"] == "aws_s3"
    assert (found["bucket"], found["key_prefix"]) == ("logs-vsphere-site-1", f"{FQDN}/%Y/%m/%d/")
    assert found["endpoint"] == "https://s3.vsphere-site-1.schiff.example"
    [one] = COMPONENT.identifiers(a_cluster(), settings())
    assert one == ("s3", "prefix", "logs-vsphere-site-1", FQDN, False)


@pytest.mark.parametrize(
    ("kind", "said", "type_", "body"),
    [
        ("kafka", KAFKA["kafka"], "kafka", {"bootstrap_servers": "k-1.example:9093,k-2.example:9093"}),
        (
            "elasticsearch",
            {"endpoints": ["https://es.example"]},
            "elasticsearch",
            {"endpoints": ["https://es.example"]},
        ),
        ("loki", {"endpoint": "https://loki.example", "tenant": "a"}, "loki", {"tenant_id": "a"}),
        ("s3", {"bucket": "logs"}, "aws_s3", {"bucket": "logs", "force_path_style": True}),
        ("splunk", {"endpoint": "https://s.example", "index": "i"}, "splunk_hec_logs", {"index": "i"}),
        ("socket", {"address": "s.example:6514"}, "socket", {"mode": "tcp", "tls": {"enabled": True}}),
    ],
)
def test_each_kind_of_destination_is_a_sink_of_its_own(
    kind: str, said: dict[str, Any], type_: str, body: dict[str, Any]
) -> None:
    found = sink("here", {kind: said, "secret": "x"})
    assert found["type"] == type_
    assert {key: found[key] for key in body} == body
    assert found["buffer"] == {"type": "disk", "max_size": 1024**3, "when_full": "block"}
    assert found["acknowledgements"] == {"enabled": True}


@pytest.mark.parametrize(
    ("kind", "said", "shown"),
    [
        ("kafka", KAFKA["kafka"], {"sasl": {"username": "${BIG_LOG_USERNAME}", "password": "${BIG_LOG_PASSWORD}"}}),
        ("loki", {"endpoint": "https://l.example"}, {"auth": {"user": "${BIG_LOG_USERNAME}"}}),
        ("s3", {}, {"auth": {"access_key_id": "${BIG_LOG_ACCESS_KEY}"}}),
        ("splunk", {"endpoint": "https://s.example"}, {"default_token": "${BIG_LOG_TOKEN}"}),
    ],
)
def test_credentials_are_variables_that_come_from_secrets(
    kind: str, said: dict[str, Any], shown: dict[str, Any]
) -> None:
    destination = {kind: said, "secret": "logging-x"}
    found = sink("big-log", destination)
    for key, expected in shown.items():
        assert found[key] == expected if isinstance(expected, str) else expected.items() <= found[key].items()
    env = values("aggregator", destinations={"big-log": destination})["env"]
    names = {variable["name"] for variable in env}
    assert all(variable["valueFrom"]["secretKeyRef"]["name"] == "logging-x" for variable in env)
    assert all(f"${{{name}}}" in str(found) for name in names)


def test_a_destination_of_some_namespaces_gets_their_logs_alone() -> None:
    configuration = values("aggregator", destinations={"audit": {**KAFKA, "namespaces": ["kube-system"]}})[
        "customConfig"
    ]
    assert configuration["sinks"]["to_audit"]["inputs"] == ["only_audit"]
    condition = configuration["transforms"]["only_audit"]["condition"]
    assert condition == 'includes(["kube-system"], .kubernetes.pod_namespace)'


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("logs-{{ site }}", "logs-{{ `{{ site }}` }}"),
        ("{{a}}-{{b}}", "{{ `{{a}}` }}-{{ `{{b}}` }}"),
        ("{{ broken", "{{ `{{` }} broken"),
        ('. = {"a": {"b": 1}}', '. = {"a": {"b": 1}}'),
        ("plain", "plain"),
    ],
)
def test_helm_prints_a_template_instead_of_running_it(text: str, escaped: str) -> None:
    assert helm_literal(text) == escaped


def test_a_dollar_reaches_vector_as_one() -> None:
    assert literal({"source": r"replace(.a, r'\d$', \"$1\")"})["source"].count("$$") == 2
    assert literal(["x", {"y": 1}]) == ["x", {"y": 1}]


def test_a_topic_and_a_program_are_escaped_on_the_way_to_the_chart() -> None:
    configuration = values("aggregator", destinations={"a": KAFKA}, remap='.x = "{{ y }}$1"')["customConfig"]
    assert configuration["sinks"]["to_a"]["topic"] == "logs-{{ `{{ platform.site }}` }}"
    assert configuration["transforms"]["program"]["source"] == '.x = "{{ `{{ y }}` }}$$1"'


def test_buffers_lie_on_a_volume_where_something_makes_volumes() -> None:
    assert values("aggregator")["persistence"] == {"enabled": True, "size": "10Gi"}
    assert values("aggregator", a_cluster("metal3"))["persistence"] == {"enabled": False}
    named = values("aggregator", a_cluster("metal3"), aggregator={"volume": {"storageClass": "gold"}})["persistence"]
    assert named == {"enabled": True, "storageClassName": "gold", "size": "10Gi"}


def test_a_monitor_is_made_where_somebody_knows_the_kind() -> None:
    assert values("agent")["podMonitor"]["enabled"] is True
    assert values("agent", a_cluster(without="prometheus-operator"))["podMonitor"]["enabled"] is False


@pytest.mark.parametrize(
    ("namespace", "keys", "said"),
    [
        ("logging-system", ("accessKey", "secretKey"), None),
        ("logging-system", ("accessKey",), "has no key secretKey"),
        ("default", ("accessKey", "secretKey"), "where nobody reads it"),
    ],
)
def test_a_document_for_a_destination_lies_where_it_is_read_and_has_its_keys(
    namespace: str, keys: tuple[str, ...], said: str | None
) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "logging-s3", "namespace": namespace},
        "stringData": dict.fromkeys(keys, "ENC[x]"),
    }
    cluster = replace(a_cluster(), secrets={"logging-s3.yaml": yaml.safe_dump(document).encode()})
    found = list(COMPONENT.problems(cluster, settings()))
    assert [problem.rule for problem in found] == ["secret-missing"] * (said is not None)
    assert all(str(said) in problem.message for problem in found)
    assert "ENC" not in str(found)


def test_images_come_from_the_clusters_own_registry() -> None:
    for release in ("agent", "aggregator"):
        assert values(release)["image"] == {"repository": "registry.schiff.example/timberio/vector"}

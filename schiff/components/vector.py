"""Vector: logs of all pods, to where they are kept (domain reference 17).

An agent on each node reads, an aggregator writes: one release of the chart each, from one source. Rules, in the order
of the code:

1. The aggregator's role is said: it is the chart's default, and the agent's is not.
2. What is said of the ports and of the folder of data is said whole: with a configuration of its own the chart derives
   both from it, and two destinations on one port would break its Service.
3. Every line says whose it is, before anybody's own program sees it.
4. Buffers lie on disk, and all of them fit on the volume.
5. A text is written as Vector reads it. One that was escaped already would arrive escaped.
6. Credentials are keys of Secrets, and do not travel in clear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.prometheus import external_labels, has_driver
from schiff.components.prometheus_settings import VolumeSpec
from schiff.components.protocol import Identifier, OrdinaryComponent, SettingProblem
from schiff.components.vector_settings import (
    BufferSpec,
    DestinationSpec,
    ElasticsearchSpec,
    KafkaSpec,
    LokiSpec,
    S3Spec,
    SocketSpec,
    SplunkSpec,
    VectorSettings,
)
from schiff.components.vector_sinks import CREDENTIALS, bucket, environment, literal, sink
from schiff.manifests.helm_values import chart_values
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster

NAMESPACE: Final = "logging-system"
AGENT: Final = "vector-agent"
AGGREGATOR: Final = "vector-aggregator"

_DATA: Final = "/vector-data-dir"
_METRICS: Final = 9598
_LISTENING: Final = 6000
_HEALTH: Final = 8686
_USER: Final = 65532
_SECCOMP: Final = {"seccompProfile": {"type": "RuntimeDefault"}}
_CONFINED: Final = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
_UNTOUCHED: Final = {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
_ESCAPED: Final = re.compile(r"\{\{-?\s*(`|print|\"|\.Values|\.Release)")
_EXAMPLE: Final = """\
destinations:
  archive: {s3: {}, secret: logging-s3}
  audit:
    kafka: {servers: ["kafka-1.schiff.example:9093"], topic: "audit-{{ platform.customer }}"}
    secret: logging-kafka
    namespaces: [kube-system]
    buffer: {size: 2Gi}
  soc:
    socket: {address: "syslog.schiff.example:6514"}
remap: |
  if exists(.password) { .password = "***" }
aggregator: {replicas: 3, volume: {size: 20Gi}}
"""


class Vector(OrdinaryComponent):
    """Agent and aggregator."""

    name = "vector"
    settings = VectorSettings
    requires = ("calico",)
    after = ("portworx", "prometheus-operator", "trident", "vsphere-csi")
    namespaces = (NAMESPACE,)
    rules: Mapping[str, str] = {
        "nowhere": "Logs go somewhere.",
        "buffers-fit": "All buffers on disk fit on the aggregator's volume.",
        "escaped-twice": "Templates are written as Vector reads them.",
        "secret-missing": "A destination that asks who writes has a secret.",
        "in-clear": "Credentials do not travel in clear.",
    }
    example = _EXAMPLE

    def inputs(self, cluster: ResolvedCluster, settings: VectorSettings) -> Sequence[Manifest]:
        """Return the values of both releases."""
        labels = {**cluster.identity.labels, **_UNTOUCHED}
        agent, aggregator = _agent(cluster, settings), _aggregator(cluster, settings)
        return (
            chart_values(AGENT, NAMESPACE, labels, agent),
            chart_values(AGGREGATOR, NAMESPACE, labels, aggregator),
        )

    def identifiers(self, cluster: ResolvedCluster, settings: VectorSettings) -> Iterator[Identifier]:
        """Give the part of each bucket that logs lie in."""
        for _, destination in sorted(settings.destinations.items()):
            if destination.s3 is not None:
                yield Identifier("s3", "prefix", *bucket(destination.s3, cluster))

    def problems(self, cluster: ResolvedCluster, settings: VectorSettings) -> Iterator[SettingProblem]:  # noqa: ARG002
        """Give what loses logs, changes them on their way, or shows a credential."""
        if not settings.destinations:
            yield SettingProblem(("destinations",), "logs would go nowhere", "name a destination", "nowhere")
        waiting = sum(one.buffer.mebibytes for one in settings.destinations.values())
        room = settings.aggregator.volume.gibibytes * 1024 * 9 // 10
        if waiting > room:
            message = f"buffers of {waiting}Mi do not fit: of {settings.aggregator.volume.size}, {room}Mi are for them"
            cure = "take a larger aggregator.volume, or smaller buffers"
            yield SettingProblem(("aggregator", "volume", "size"), message, cure, "buffers-fit")
        yield from _escaped(("remap",), settings.remap)
        for name, destination in sorted(settings.destinations.items()):
            path = ("destinations", name)
            yield from _escaped((*path, destination.kind), destination.way.as_document())
            yield from _credential_problems(path, destination)


def _escaped(path: tuple[str | int, ...], value: Any) -> Iterator[SettingProblem]:
    """Give every text below a path that was written for Helm instead of for Vector."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _escaped((*path, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _escaped((*path, index), item)
    elif isinstance(value, str) and _ESCAPED.search(value):
        message = "is escaped already, and would be escaped once more on its way through Helm"
        yield SettingProblem(path, message, "write it plainly, as {{ field }}", "escaped-twice")


def _credential_problems(path: tuple[str, str], destination: DestinationSpec) -> Iterator[SettingProblem]:
    if destination.secret is None and destination.kind in {"s3", "splunk"}:
        keys = ", ".join(CREDENTIALS[destination.kind])
        message = f"{destination.kind} takes nothing from strangers"
        yield SettingProblem((*path, "secret"), message, f"name a Secret with {keys}", "secret-missing")
    if destination.secret is not None and _travels_in_clear(destination):
        message = f"the keys of {destination.secret} would travel in clear"
        yield SettingProblem((*path, destination.kind), message, "use https, or tls: true", "in-clear")


def _travels_in_clear(destination: DestinationSpec) -> bool:
    match destination.way:
        case KafkaSpec(tls=encrypted):
            return not encrypted
        case ElasticsearchSpec(endpoints=endpoints):
            return any(endpoint.startswith("http://") for endpoint in endpoints)
        case LokiSpec(endpoint=endpoint) | SplunkSpec(endpoint=endpoint) | S3Spec(endpoint=endpoint):
            return endpoint is not None and endpoint.startswith("http://")
        case SocketSpec():
            return False


# --- values


def _agent(cluster: ResolvedCluster, settings: VectorSettings) -> dict[str, Any]:
    agent = settings.agent
    configuration = {
        **_everywhere(),
        "sources": {"pods": {"type": "kubernetes_logs"}, **_own_metrics()},
        "transforms": {"identity": {"type": "remap", "inputs": ["pods"], "source": literal(_identity(cluster))}},
        "sinks": {
            **_exporter(),
            "aggregator": {
                "type": "vector",
                "inputs": ["identity"],
                "address": f"{AGGREGATOR}.{NAMESPACE}.svc:{_LISTENING}",
                "buffer": _disk(agent.buffer),
                "acknowledgements": {"enabled": True},
            },
        },
    }
    return {
        "role": "Agent",
        **_shared(cluster, agent.resources.requirements()),
        "securityContext": {**_CONFINED, "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}},
        "tolerations": [{"operator": "Exists"}],
        "podPriorityClassName": "system-node-critical",
        "service": {"enabled": False},
        "serviceHeadless": {"enabled": False},
        "containerPorts": _ports(),
        "customConfig": configuration,
    }


def _aggregator(cluster: ResolvedCluster, settings: VectorSettings) -> dict[str, Any]:
    aggregator, destinations = settings.aggregator, settings.destinations
    arrived = "program" if settings.remap else "agents"
    filters = {
        f"only_{name}": {"type": "filter", "inputs": [arrived], "condition": literal(_condition(destination))}
        for name, destination in sorted(destinations.items())
        if destination.namespaces
    }
    program = {"type": "remap", "inputs": ["agents"], "source": literal(settings.remap)}
    sinks = {
        name: sink(name, one, [f"only_{name}" if one.namespaces else arrived], cluster)
        for name, one in sorted(destinations.items())
    }
    listening = {"type": "vector", "address": f"0.0.0.0:{_LISTENING}"}
    transforms = {**({"program": program} if settings.remap else {}), **filters}
    configuration = {
        **_everywhere(),
        "sources": {"agents": listening, **_own_metrics()},
        **({"transforms": transforms} if transforms else {}),
        "sinks": {**_exporter(), **{f"to_{name}": body for name, body in sinks.items()}},
    }
    port = {"name": "vector", "port": _LISTENING, "protocol": "TCP"}
    return {
        "role": "Aggregator",
        **_shared(cluster, aggregator.resources.requirements()),
        "replicas": aggregator.replicas,
        "podManagementPolicy": "Parallel",
        "podSecurityContext": {"runAsNonRoot": True, "runAsUser": _USER, "fsGroup": _USER, **_SECCOMP},
        "securityContext": {**_CONFINED, "capabilities": {"drop": ["ALL"]}},
        "topologySpreadConstraints": [_apart()],
        "podDisruptionBudget": {"enabled": True, "minAvailable": None, "maxUnavailable": 1},
        "persistence": _persistence(cluster, aggregator.volume),
        "service": {"ports": [port]},
        "containerPorts": [{"name": "vector", "containerPort": _LISTENING, "protocol": "TCP"}, *_ports()],
        "env": environment(destinations),
        "customConfig": configuration,
    }


def _shared(cluster: ResolvedCluster, resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return what both roles say alike; a monitor where somebody knows the kind."""
    probe = {"httpGet": {"path": "/health", "port": _HEALTH}}
    watched = "prometheus-operator" in cluster.layers.release.components
    return {
        "image": {"repository": f"{cluster.spec.registry}/timberio/vector"},
        "resources": resources,
        "livenessProbe": probe,
        "readinessProbe": probe,
        "podMonitor": {"enabled": watched, "port": "metrics"},
    }


def _persistence(cluster: ResolvedCluster, volume: VolumeSpec) -> dict[str, Any]:
    if volume.storage_class is None and not has_driver(cluster):
        return {"enabled": False}
    named = {} if volume.storage_class is None else {"storageClassName": volume.storage_class}
    return {"enabled": True, **named, "size": volume.size}


def _apart() -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": AGGREGATOR}},
    }


def _ports() -> list[dict[str, Any]]:
    return [
        {"name": "metrics", "containerPort": _METRICS, "protocol": "TCP"},
        {"name": "api", "containerPort": _HEALTH, "protocol": "TCP"},
    ]


# --- configuration


def _everywhere() -> dict[str, Any]:
    return {"data_dir": _DATA, "api": {"enabled": True, "address": f"0.0.0.0:{_HEALTH}"}}


def _own_metrics() -> dict[str, Any]:
    return {"own_metrics": {"type": "internal_metrics"}}


def _exporter() -> dict[str, Any]:
    body = {"type": "prometheus_exporter", "inputs": ["own_metrics"], "address": f"0.0.0.0:{_METRICS}"}
    return {"metrics": body}


def _disk(buffer: BufferSpec) -> dict[str, Any]:
    return {"type": "disk", "max_size": buffer.mebibytes * 1024**2, "when_full": buffer.when_full}


def _identity(cluster: ResolvedCluster) -> str:
    """Return a program that says whose a line is: the same words as Prometheus' labels."""
    labels = external_labels(cluster)
    lines = [f".cluster = {json.dumps(labels.pop('cluster'))}"]
    lines += [f".platform.{name.removeprefix('platform_')} = {json.dumps(value)}" for name, value in labels.items()]
    return "".join(f"{line}\n" for line in lines)


def _condition(destination: DestinationSpec) -> str:
    return f"includes({json.dumps(list(destination.namespaces))}, .kubernetes.pod_namespace)"


COMPONENT = Vector()

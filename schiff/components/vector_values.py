"""What the chart of Vector is told: values of the agent's release and of the aggregator's.

Rules, in the order of the code:

1. The aggregator's role is said: it is the chart's default, and the agent's is not.
2. Ports and the folder of data are said whole: with a configuration of its own the chart derives both from it, and two
   destinations on one port would break its Service.
3. Every line says whose it is, before anybody's own program sees it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from schiff.components.prometheus import external_labels, has_driver
from schiff.components.prometheus_settings import VolumeSpec
from schiff.components.vector_settings import BufferSpec, DestinationSpec, VectorSettings
from schiff.components.vector_sinks import environment, literal, sink
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


def agent_values(cluster: ResolvedCluster, settings: VectorSettings) -> dict[str, Any]:
    """Return the values of the agent's release: it reads every pod of its node, whatever else may run there."""
    agent = settings.agent
    return {
        "role": "Agent",
        **_shared(cluster, agent.resources.requirements()),
        "securityContext": {**_CONFINED, "capabilities": {"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}},
        "tolerations": [{"operator": "Exists"}],
        "podPriorityClassName": "system-node-critical",
        "service": {"enabled": False},
        "serviceHeadless": {"enabled": False},
        "containerPorts": _ports(),
        "customConfig": _reading(cluster, agent.buffer),
    }


def aggregator_values(cluster: ResolvedCluster, settings: VectorSettings) -> dict[str, Any]:
    """Return the values of the aggregator's release: a program, filters, and a sink for each destination."""
    aggregator = settings.aggregator
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
        "env": environment(settings.destinations),
        "customConfig": _writing(cluster, settings),
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


def _reading(cluster: ResolvedCluster, buffer: BufferSpec) -> dict[str, Any]:
    return {
        **_everywhere(),
        "sources": {"pods": {"type": "kubernetes_logs"}, **_own_metrics()},
        "transforms": {"identity": {"type": "remap", "inputs": ["pods"], "source": literal(_identity(cluster))}},
        "sinks": {
            **_exporter(),
            "aggregator": {
                "type": "vector",
                "inputs": ["identity"],
                "address": f"{AGGREGATOR}.{NAMESPACE}.svc:{_LISTENING}",
                "buffer": _disk(buffer),
                "acknowledgements": {"enabled": True},
            },
        },
    }


def _writing(cluster: ResolvedCluster, settings: VectorSettings) -> dict[str, Any]:
    destinations = settings.destinations
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
    return {
        **_everywhere(),
        "sources": {"agents": listening, **_own_metrics()},
        **({"transforms": transforms} if transforms else {}),
        "sinks": {**_exporter(), **{f"to_{name}": body for name, body in sinks.items()}},
    }


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

"""Who watches the platform's own parts: a monitor and an alarm for each that a cluster runs (domain reference 16).

What every cluster has (Flux, Kubernetes itself, the monitoring) is watched from the versioned folder; so are parts
that say nothing by themselves, such as the network of the pods: by what Kubernetes says of their workloads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from schiff.components.prometheus_operator import NAMESPACE
from schiff.manifests.manifest import Manifest
from schiff.model.resolved import ResolvedCluster

_API: Final = "monitoring.coreos.com/v1"
_TOKEN: Final[Mapping[str, Any]] = {"credentials": {"name": "prometheus-token", "key": "token"}}


class Watch(NamedTuple):
    """Where a part of the platform says how it fares: pods or a Service, by their labels and the name of a port.

    One that asks who wants to know gets the token of Prometheus, from a secret that only this namespace can name.
    """

    kind: str
    namespace: str
    labels: Mapping[str, str]
    port: str
    asks: bool = False


WATCHED: Final[Mapping[str, Watch]] = {
    "grafana-operator": Watch("ServiceMonitor", NAMESPACE, {"app.kubernetes.io/name": "grafana-operator"}, "metrics"),
    "kyverno": Watch("PodMonitor", "kyverno", {"app.kubernetes.io/part-of": "kyverno"}, "metrics-port"),
    "metallb": Watch("PodMonitor", "metallb-system", {"app": "metallb"}, "metricshttps", asks=True),
    "velero": Watch("PodMonitor", "velero", {"app.kubernetes.io/name": "velero"}, "http-monitoring"),
    "vsphere-csi": Watch("ServiceMonitor", "vmware-system-csi", {"app": "vsphere-csi-controller"}, "ctlr"),
}
"""The parts by component."""


def watched(cluster: ResolvedCluster) -> Iterator[Manifest]:
    """Give monitors of what the cluster runs, and one rule for each that misses it."""
    names = [name for name in WATCHED if _runs(name, cluster)]
    for name in names:
        yield _monitor(name, WATCHED[name])
    alarms = [_alarm(name) for name in names]
    if alarms:
        body = {"spec": {"groups": [{"name": "schiff-platform", "rules": alarms}]}}
        yield Manifest(_API, "PrometheusRule", "schiff-platform", NAMESPACE, body=body)


def _runs(name: str, cluster: ResolvedCluster) -> bool:
    if name == "vsphere-csi" and cluster.identity.provider != "vsphere":
        return False
    return name in cluster.layers.release.components


def _monitor(name: str, watch: Watch) -> Manifest:
    endpoint: dict[str, Any] = {"port": watch.port, "relabelings": [_job(name)]}
    if watch.asks:
        endpoint |= {"scheme": "https", "tlsConfig": {"insecureSkipVerify": True}, "authorization": _TOKEN}
    spec = {
        "namespaceSelector": {"matchNames": [watch.namespace]},
        "selector": {"matchLabels": dict(watch.labels)},
        "endpoints" if watch.kind == "ServiceMonitor" else "podMetricsEndpoints": [endpoint],
    }
    return Manifest(_API, watch.kind, f"schiff-{name}", NAMESPACE, body={"spec": spec})


def _job(name: str) -> dict[str, str]:
    return {"targetLabel": "job", "replacement": name}


def _alarm(name: str) -> dict[str, Any]:
    return {
        "alert": "PlatformPartSilent",
        "expr": f'absent(up{{job="{name}"}} == 1)',
        "for": "15m",
        "labels": {"severity": "warning", "component": name},
        "annotations": {"summary": f"nobody has heard of {name} for 15 minutes"},
    }

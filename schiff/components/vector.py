"""Vector: logs of all pods, to where they are kept (domain reference 17).

An agent on each node reads, an aggregator writes: one release of the chart each, from one source. Rules, in the order
of the code:

1. Logs go somewhere, by default to the site's S3 below the cluster's FQDN.
2. Buffers lie on disk, and all of them fit on the volume.
3. A text is written as Vector reads it. One that was escaped already would arrive escaped.
4. Credentials are keys of Secrets, and do not travel in clear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from schiff.components.protocol import Identifier, OrdinaryComponent, SettingProblem
from schiff.components.secret_documents import secret_problems
from schiff.components.vector_settings import (
    DestinationSpec,
    ElasticsearchSpec,
    KafkaSpec,
    LokiSpec,
    S3Spec,
    SocketSpec,
    SplunkSpec,
    VectorSettings,
)
from schiff.components.vector_sinks import CREDENTIALS, bucket
from schiff.components.vector_values import AGENT, AGGREGATOR, NAMESPACE, agent_values, aggregator_values
from schiff.manifests.helm_values import chart_values
from schiff.manifests.manifest import Manifest
from schiff.manifests.sops import SecretTarget
from schiff.model.resolved import ResolvedCluster

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
        "secret-missing": "A destination that asks who writes has a secret with the keys it needs.",
        "in-clear": "Credentials do not travel in clear.",
    }
    example = _EXAMPLE

    def inputs(self, cluster: ResolvedCluster, settings: VectorSettings) -> Sequence[Manifest]:
        """Return the values of both releases."""
        labels = {**cluster.identity.labels, **_UNTOUCHED}
        return (
            chart_values(AGENT, NAMESPACE, labels, agent_values(cluster, settings)),
            chart_values(AGGREGATOR, NAMESPACE, labels, aggregator_values(cluster, settings)),
        )

    def identifiers(self, cluster: ResolvedCluster, settings: VectorSettings) -> Iterator[Identifier]:
        """Give the part of each bucket that logs lie in."""
        for _, destination in sorted(settings.destinations.items()):
            if destination.s3 is not None:
                yield Identifier("s3", "prefix", *bucket(destination.s3, cluster))

    def problems(self, cluster: ResolvedCluster, settings: VectorSettings) -> Iterator[SettingProblem]:
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
            yield from _document_problems(path, destination, cluster)


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


def _document_problems(
    path: tuple[str, str], destination: DestinationSpec, cluster: ResolvedCluster
) -> Iterator[SettingProblem]:
    """Give a document that people wrote for this destination and that lacks something; values stay unread."""
    keys = tuple(CREDENTIALS[destination.kind])
    if destination.secret is not None and keys:
        target = SecretTarget(destination.secret, NAMESPACE)
        yield from secret_problems(cluster, target, keys, (*path, "secret"), "secret-missing")


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


COMPONENT = Vector()

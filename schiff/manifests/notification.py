"""Flux's alerts: where they go, and what they are about (notification.toolkit.fluxcd.io)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.manifests.manifest import Manifest
from schiff.model.management_cluster import AlertFacts

_API = "notification.toolkit.fluxcd.io/v1beta3"


class EventSource(NamedTuple):
    """All Flux objects of one kind in one namespace."""

    kind: str
    namespace: str


def alert_provider(name: str, facts: AlertFacts) -> Manifest:
    """Return who is told; what is secret about the address stands in a secret that is named, never written."""
    spec: dict[str, Any] = {"type": facts.type}
    if facts.address is not None:
        spec["address"] = facts.address
    if facts.secret is not None:
        spec["secretRef"] = {"name": facts.secret}
    return Manifest(_API, "Provider", name, FLUX_NAMESPACE, body={"spec": spec})


def alert(name: str, sources: Iterable[EventSource], metadata: Mapping[str, str]) -> Manifest:
    """Return an alert to the provider of the same name about everything that fails; `metadata` goes with each."""
    spec: dict[str, Any] = {
        "providerRef": {"name": name},
        "eventSeverity": "error",
        "eventMetadata": dict(metadata),
        "eventSources": [{"kind": source.kind, "name": "*", "namespace": source.namespace} for source in sources],
    }
    return Manifest(_API, "Alert", name, FLUX_NAMESPACE, body={"spec": spec})

"""A stand-in for everything that would run pods: it says of each workload that it rolled out.

There is no kubelet here and no container runtime, so a Deployment would wait
for ever, and with it every Kustomization that waits for its health. Nothing
runs: only `status` of Deployments, DaemonSets and StatefulSets is written.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from tests.bed.kubernetes_client import KubernetesClient

_PLURALS = ("deployments", "daemonsets", "statefulsets")
_SECONDS = 0.5


class Workloads:
    """Runs while the `with` block does, beside an API server that may come and go."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="workloads")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._client.__exit__(kind, error, trace)

    def _run(self) -> None:
        while not self._ended.wait(_SECONDS):
            try:
                for plural in _PLURALS:
                    self._roll_out(plural)
            except httpx.HTTPError:  # the server is away; it is asked again
                continue

    def _roll_out(self, plural: str) -> None:
        answer = self._client.get(f"/apis/apps/v1/{plural}")
        for item in answer.json().get("items", []) if answer.is_success else []:
            generation = item["metadata"]["generation"]
            if item.get("status", {}).get("observedGeneration") != generation:
                status = {"observedGeneration": generation, **_STATUS[plural](item)}
                namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
                self._client.merge(f"/apis/apps/v1/namespaces/{namespace}/{plural}/{name}/status", {"status": status})


def _deployment(item: Mapping[str, Any]) -> dict[str, Any]:
    counters = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    conditions = [("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable")]
    return {
        **dict.fromkeys(counters, item["spec"].get("replicas", 1)),
        "conditions": [{"type": kind, "status": "True", "reason": reason} for kind, reason in conditions],
    }


def _daemon_set(item: Mapping[str, Any]) -> dict[str, Any]:
    counters = ("currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled")
    return {**dict.fromkeys((*counters, "numberAvailable", "numberReady"), 1), "numberMisscheduled": 0}


def _stateful_set(item: Mapping[str, Any]) -> dict[str, Any]:
    counters = ("replicas", "currentReplicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    revision = {"currentRevision": "1", "updateRevision": "1"}
    return {**dict.fromkeys(counters, item["spec"].get("replicas", 1)), **revision}


_STATUS = {"deployments": _deployment, "daemonsets": _daemon_set, "statefulsets": _stateful_set}

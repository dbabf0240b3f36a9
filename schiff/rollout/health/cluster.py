"""The verdict on one cluster: what its three layers say, and the worst of them."""

from __future__ import annotations

from collections.abc import Iterable

from schiff.rollout.health.cluster_api import judge_cluster_api
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.flux import judge_flux, unknown
from schiff.rollout.health.machines import CLUSTER_GROUP
from schiff.rollout.health.observed import Observation
from schiff.rollout.health.reading import is_true
from schiff.rollout.health.removal import REACHED, removal_layers
from schiff.rollout.health.tenant import judge_tenant
from schiff.rollout.health.verdicts import ClusterHealth, Finding, Layer, Verdict, worst


def cluster_health(expected: Expected, observed: Observation) -> ClusterHealth:
    """Return how a cluster does against what was delivered to it, as seen at one moment."""
    layers = removal_layers(expected, observed) if expected.removal else _layers(expected, observed)
    ordered = sorted(layers.values(), key=lambda finding: finding.reason == REACHED)
    whole = worst(ordered) or _healthy(expected)
    return ClusterHealth(whole.verdict, whole.reason, whole.message, whole.object, layers)


def _layers(expected: Expected, observed: Observation) -> dict[Layer, Finding]:
    capi, moving = _cluster_api(expected, observed)
    initialized = _has_been_there(expected, observed)
    return {
        "capi": _worst(capi, expected),
        "flux": _worst(judge_flux(expected, observed, initialized=initialized), expected),
        "tenant": _worst(judge_tenant(expected, observed.tenant, observed.at, moving=moving), expected),
    }


def _has_been_there(expected: Expected, observed: Observation) -> bool:
    """Return whether the tenant has had a control plane, so that one who cannot be reached is more than late."""
    name = expected.cluster.rpartition("/")[2]
    live = observed.management.objects.get((CLUSTER_GROUP, "Cluster", expected.namespace, name))
    return is_true(live, "status", "initialization", "controlPlaneInitialized") or is_true(
        live, "status", "controlPlaneReady"
    )


def _cluster_api(expected: Expected, observed: Observation) -> tuple[Iterable[Finding], bool]:
    if observed.management.trouble is not None:
        return [unknown(observed.management.trouble)], False
    judged = judge_cluster_api(expected, observed.management, observed.at)
    return judged.findings, judged.moving


def _worst(findings: Iterable[Finding], expected: Expected) -> Finding:
    return worst(findings) or _healthy(expected)


def _healthy(expected: Expected) -> Finding:
    return Finding(Verdict.Healthy, "Healthy", "everything is as it was delivered", expected.cluster)

"""The verdict on one cluster: what its three layers say, and the worst of them."""

from __future__ import annotations

from schiff.rollout.health.expected import Expected
from schiff.rollout.health.observed import Observation
from schiff.rollout.health.verdicts import LAYERS, ClusterHealth, Finding, Verdict


def cluster_health(expected: Expected, observed: Observation) -> ClusterHealth:
    """Return how a cluster does against what was delivered to it, as seen at one moment."""
    trouble = observed.management.trouble or observed.tenant.trouble
    unknown = trouble or Finding(Verdict.Unknown, "NotReported", "nothing has been judged", expected.cluster)
    layers = dict.fromkeys(LAYERS, unknown)
    return ClusterHealth(unknown.verdict, unknown.reason, unknown.message, unknown.object, layers)

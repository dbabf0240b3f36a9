"""Health of real clusters against what was delivered: the table of conditions as pure functions.

Freshness comes first: what an object says counts only when it speaks of our
tree, our release and its current generation. Whatever is missing, half or
strange ends in a verdict that is not Healthy, never in an exception.
"""

from schiff.rollout.health.cluster import cluster_health
from schiff.rollout.health.commits import commits_named
from schiff.rollout.health.expected import DeliveredFolder, Expected, expected_of
from schiff.rollout.health.observed import ObjectKey, Observation, Seen
from schiff.rollout.health.rollup import Counted, counted, roll_up
from schiff.rollout.health.verdicts import LAYERS, ClusterHealth, Finding, Layer, Verdict, worst

__all__ = [
    "LAYERS",
    "ClusterHealth",
    "Counted",
    "DeliveredFolder",
    "Expected",
    "Finding",
    "Layer",
    "ObjectKey",
    "Observation",
    "Seen",
    "Verdict",
    "cluster_health",
    "commits_named",
    "counted",
    "expected_of",
    "roll_up",
    "worst",
]

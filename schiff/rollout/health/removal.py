"""A cluster that is being removed is never Healthy; its reason says whether the delivered state has been reached.

The next state may follow when the reason is `RemovalReached`:

a. the Cluster may be pruned, and nothing applies anything to the tenant any more
b. the Cluster and its Machines are gone
c. the same, and the rest may be pruned
d. nothing of Cluster API is left
e. its Kustomization is gone too

Nothing is asked of the tenant: it may be gone at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from schiff.manifests.cluster_objects import PRUNE
from schiff.manifests.flux import FLUX_NAMESPACE
from schiff.rollout.health.cluster_api import KINDS
from schiff.rollout.health.conditions import condition, found, says
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.flux import judge_side, unknown
from schiff.rollout.health.machines import CLUSTER_GROUP
from schiff.rollout.health.observed import ObjectKey, Observation
from schiff.rollout.health.reading import named, text
from schiff.rollout.health.verdicts import Finding, Layer, Verdict, worst

REACHED: Final = "RemovalReached"
_KUSTOMIZE: Final = "kustomize.toolkit.fluxcd.io"
_FIRST: Final = {(CLUSTER_GROUP, "Cluster"), (CLUSTER_GROUP, "Machine")}
_LAST: Final = {*KINDS, *_FIRST}


def removal_layers(expected: Expected, observed: Observation) -> dict[Layer, Finding]:
    """Return how far each layer is in the state that was delivered."""
    trouble = observed.management.trouble
    capi = [unknown(trouble)] if trouble else list(_cluster_api(expected, observed))
    flux = [unknown(trouble)] if trouble else list(_flux(expected, observed))
    return {
        "capi": worst(capi) or _reached(expected),
        "flux": worst(flux) or _reached(expected),
        "tenant": _reached(expected),
    }


def _reached(expected: Expected) -> Finding:
    message = f"removal state {expected.removal} is reached"
    return Finding(Verdict.Progressing, REACHED, message, expected.cluster)


def _cluster_api(expected: Expected, observed: Observation) -> Iterator[Finding]:
    objects, namespace = observed.management.objects, expected.namespace
    cluster: ObjectKey = (CLUSTER_GROUP, "Cluster", namespace, expected.cluster.rpartition("/")[2])
    if expected.removal == "a":
        live = objects.get(cluster)
        if live is not None and text(live, "metadata", "annotations", PRUNE) != "enabled":
            yield _removing("the Cluster may not be pruned yet", cluster)
        return
    leaving = _LAST if expected.removal in "de" else _FIRST
    for key in sorted(objects):
        if key[:2] in leaving and key[2] == namespace:
            yield _removing(_words(objects[key]), key)


def _flux(expected: Expected, observed: Observation) -> Iterator[Finding]:
    objects, namespace = observed.management.objects, expected.namespace
    own: ObjectKey = (_KUSTOMIZE, "Kustomization", FLUX_NAMESPACE, namespace)
    for key in sorted(objects):
        if key[:3] == (_KUSTOMIZE, "Kustomization", namespace):
            yield _removing("it still applies to the tenant", key)
    if expected.removal != "e":
        management = observed.management
        yield from judge_side(
            expected, observed, management, expected.management, expected.definitions, initialized=False
        )
    elif own in objects:
        yield _removing("it is not gone yet", own)


def _removing(message: str, key: ObjectKey) -> Finding:
    return Finding(Verdict.Progressing, "Removing", message, named(key))


def _words(live: Any) -> str:
    """Return what an object that goes says about it."""
    one = condition(live, "Deleting")
    if one is None or one.status != "True":
        return "it is not gone yet"
    return found(Verdict.Progressing, "Removing", says("it is being deleted", one), live).message

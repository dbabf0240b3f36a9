"""The layer `capi`: the Cluster, its control plane, its pools and its Machines on the management cluster.

For every object, in this order: it is there; it is not being deleted and has a
status; its status speaks of the present generation; it carries our release and
the delivered specification; it is not paused. Only then its conditions count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Final

from schiff.rollout.health import cluster_rows, v1beta1
from schiff.rollout.health.conditions import (
    absent,
    condition,
    found,
    from_the_future,
    generation_not_observed,
    not_there,
)
from schiff.rollout.health.expected import Expected
from schiff.rollout.health.machines import CLUSTER_GROUP, Machines
from schiff.rollout.health.observed import Seen
from schiff.rollout.health.reading import at, covers, key_of, named, text
from schiff.rollout.health.verdicts import Finding, Verdict

KINDS: Final = {
    ("cluster.x-k8s.io", "Cluster"),
    ("controlplane.cluster.x-k8s.io", "KubeadmControlPlane"),
    ("cluster.x-k8s.io", "MachineDeployment"),
}
_ROWS: Final[Mapping[str, ModuleType]] = {"v1beta2": cluster_rows, "v1beta1": v1beta1}
_PAUSED = "cluster.x-k8s.io/paused"
_DELIVERED: Final = {
    "Cluster": (),
    "KubeadmControlPlane": (
        ("spec", "version"),
        ("spec", "replicas"),
        ("spec", "machineTemplate", "spec", "infrastructureRef", "name"),
    ),
    "MachineDeployment": (
        ("spec", "template", "spec", "version"),
        ("spec", "replicas"),
        ("spec", "template", "spec", "infrastructureRef", "name"),
        ("spec", "template", "spec", "bootstrap", "configRef", "name"),
    ),
}


@dataclass(frozen=True, slots=True)
class ClusterApi:
    """What Cluster API says of one cluster, and whether its machines are being made or replaced."""

    findings: tuple[Finding, ...]
    moving: bool


def judge_cluster_api(expected: Expected, seen: Seen, moment: datetime) -> ClusterApi:
    """Return what keeps the cluster from running exactly what was delivered."""
    delivered = [item for item in expected.management if key_of(item)[:2] in KINDS]
    kinds = [text(item, "kind") for item in delivered]
    if kinds.count("Cluster") != 1 or kinds.count("KubeadmControlPlane") != 1:
        message = "the delivered folder holds no Cluster with its control plane"
        return ClusterApi((Finding(Verdict.Unknown, "NothingDelivered", message, expected.cluster),), moving=False)
    live = {key_of(item): seen.objects.get(key_of(item)) for item in delivered}
    cluster = next(item for item in delivered if text(item, "kind") == "Cluster")
    owners = [item for item in delivered if text(item, "kind") != "Cluster"]
    machines = Machines.of(key_of(cluster), owners, seen, expected.kubernetes)
    moving = {key_of(item): machines.on_their_way(item) or _is_moving(item, live[key_of(item)]) for item in owners}
    anywhere = any(moving.values()) or _is_moving(cluster, live[key_of(cluster)])
    findings = [
        one
        for item in delivered
        for one in _object(expected, item, live[key_of(item)], moment, moving=moving.get(key_of(item), anywhere))
    ]
    return ClusterApi((*findings, *machines.findings()), anywhere)


def _object(
    expected: Expected, delivered: Mapping[str, Any], live: Any, moment: datetime, *, moving: bool
) -> Iterator[Finding]:
    missing = [*not_there(delivered, live)]
    rows = _rows(live)
    if missing:
        yield from missing
        return
    if rows is None:
        message = f"{text(live, 'apiVersion') or 'no API version'} is not one that schiff reads"
        yield Finding(Verdict.Unknown, "ApiVersionUnknown", message, named(key_of(delivered)))
        return
    early = [*absent(live)] or [*_not_ours(expected, delivered, live), *from_the_future(live, moment)]
    yield from early
    if not early:
        yield from rows.judge(live, expected.kubernetes, moving=moving)


def _not_ours(expected: Expected, delivered: Mapping[str, Any], live: Any) -> Iterator[Finding]:
    """Yield why what the object says is not yet said of what was delivered."""
    yield from cluster_rows.blocked(live)
    yield from generation_not_observed(live)
    yield from _other_release(expected, delivered, live)
    if not all(covers(at(live, *place), at(delivered, *place)) for place in _DELIVERED[text(delivered, "kind")]):
        yield found(Verdict.Progressing, "SpecNotReached", "it does not carry what was delivered yet", live)
    if _is_paused(live):
        yield found(Verdict.Unknown, "Paused", "Cluster API does not reconcile it", live)


def _is_paused(live: Any) -> bool:
    said = condition(live, "Paused")
    asked = at(live, "spec", "paused") not in (None, False) or at(live, "metadata", "annotations", _PAUSED) is not None
    return asked or (said is not None and said.status == "True")


def _other_release(expected: Expected, delivered: Mapping[str, Any], live: Any) -> Iterator[Finding]:
    """Yield that the release annotation, whose domain each fleet chooses, names another release."""
    annotations = at(delivered, "metadata", "annotations")
    names = [name for name in annotations if str(name).endswith("/release")] if isinstance(annotations, Mapping) else []
    carried = text(live, "metadata", "annotations", *names) if len(names) == 1 else ""
    if not carried or carried != expected.release:
        message = f"it carries release {carried or 'none'}, {expected.release} is expected"
        yield found(Verdict.Progressing, "ReleaseNotReached", message, live)


def _rows(live: Any) -> ModuleType | None:
    group, _, version = text(live, "apiVersion").rpartition("/")
    return _ROWS.get(version) if group.endswith(CLUSTER_GROUP) else None


def _is_moving(delivered: Mapping[str, Any], live: Any) -> bool:
    rows = _rows(live)
    return rows is not None and key_of(live) == key_of(delivered) and bool(rows.is_moving(live))

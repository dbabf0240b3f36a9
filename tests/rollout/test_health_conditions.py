"""Each condition of the health table (rollout 6) matters: spoiled alone in a settled world, it ends Healthy for good.

The table is spelled again here, so that one that is dropped from the code fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from schiff.rollout.health import Verdict
from tests.rollout.recorded_cluster import (
    Object,
    World,
    changed,
    conditioned,
    delivered,
    key,
    recorded,
    settled,
)

CLUSTER_TRUE = [
    "Available",
    "RemoteConnectionProbe",
    "InfrastructureReady",
    "ControlPlaneAvailable",
    "WorkersAvailable",
    "ControlPlaneMachinesUpToDate",
    "WorkerMachinesUpToDate",
    "ControlPlaneMachinesReady",
    "WorkerMachinesReady",
]
CLUSTER_FALSE = ["RollingOut", "ScalingUp", "ScalingDown", "Remediating", "Deleting", "Paused"]
KCP_TRUE = [
    "Available",
    "CertificatesAvailable",
    "EtcdClusterHealthy",
    "ControlPlaneComponentsHealthy",
    "MachinesReady",
    "MachinesUpToDate",
]
MD_TRUE = ["Available", "MachinesReady", "MachinesUpToDate"]
ROLLING_FALSE = ["RollingOut", "Remediating"]
ROWS = {
    "Cluster": (CLUSTER_TRUE, CLUSTER_FALSE),
    "KubeadmControlPlane": (KCP_TRUE, ROLLING_FALSE),
    "MachineDeployment": (MD_TRUE, ROLLING_FALSE),
}
OTHER: list[Any] = [None, "", "x", 0, -1, 7, 1.5, True, [], {}, ["v1.35.2"]]

Spoil = Callable[[Object], Object]
Case = tuple[str, str, Spoil]


def of_kind(kind: str, name: str = "", *, tenant: bool = False) -> Object:
    world = settled()
    side = world.tenant if tenant else world.management
    return next(live for one, live in sorted(side.items()) if one[1] == kind and one[3].startswith(name))


def setting(*path: str | int) -> Callable[[Any], Spoil]:
    return lambda value: lambda live: changed(live, path, value)


def telling(name: str, **fields: Any) -> Spoil:
    return lambda live: conditioned(live, name, **fields)


def conditions_of(kind: str) -> Iterator[Case]:
    true, false = ROWS[kind]
    for name in (*true, *false):
        wrong = "False" if name in true else "True"
        yield kind, f"{name} {wrong}", telling(name, status=wrong)
        yield kind, f"{name} Unknown", telling(name, status="Unknown")
        yield kind, f"{name} half", telling(name, status=None)
        yield kind, f"{name} gone", telling(name)
        yield kind, f"{name} older", telling(name, observedGeneration=0)
        yield kind, f"{name} newer", telling(name, observedGeneration=99)


def replaced(kind: str, *path: str | int, values: list[Any] = OTHER) -> Iterator[Case]:
    for value in values:
        yield kind, f"{'.'.join(map(str, path))} {value!r}", setting(*path)(value)


def everywhere(kind: str) -> Iterator[Case]:
    """Yield what ends Healthy for every object that is read."""
    yield kind, "deleting", setting("metadata", "deletionTimestamp")("2026-11-22T16:40:00Z")
    yield kind, "no status", setting("status")(None)
    yield kind, "no conditions", setting("status", "conditions")(None)
    yield from replaced(kind, "status", values=["x", [], {}, 7])
    yield from replaced(kind, "status", "conditions", values=["x", [], {}, [None], [7, "Ready"]])
    yield from replaced(kind, "metadata", "generation", values=[None, 99, "2"])


def cluster_api_cases() -> Iterator[Case]:
    for kind in ROWS:
        yield from conditions_of(kind)
        yield from everywhere(kind)
        yield from replaced(kind, "status", "observedGeneration", values=[None, 0, 99, "2", True])
        yield from replaced(kind, "metadata", "annotations", "schiff.example/release", values=[None, "", "head", 7])
        yield kind, "paused", setting("metadata", "annotations", "cluster.x-k8s.io/paused")("")
        yield from replaced(kind, "apiVersion", values=["cluster.x-k8s.io/v1alpha4", "v1beta2", ""])
    for counter in ("replicas", "readyReplicas", "availableReplicas", "upToDateReplicas"):
        yield from replaced("KubeadmControlPlane", "status", counter, values=[value for value in OTHER if value != 1])
    yield from replaced("MachineDeployment", "status", "upToDateReplicas")
    yield from replaced("MachineDeployment", "status", "replicas")
    yield from replaced("KubeadmControlPlane", "status", "version", values=[*OTHER, "v1.35.1"])
    versions = [[], [{}], [{"version": "v1.35.1"}], [{"version": "v1.35.2"}, {"version": "v1.35.1"}], "v1.35.2"]
    yield from replaced("KubeadmControlPlane", "status", "versions", values=versions)
    yield from replaced("KubeadmControlPlane", "spec", "version", values=["v1.35.1", None])
    template = ("spec", "machineTemplate", "spec", "infrastructureRef", "name")
    yield from replaced("KubeadmControlPlane", *template, values=["other", None])
    for place in (("version",), ("infrastructureRef", "name"), ("bootstrap", "configRef", "name")):
        yield from replaced("MachineDeployment", "spec", "template", "spec", *place, values=["other", None])
    yield from everywhere_but_conditions("Machine")
    yield from replaced("Machine", "status", "observedGeneration", values=[None, 0, 99])
    yield from replaced("Machine", "spec", "version", values=[*OTHER, "v1.35.1"])
    yield from replaced("Machine", "status", "nodeInfo", "kubeletVersion", values=[*OTHER, "v1.35.1"])
    yield from replaced("Machine", "metadata", "labels", values=[None, {}, "x"])
    yield from replaced("DevMachine", "metadata", "annotations", values=[None, "x"])
    cloned = ("metadata", "annotations", "cluster.x-k8s.io/cloned-from-name")
    yield from replaced("DevMachine", *cloned, values=[*OTHER, "customer-a-1-cp-b"])


def everywhere_but_conditions(kind: str) -> Iterator[Case]:
    yield from (case for case in everywhere(kind) if "conditions" not in case[1])


def flux_cases() -> Iterator[Case]:
    for kind in ("GitRepository", "Kustomization", "HelmRelease"):
        yield from everywhere(kind)
        yield kind, "suspended", setting("spec", "suspend")(True)
        for status in ("False", "Unknown", "", None):
            yield kind, f"Ready {status}", telling("Ready", status=status)
        for generation in (None, 0, 99, -1, "1"):
            yield kind, f"Ready of {generation}", telling("Ready", observedGeneration=generation)
        yield kind, "Reconciling", telling("Reconciling", status="True", reason="Progressing")
        yield kind, "Reconciling Unknown", telling("Reconciling", status="Unknown")
        yield kind, "Stalled", telling("Stalled", status="True", reason="InvalidPath")
        yield from replaced(kind, "spec", values=[None, {}, "x"])
    yield from kustomization_cases()
    yield from helm_cases()
    revisions = [*OTHER, "main", "main@sha1:" + "9" * 39, "main@sha1:" + "9" * 40]
    yield from replaced("GitRepository", "status", "artifact", "revision", values=revisions)
    yield from replaced("GitRepository", "status", "artifact", values=[None, "x", []])
    verify = setting("spec", "verify")({"mode": "HEAD", "secretRef": {"name": "keys"}})
    yield "GitRepository", "verified by nobody", verify
    refused = telling("SourceVerified", status="False", reason="InvalidCommitSignature")
    yield "GitRepository", "refused", lambda live: refused(verify(live))


def kustomization_cases() -> Iterator[Case]:
    kind = "Kustomization"
    for name in ("lastAppliedRevision", "lastAttemptedRevision"):
        yield from replaced(kind, "status", name, values=[*OTHER, "main@sha1:" + "9" * 40])
    yield from replaced(kind, "status", "history", values=[None, [], {}, "x", [None]])
    last = ("status", "history", 0, "lastReconciledStatus")
    yield from replaced(kind, *last, values=[*OTHER, "ReconciliationFailed", "HealthCheckFailed"])
    yield from replaced(kind, "spec", "path", values=["./elsewhere", None])
    yield from replaced(kind, "spec", "sourceRef", "name", values=["elsewhere", None])


def helm_cases() -> Iterator[Case]:
    kind = "HelmRelease"
    for status in ("False", "Unknown", None):
        yield kind, f"Released {status}", telling("Released", status=status)
    yield kind, "Released gone", telling("Released")
    yield kind, "Released older", telling("Released", observedGeneration=0)
    yield kind, "Remediated", telling("Remediated", status="True", reason="RollbackSucceeded")
    yield kind, "Remediated Unknown", telling("Remediated", status="Unknown")
    yield kind, "Drifted", telling("Drifted", status="True", reason="DriftDetected")
    yield kind, "untested", setting("spec", "test", "enable")(True)
    failing = telling("TestSuccess", status="False", reason="TestFailed")
    yield kind, "failing test", lambda live: failing(changed(live, ("spec", "test", "enable"), True))
    yield from replaced(kind, "status", "history", values=[None, [], {}, "x", [None]])
    yield from replaced(
        kind, "status", "history", 0, "status", values=[*OTHER, "failed", "superseded", "pending-upgrade"]
    )
    for name in ("chartVersion", "configDigest"):
        yield from replaced(kind, "status", "history", 0, name)
    for name in ("lastAttemptedRevision", "lastAttemptedConfigDigest"):
        yield from replaced(kind, "status", name)
    yield from replaced(kind, "status", "lastAttemptedGeneration", values=[None, 0, 99, "1", True])
    yield from replaced(kind, "status", "upgradeFailures", values=[1, 2, "1", "x", True, [], {}])
    yield from replaced(kind, "spec", "values", values=[None, {"greeting": "somebody else's"}])


def tenant_cases() -> Iterator[Case]:
    kind = "Node"
    for status in ("False", "Unknown", None):
        yield kind, f"Ready {status}", telling_node(status)
    yield kind, "deleting", setting("metadata", "deletionTimestamp")("2026-11-22T16:40:00Z")
    yield from replaced(kind, "status", values=[None, "x", [], {}])
    yield from replaced(kind, "status", "nodeInfo", "kubeletVersion", values=[*OTHER, "v1.35.1"])
    yield from replaced("ConfigMap", "data", values=[None, {}, "x", {"digest": "head"}])
    yield from replaced("ConfigMap", "data", "digest", values=["head", None, 7])
    yield "ConfigMap", "deleting", setting("metadata", "deletionTimestamp")("2026-11-22T16:40:00Z")


def telling_node(status: str | None) -> Spoil:
    return lambda live: changed(live, ("status", "conditions", 0, "status"), status)


def ids(cases: list[Case]) -> list[str]:
    return [f"{kind}: {what}" for kind, what, _ in cases]


CLUSTER_API = list(cluster_api_cases())
FLUX = list(flux_cases())
TENANT = list(tenant_cases())


def test_the_world_that_is_spoiled_below_is_healthy() -> None:
    health = settled().health
    assert {health.verdict, *(layer.verdict for layer in health.layers.values())} == {Verdict.Healthy}


def spoiled(world: World, live: Object, spoil: Spoil, *, tenant: bool = False) -> World:
    """Return the world with the object as it was spoiled, under the key at which it is looked up."""
    side = world.tenant if tenant else world.management
    wrong = {**side, key(live): spoil(live)}
    return replace(world, tenant=wrong) if tenant else replace(world, management=wrong)


@pytest.mark.parametrize(("kind", "what", "spoil"), CLUSTER_API, ids=ids(CLUSTER_API))
def test_each_condition_of_cluster_api_matters(kind: str, what: str, spoil: Spoil) -> None:
    health = spoiled(settled(), of_kind(kind), spoil).health
    assert health.layers["capi"].verdict is not Verdict.Healthy
    assert health.verdict is not Verdict.Healthy


@pytest.mark.parametrize("kind", ["Cluster", "KubeadmControlPlane", "MachineDeployment"])
def test_what_is_paused_is_unknown_however_green(kind: str) -> None:
    pausing = setting("metadata", "annotations", "cluster.x-k8s.io/paused")("")
    health = spoiled(settled(), of_kind(kind), pausing).health
    assert (health.layers["capi"].verdict, health.verdict) == (Verdict.Unknown, Verdict.Unknown)


@pytest.mark.parametrize("tenant", [False, True], ids=["on the management cluster", "in the tenant"])
@pytest.mark.parametrize(("kind", "what", "spoil"), FLUX, ids=ids(FLUX))
def test_each_condition_of_flux_matters(kind: str, what: str, spoil: Spoil, tenant: bool) -> None:
    world = settled()
    if kind == "HelmRelease" and not tenant:
        world = world.expecting(recorded("helmrelease-ready"))
    live = next(item for one, item in (world.tenant if tenant else world.management).items() if one[1] == kind)
    wrong = spoiled(world, live, spoil, tenant=tenant)
    commit = "9" * 40
    elsewhere = {(repository, commit, path): "9" * 40 for repository, path in world.expected.trees}
    health = replace(wrong, trees=elsewhere).health
    assert health.layers["flux"].verdict is not Verdict.Healthy
    assert health.verdict is not Verdict.Healthy


@pytest.mark.parametrize(("kind", "what", "spoil"), TENANT, ids=ids(TENANT))
def test_each_condition_of_the_tenant_matters(kind: str, what: str, spoil: Spoil) -> None:
    health = spoiled(settled(), of_kind(kind, tenant=True), spoil, tenant=True).health
    assert health.layers["tenant"].verdict is not Verdict.Healthy
    assert health.verdict is not Verdict.Healthy


@pytest.mark.parametrize("gone", [*settled().management], ids=lambda one: "/".join(one[1:]))
def test_each_object_of_the_management_cluster_matters(gone: tuple[str, str, str, str]) -> None:
    assert settled().without(gone).health.verdict is not Verdict.Healthy


@pytest.mark.parametrize(
    "gone", [one for one in settled().tenant if one[1] != "Node"], ids=lambda one: "/".join(one[1:])
)
def test_each_object_of_the_tenant_matters(gone: tuple[str, str, str, str]) -> None:
    assert settled().without(gone).health.verdict is not Verdict.Healthy


def test_a_tenant_without_nodes_is_not_judged_by_them() -> None:
    world = settled()
    nodes = {one: live for one, live in world.tenant.items() if one[1] != "Node"}
    assert replace(world, tenant=nodes).health.verdict is Verdict.Healthy


def test_a_delivered_value_that_is_not_there_yet_matters() -> None:
    live = of_kind("Kustomization", "vsphere-site-1-customer-a-1")
    world = settled()
    wanted = [item for item in world.expected.management if key(item) != key(live)]
    other = changed(delivered(live), ("spec", "interval"), "1h")
    expected = replace(world.expected, management=(*wanted, other))
    assert replace(world, expected=expected).health.reason == "SpecNotReached"

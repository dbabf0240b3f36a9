from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from schiff.rollout.health import ClusterHealth, Verdict
from tests.rollout.recorded_cluster import (
    AT,
    COMPONENTS,
    DEFINITIONS,
    RECORDED,
    World,
    at_stage,
    changed,
    conditioned,
    key,
    machine,
    recorded,
    settled,
    stage,
    world,
)

HEALTHY, PROGRESSING, UNHEALTHY, UNKNOWN = Verdict.Healthy, Verdict.Progressing, Verdict.Unhealthy, Verdict.Unknown

# stage of the run: verdict, reason, kind of the object that says so. Its Machines pretend to be done already.
STAGES = {
    "creating": (UNKNOWN, "NotReported", "KubeadmControlPlane"),
    "creating-workers": (UNHEALTHY, "NotAvailable", "Cluster"),  # unless its Machines say that they are new: see below
    "settled": (HEALTHY, "Healthy", "vsphere-site-1"),
    "upgrade-0-just-applied": (PROGRESSING, "NotObserved", "KubeadmControlPlane"),
    "upgrade-1-cp-rolling": (PROGRESSING, "RollingOut", "Cluster"),
    "upgrade-2-cp-done-md-rolling": (PROGRESSING, "RollingOut", "Cluster"),
    "upgrade-3-done": (HEALTHY, "Healthy", "vsphere-site-1"),
    "scale-1-up": (PROGRESSING, "ReplicasNotReached", "KubeadmControlPlane"),
    "stuck-missing-template": (UNHEALTHY, "TemplateMissing", "MachineDeployment"),
}

# recording of Flux: verdict and reason where it was delivered as it is, and its commits hold the delivered trees
ON_MANAGEMENT = {
    "gitrepository-ready": (HEALTHY, "Healthy"),
    "gitrepository-git-away": (UNHEALTHY, "GitOperationFailed"),
    "kustomization-ready": (HEALTHY, "Healthy"),
    "kustomization-failed-build": (UNHEALTHY, "BuildFailed"),
    "kustomization-failed-schema": (UNHEALTHY, "ReconciliationFailed"),
    "kustomization-failed-unknown-field": (UNHEALTHY, "ReconciliationFailed"),
    "bootstrap-kustomization-cni-ready": (HEALTHY, "Healthy"),
    "bootstrap-kustomization-flux-ready": (HEALTHY, "Healthy"),
    "bootstrap-kustomization-config-ready": (HEALTHY, "Healthy"),
    "bootstrap-kustomization-dependency-not-ready": (PROGRESSING, "DependencyNotReady"),
    "bootstrap-kustomization-no-kubeconfig": (UNKNOWN, "TenantUnreachable"),
    "bootstrap-kustomization-tenant-down": (UNKNOWN, "TenantUnreachable"),
}
IN_TENANT = {
    "tenant-kustomization-demo-ready": (HEALTHY, "Healthy"),
    "tenant-kustomization-apps-ready": (HEALTHY, "Healthy"),
    "tenant-kustomization-apps-after-bad-chart": (PROGRESSING, "Reconciling"),
    "helmrelease-ready": (HEALTHY, "Healthy"),
    "helmrelease-failed": (UNHEALTHY, "UpgradeFailed"),
}
OF_ANOTHER_CLUSTER = {  # site-1/customer-a-1: its folder is put among the delivered ones
    "kustomization-healthy": (HEALTHY, "Healthy"),
    "kustomization-waiting-for-health": (PROGRESSING, "Reconciling"),
    "kustomization-wrong-key": (UNHEALTHY, "BuildFailed"),
}
BY_THEMSELVES = {"capi-deleting-cluster", "capi-settled-machine", "capi-settled-machineset"}
EVIDENCE_ALONE = {
    "capi-settled-devcluster",
    "capv-vspherecluster",
    "capv-vspheremachine",
    "capv-vspherevm",
    "helmchart-ready",
}

UNFINISHED = [
    (name, kind)
    for name in STAGES
    for kind in ("kcp", "md")
    if STAGES[name][0] is not HEALTHY and (name, kind) != ("upgrade-2-cp-done-md-rolling", "kcp")  # it is through there
]


def said(health: ClusterHealth) -> tuple[str, str, str]:
    return health.verdict, health.reason, health.object.partition("/")[0]


def test_every_recording_is_judged_or_named_as_evidence() -> None:
    of_stages = {f"capi-{name}-{kind}" for name in STAGES for kind in ("cluster", "kcp", "md")}
    judged = of_stages | {*ON_MANAGEMENT} | {*IN_TENANT} | {*OF_ANOTHER_CLUSTER} | BY_THEMSELVES
    assert {path.stem for path in RECORDED.glob("*.json")} == judged | EVIDENCE_ALONE


@pytest.mark.parametrize("name", STAGES)
def test_stages_of_a_cluster(name: str) -> None:
    assert said(at_stage(name).health) == STAGES[name]


@pytest.mark.parametrize("name", ON_MANAGEMENT)
def test_flux_on_the_management_cluster(name: str) -> None:
    flux = settled().expecting(recorded(name)).health.layers["flux"]
    assert (flux.verdict, flux.reason) == ON_MANAGEMENT[name]


@pytest.mark.parametrize("name", IN_TENANT)
def test_flux_in_the_tenant(name: str) -> None:
    flux = settled().expecting(recorded(name), tenant=True).health.layers["flux"]
    assert (flux.verdict, flux.reason) == IN_TENANT[name]


@pytest.mark.parametrize("name", OF_ANOTHER_CLUSTER)
def test_flux_objects_of_another_folder(name: str) -> None:
    live = recorded(name)
    folder = live["spec"]["path"].removeprefix("./")
    base = settled()
    trees = {**base.expected.trees, ("cluster-definitions", folder): "e" * 40}
    known = replace(base, expected=replace(base.expected, trees=trees))
    flux = known.expecting(live).health.layers["flux"]
    assert (flux.verdict, flux.reason) == OF_ANOTHER_CLUSTER[name]


def test_a_cluster_that_is_being_deleted_unasked_is_unhealthy() -> None:
    live = {**recorded("capi-deleting-cluster")}
    assert said(settled().having(live).health) == (UNHEALTHY, "Deleting", "Cluster")


def test_new_machines_make_an_unavailable_cluster_a_beginning() -> None:
    objects = stage("creating-workers")
    template = objects["md"]["spec"]["template"]["spec"]["infrastructureRef"]["name"]
    new, _ = machine("customer-a-1-md-0-0", objects["md"], "v1.35.2", template)
    starting = at_stage("creating-workers").having(changed(new, ("status", "nodeRef"), None))
    assert said(starting.health)[:2] == (PROGRESSING, "NotAvailable")


def test_a_pool_that_grows_excuses_no_control_plane() -> None:
    pool = stage("settled")["md"]
    growing = settled().having(conditioned(pool, "ScalingUp", status="True", reason="ScalingUp"))
    broken = conditioned(stage("settled")["kcp"], "EtcdClusterHealthy", status="False", reason="NotHealthy")
    assert said(growing.having(broken).health) == (UNHEALTHY, "NotEtcdClusterHealthy", "KubeadmControlPlane")
    unready = conditioned(pool, "ScalingUp", status="True", reason="ScalingUp")
    unready = conditioned(unready, "MachinesReady", status="False", reason="NotReady")
    assert said(settled().having(unready).health) == (PROGRESSING, "NotMachinesReady", "MachineDeployment")


def test_a_machine_whose_node_says_nothing_is_unknown() -> None:
    objects = stage("settled")
    live = recorded("capi-settled-machine")
    made = machine("customer-a-1-md-0-0", objects["md"], "v1.35.2", "customer-a-1-md-0-a")
    base = settled()
    renamed = {**live, "metadata": {**live["metadata"], "name": made[0]["metadata"]["name"]}}
    renamed["spec"] = made[0]["spec"]
    assert said(base.having(renamed).health) == (UNKNOWN, "KubeletNotReported", "Machine")


# --- green before


@pytest.mark.parametrize("name", ["kustomization-ready", "gitrepository-ready"])
def test_ready_for_an_older_tree_is_not_healthy(name: str) -> None:
    live = recorded(name)
    commit = recorded("kustomization-ready")["status"]["lastAppliedRevision"].partition(":")[2]
    older = replace(settled().having(live), trees={("cluster-definitions", commit, DEFINITIONS): "0" * 40})
    flux = older.health.layers["flux"]
    assert (flux.verdict, flux.reason) == (PROGRESSING, "TreeNotReached")


def test_a_kustomization_behind_its_source_is_not_healthy() -> None:
    behind = "main@sha1:" + "9" * 40
    live = recorded("kustomization-ready")
    live["status"] |= {"lastAppliedRevision": behind, "lastAttemptedRevision": behind}
    world = settled().having(live)
    assert world.health.verdict is HEALTHY  # where that commit holds our tree too
    older = replace(world, trees={("cluster-definitions", "9" * 40, DEFINITIONS): "0" * 40})
    assert said(older.health) == (PROGRESSING, "TreeNotReached", "Kustomization")


def test_a_tenant_ready_for_an_older_folder_is_not_healthy() -> None:
    commit = recorded("tenant-kustomization-demo-ready")["status"]["lastAppliedRevision"].partition(":")[2]
    older = replace(settled(), trees={("cluster-components", commit, COMPONENTS): "0" * 40})
    assert said(older.health)[:2] == (PROGRESSING, "TreeNotReached")


def test_the_failure_of_an_older_tree_is_not_blamed_on_ours() -> None:
    live = recorded("kustomization-failed-build")
    commit = live["status"]["lastAttemptedRevision"].partition(":")[2]
    older = replace(settled().having(live), trees={("cluster-definitions", commit, DEFINITIONS): "0" * 40})
    flux = older.health.layers["flux"]
    assert (flux.verdict, flux.reason) == (PROGRESSING, "TreeNotReached")


def test_a_chart_deployed_before_a_failed_upgrade_is_not_healthy() -> None:
    live = recorded("helmrelease-failed")
    for name in ("Ready", "Released"):
        live["status"]["conditions"] = [
            {**item, "status": "True"} if item["type"] == name else item for item in live["status"]["conditions"]
        ]
    live["status"]["conditions"] = [item for item in live["status"]["conditions"] if item["type"] != "Reconciling"]
    flux = settled().expecting(live, tenant=True).health.layers["flux"]
    assert (flux.verdict, flux.reason) == (PROGRESSING, "ChartNotReached")


@pytest.mark.parametrize(("name", "kind"), UNFINISHED)
def test_one_object_of_an_earlier_stage_is_enough(name: str, kind: str) -> None:
    live = stage(name)[kind]
    target = "settled" if name.startswith("creating") else "upgrade-3-done"
    assert at_stage(target).having(live).health.verdict is not HEALTHY


@pytest.mark.parametrize("shift", [timedelta(days=-14), timedelta(hours=-1), timedelta(0), timedelta(days=400)])
@pytest.mark.parametrize("name", STAGES)
def test_no_clock_makes_a_stage_green(name: str, shift: timedelta) -> None:
    at_another_time: World = replace(at_stage(name), at=AT + shift)
    assert at_another_time.health.verdict is not HEALTHY or STAGES[name][0] is HEALTHY


def test_what_changes_after_it_was_seen_means_a_wrong_clock() -> None:
    early = replace(settled(), at=AT - timedelta(days=2))
    assert said(early.health)[:2] == (UNKNOWN, "ClockSkew")


def test_the_release_of_before_is_not_ours() -> None:
    base = settled()
    moved = replace(base, expected=replace(base.expected, release="sha256:" + "6" * 64))
    assert said(moved.health) == (PROGRESSING, "ReleaseNotReached", "Cluster")


def test_machines_made_from_the_template_of_before_are_not_ours() -> None:
    objects = stage("upgrade-3-done")
    old = machine("customer-a-1-md-0-1", objects["md"], "v1.36.1", "customer-a-1-md-0-a")
    base = at_stage("upgrade-3-done").having(old[0]).having(old[1])
    assert said(base.health) == (PROGRESSING, "TemplateNotReached", "Machine")


def test_a_pool_above_its_control_plane_is_unhealthy_and_so_nothing_starts_from_there() -> None:
    """Row: pool newer than control plane -- refused, naming what is wrong."""
    newer, infrastructure = machine("customer-a-1-md-0-1", stage("settled")["md"], "v1.36.0", "customer-a-1-md-0-a")
    health = settled().having(newer).having(infrastructure).health
    assert health.verdict is Verdict.Unhealthy
    assert health.reason == "PoolOutOfReach"
    assert health.message == "pool customer-a-1-md-0 runs v1.36.0, above the control plane's v1.35.2"


def test_machines_too_many_are_seen() -> None:
    pool = stage("settled")["md"]
    more, infrastructure = machine("customer-a-1-md-0-9", pool, "v1.35.2", "customer-a-1-md-0-a")
    world = settled().having(more).having(infrastructure)
    assert said(world.health) == (PROGRESSING, "MachinesNotReached", "MachineDeployment")
    label = ("metadata", "labels", "cluster.x-k8s.io/deployment-name")
    of_another = settled().having(changed(more, label, "customer-a-1-md-1")).having(infrastructure)
    assert said(of_another.health) == (PROGRESSING, "MachineNotDelivered", "Machine")


def test_without_its_infrastructure_machine_the_set_tells_the_template() -> None:
    objects = stage("settled")
    live, infrastructure = machine("customer-a-1-md-0-1", objects["md"], "v1.35.2", "customer-a-1-md-0-a")
    live["metadata"]["labels"]["cluster.x-k8s.io/set-name"] = "customer-a-1-md-0-87r75"
    base = settled().having(live).without(key(infrastructure))
    assert said(base.health)[:2] == (UNKNOWN, "TemplateNotReadable")
    assert base.having(recorded("capi-settled-machineset")).health.verdict is HEALTHY


def test_old_machines_in_a_world_of_new_words_are_seen() -> None:
    new, old = stage("upgrade-3-done"), stage("settled")
    kept = [
        *machine("customer-a-1-0", new["kcp"], "v1.35.2", "customer-a-1-cp-a"),
        *machine("customer-a-1-md-0-0", new["md"], "v1.35.2", "customer-a-1-md-0-a"),
        *machine("customer-a-1-md-0-1", old["md"], "v1.35.2", "customer-a-1-md-0-a"),
    ]
    assert said(world([*new.values(), *kept], "v1.36.1").health) == (PROGRESSING, "VersionNotReached", "Machine")

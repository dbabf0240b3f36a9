from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schiff.rollout.health import Finding, Observation, Seen, Verdict, cluster_health, commits_named
from tests.rollout.recorded_cluster import Object, World, changed, conditioned, key, recorded, settled, stage

SOURCES = "source.toolkit.fluxcd.io"
DIGEST = "sha256:" + "ab" * 32


def flux(world: World) -> tuple[Verdict, str]:
    layer = world.health.layers["flux"]
    return layer.verdict, layer.reason


# --- the tenant cannot be reached


@pytest.mark.parametrize("name", ["no-kubeconfig", "tenant-down"])
def test_before_its_control_plane_a_tenant_is_waited_for(name: str) -> None:
    world = settled().having(recorded(f"bootstrap-kustomization-{name}"))
    new = changed(stage("settled")["cluster"], ("status", "initialization", "controlPlaneInitialized"), False)
    assert flux(world.having(new)) == (Verdict.Progressing, "TenantNotThere")


@pytest.mark.parametrize("name", ["no-kubeconfig", "tenant-down"])
def test_a_tenant_that_was_there_and_is_not_reached_is_unknown(name: str) -> None:
    world = settled().having(recorded(f"bootstrap-kustomization-{name}"))
    assert flux(world) == (Verdict.Unknown, "TenantUnreachable")
    assert "customer-a-1-cni" in world.health.layers["flux"].object


def test_trouble_on_one_side_is_unknown_and_the_other_is_still_judged() -> None:
    world = settled()
    gone = Seen({}, Finding(Verdict.Unhealthy, "Unauthorized", "the token has expired", "Secret/x/y"))
    health = cluster_health(world.expected, Observation(Seen(world.management), gone, world.observed.trees, world.at))
    assert [(layer, one.verdict, one.reason) for layer, one in health.layers.items()] == [
        ("capi", Verdict.Healthy, "Healthy"),
        ("flux", Verdict.Unknown, "Unauthorized"),
        ("tenant", Verdict.Unknown, "Unauthorized"),
    ]
    broken = world.having(recorded("kustomization-failed-build"))
    observed = Observation(Seen(broken.management), gone, broken.observed.trees, world.at)
    assert cluster_health(broken.expected, observed).reason == "BuildFailed"


def test_a_management_cluster_that_cannot_be_read_leaves_nothing_known_but_the_tenant() -> None:
    world = settled()
    gone = Seen({}, Finding(Verdict.Unknown, "Unreachable", "timed out", "schiff-mgmt-x"))
    health = cluster_health(world.expected, Observation(gone, Seen(world.tenant), world.observed.trees, world.at))
    assert [one.verdict for one in health.layers.values()] == [Verdict.Unknown, Verdict.Unknown, Verdict.Healthy]


# --- commits and trees


def test_a_commit_that_nobody_could_find_is_unknown() -> None:
    world = settled()
    health = cluster_health(world.expected, replace(world.observed, trees={}))
    assert (health.verdict, health.reason) == (Verdict.Unknown, "CommitNotFound")


def test_commits_are_asked_for_at_the_paths_of_the_cluster_alone() -> None:
    world = settled()
    more = {("cluster-definitions", f"schiff-mgmt-x/sites/s/c/{number}"): "1" * 40 for number in range(50)}
    expected = replace(world.expected, trees={**world.expected.trees, **more})
    named = commits_named(expected, Seen(world.management), Seen(world.tenant))
    assert {(repository, path) for repository, _, path in named} == set(world.expected.trees)


def test_a_source_of_another_stack_is_judged_by_its_name() -> None:
    world = settled()
    source = (SOURCES, "GitRepository", "schiff-system", "cluster-definitions")
    kept = tuple(item for item in world.expected.management if key(item) != source)
    foreign = replace(world, expected=replace(world.expected, management=kept))
    assert foreign.health.verdict is Verdict.Healthy
    assert flux(foreign.without(source)) == (Verdict.Progressing, "NotFound")


def test_nothing_delivered_is_nothing_to_judge() -> None:
    world = settled()
    for expected in (replace(world.expected, management=()), replace(world.expected, tenant=())):
        empty = replace(world, expected=expected)
        assert empty.health.verdict is not Verdict.Healthy
        assert empty.health.layers["flux"].reason == "NothingDelivered"


def test_a_verified_source_is_healthy() -> None:
    verify = {"mode": "HEAD", "secretRef": {"name": "keys"}}
    live = changed(recorded("gitrepository-ready"), ("spec", "verify"), verify)
    verified = conditioned(live, "SourceVerified", status="True", reason="Succeeded")
    assert flux(settled().expecting(verified)) == (Verdict.Healthy, "Healthy")
    assert flux(settled().expecting(live)) == (Verdict.Unknown, "NotReported")


def test_a_suspended_object_is_unknown_however_green() -> None:
    live = changed(recorded("kustomization-ready"), ("spec", "suspend"), True)
    assert flux(settled().having(live)) == (Verdict.Unknown, "Suspended")


def test_what_comes_from_a_source_of_its_own_has_no_tree_of_ours() -> None:
    source = recorded("gitrepository-ready")
    source["metadata"]["name"] = "upstream"
    live = recorded("tenant-kustomization-demo-ready")
    live["spec"] |= {"path": "./deploy", "sourceRef": {"kind": "GitRepository", "name": "upstream"}}
    world = settled().expecting(source, tenant=True).expecting(live, tenant=True)
    assert flux(world) == (Verdict.Healthy, "Healthy")
    assert flux(world.without(key(source))) == (Verdict.Progressing, "NotFound")


# --- charts


def with_oci_chart(**release: Any) -> World:
    """Return a world whose chart comes from an OCI source, pinned by tag and digest."""
    source = recorded("gitrepository-ready")
    source |= {"kind": "OCIRepository", "metadata": {**source["metadata"], "name": "hello"}}
    source["spec"] = {"interval": "1h", "url": "oci://charts", "ref": {"tag": "0.1.0", "digest": DIGEST}}
    source["status"]["artifact"]["revision"] = f"0.1.0@{DIGEST}"
    live = recorded("helmrelease-ready")
    live["spec"].pop("chart")
    live["spec"]["chartRef"] = {"kind": "OCIRepository", "name": "hello", "namespace": "schiff-system"}
    live["status"]["history"][0] |= {"ociDigest": DIGEST, **release}
    return settled().expecting(source, tenant=True).expecting(live, tenant=True)


def test_a_chart_of_the_delivered_digest_is_healthy() -> None:
    assert flux(with_oci_chart()) == (Verdict.Healthy, "Healthy")


@pytest.mark.parametrize("digest", ["sha256:" + "cd" * 32, "", None])
def test_a_chart_published_again_under_the_same_tag_is_not_ours(digest: str | None) -> None:
    assert flux(with_oci_chart(ociDigest=digest)) == (Verdict.Progressing, "ChartNotReached")


def of_version(delivered_version: str) -> World:
    live: Object = recorded("helmrelease-ready")
    live["spec"]["chart"]["spec"]["version"] = delivered_version
    return settled().expecting(live, tenant=True)


def test_the_version_of_the_chart_is_the_delivered_one() -> None:
    assert flux(of_version("0.1.0")) == (Verdict.Healthy, "Healthy")
    assert flux(of_version("0.2.0")) == (Verdict.Progressing, "ChartNotReached")
    assert flux(of_version("0.1.00")) == (Verdict.Progressing, "ChartNotReached")


def test_a_release_that_helm_rolled_back_is_unhealthy() -> None:
    live = conditioned(recorded("helmrelease-ready"), "Remediated", status="True", reason="RollbackSucceeded")
    assert flux(settled().having(live, tenant=True)) == (Verdict.Unhealthy, "RolledBack")


def test_an_address_of_charts_has_no_status_to_wait_for() -> None:
    metadata = {"name": "charts", "namespace": "schiff-system"}
    spec = {"type": "oci", "url": "oci://charts", "interval": "1h"}
    live = {"apiVersion": f"{SOURCES}/v1", "kind": "HelmRepository", "metadata": metadata, "spec": spec}
    assert flux(settled().expecting(live, tenant=True)) == (Verdict.Healthy, "Healthy")
    other = changed(live, ("spec", "url"), "oci://elsewhere")
    assert flux(settled().expecting(live, tenant=True).having(other, tenant=True))[0] is not Verdict.Healthy
    suspended = changed(live, ("spec", "suspend"), True)
    assert flux(settled().expecting(live, tenant=True).having(suspended, tenant=True)) == (Verdict.Unknown, "Suspended")


# --- words


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("failed to clone https://bot:hunter2@git.example/x", "https:////…@git.example/x"),
        ("Authorization: Bearer abc.def", "Bearer …"),
        ("token=hunter2 refused", "token=… refused"),
        ("bad identity AGE-SECRET-KEY-1QQQQQQ", "bad identity …"),
    ],
)
def test_no_secret_of_a_message_is_shown(words: str, shown: str) -> None:
    live = conditioned(recorded("kustomization-failed-build"), "Ready", message=f"{words}\nsecond line")
    layer = settled().having(live).health.layers["flux"]
    assert "hunter2" not in layer.message
    assert shown.replace("https://", "") in layer.message
    assert "\n" not in layer.message


def test_long_words_are_cut() -> None:
    live = conditioned(recorded("kustomization-failed-build"), "Ready", message="x" * 5000)
    assert len(settled().having(live).health.layers["flux"].message) <= 240

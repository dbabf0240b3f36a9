from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from schiff.model.fleet import SharedLayers
from schiff.model.release import Assignment
from schiff.model.resolved import ResolvedCluster
from schiff.model.tenant_cluster import HoldSpec
from schiff.rollout.holds import HeldCluster, held_clusters
from schiff.rollout.stage import Stage
from tests.makers import a_fleet, a_resolved_cluster
from tests.rollout.versions import layers_of, release_of

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
FIRST = layers_of(release_of("1.34.6", name="2026.44.0", cut="2026-10-27T08:00:00Z"))
SECOND = layers_of(release_of("1.35.4", name="2026.46.0", cut="2026-11-10T08:00:00Z"))
THIRD = layers_of(release_of("1.35.4", name="2026.48.0", cut="2026-11-24T08:00:00Z"))
HOLD = HoldSpec(by="ops", reason="sale", since="2026-11-01")


def a_cluster(layers: SharedLayers, hold: HoldSpec | None = HOLD) -> ResolvedCluster:
    cluster = a_resolved_cluster()
    runs = Assignment(layers.digest, layers.release.kubernetes.version)
    return replace(cluster, layers=layers, assignment=runs, spec=cluster.spec.model_copy(update={"hold": hold}))


def held(
    cluster: ResolvedCluster, completed: Iterable[SharedLayers], revoked: Iterable[SharedLayers] = ()
) -> tuple[HeldCluster, ...]:
    fleet = replace(a_fleet(), releases={it.digest: it for it in (FIRST, SECOND, THIRD)})
    stage = Stage(completed_releases=[it.digest for it in completed], revoked={it.digest: "disks" for it in revoked})
    return held_clusters([cluster], fleet, stage, NOW, lambda _, way: len(way))


def test_a_held_cluster_goes_over_every_completed_release_it_needs() -> None:
    (one,) = held(a_cluster(FIRST), [FIRST, SECOND, THIRD])
    assert one.way_sentence() == "way back: 2026.48.0 with v1.35.4"
    assert (one.debt.releases, one.debt.days, one.debt.machines, one.days_held) == (2, 21, 1, 30)


def test_a_cluster_on_a_release_that_was_revoked_may_leave_it() -> None:
    (one,) = held(a_cluster(SECOND), [FIRST, THIRD], revoked=[SECOND])
    assert one.no_path is None
    assert one.steps == ["2026.48.0 with v1.35.4"]
    assert one.debt.releases == 1


def test_releases_count_in_the_order_in_which_they_completed() -> None:
    (one,) = held(a_cluster(FIRST), [FIRST, THIRD, SECOND])
    assert one.steps == ["2026.46.0 with v1.35.4"]


def test_who_is_not_held_or_leaves_is_not_listed() -> None:
    assert held(a_cluster(FIRST, None), [FIRST]) == ()
    leaving = a_cluster(FIRST)
    assert held(replace(leaving, assignment=replace(leaving.assignment, removal="a")), [FIRST]) == ()

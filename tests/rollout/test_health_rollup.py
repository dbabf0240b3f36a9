from __future__ import annotations

import pytest

from schiff.rollout.health import ClusterHealth, Finding, Verdict, counted, roll_up, worst
from schiff.rollout.health.verdicts import WORST_FIRST


def a_health(verdict: Verdict) -> ClusterHealth:
    return ClusterHealth(verdict, "Reason", "a sentence", "Cluster/ns/name", {})


def test_the_worst_verdict_counts_and_every_cluster_is_counted() -> None:
    healths = {
        "s1/a": a_health(Verdict.Healthy),
        "s1/b": a_health(Verdict.Progressing),
        "s2/c": a_health(Verdict.Healthy),
    }
    by_site = roll_up(healths, lambda cluster: cluster.partition("/")[0])
    assert by_site["s1"].as_json() == {
        "verdict": "Progressing",
        "total": 2,
        "healthy": 1,
        "progressing": 1,
        "unhealthy": 0,
        "unknown": 0,
    }
    assert by_site["s2"].verdict is Verdict.Healthy
    assert list(by_site) == ["s1", "s2"]


def test_no_clusters_are_not_healthy() -> None:
    assert counted([]).verdict is Verdict.Unknown
    assert counted([]).total == 0


@pytest.mark.parametrize("verdict", [one for one in Verdict if one is not Verdict.Healthy])
def test_one_cluster_that_is_not_healthy_is_enough(verdict: Verdict) -> None:
    healths = [a_health(Verdict.Healthy)] * 999 + [a_health(verdict)]
    assert counted(healths).verdict is verdict


def test_every_verdict_has_a_rank_and_healthy_is_the_last() -> None:
    assert set(WORST_FIRST) == set(Verdict)
    assert WORST_FIRST[-1] is Verdict.Healthy
    assert worst([]) is None


def test_equal_verdicts_keep_their_order() -> None:
    first, second = (Finding(Verdict.Unknown, reason, "", "") for reason in ("First", "Second"))
    assert worst([first, second]) == first


def test_a_health_as_plain_data_has_its_layers() -> None:
    finding = Finding(Verdict.Healthy, "Healthy", "everything is as it was delivered", "site/name")
    health = ClusterHealth(
        Verdict.Healthy, "Healthy", "everything is as it was delivered", "site/name", {"capi": finding}
    )
    assert health.as_json()["layers"] == {"capi": finding.as_json()}
    assert health.as_json()["verdict"] == "Healthy"

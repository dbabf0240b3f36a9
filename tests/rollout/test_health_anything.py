"""Whatever a server gives, there is a verdict: no exception, and no green that the table does not give."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schiff.rollout.health import Observation, Seen, Verdict, cluster_health, commits_named
from tests.rollout.recorded_cluster import World, key, settled

SETTLED = settled()
COMMITS = SETTLED.observed.trees
WORDS = st.sampled_from(
    ["status", "conditions", "type", "Ready", "Available", "True", "False", "Unknown", "observedGeneration", "history",
     "deployed", "metadata", "name", "spec", "suspend", "v1.35.2", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59"]
)  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.floats(allow_nan=False), st.text(max_size=8), WORDS)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = [(True, one) for one in sorted(SETTLED.tenant)] + [(False, one) for one in sorted(SETTLED.management)]
JUDGED_BY_STATUS = [(tenant, one) for tenant, one in OBJECTS if one[1] not in {"ConfigMap", "DevMachine"}]


def with_object(tenant: bool, one: tuple[str, str, str, str], live: Any) -> World:
    if tenant:
        return replace(SETTLED, tenant={**SETTLED.tenant, one: live})
    return replace(SETTLED, management={**SETTLED.management, one: live})


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*found, *(place for step, item in inner for place in places(item, (*path, step)))]


@given(where=st.sampled_from(JUDGED_BY_STATUS), status=ANYTHING)
@settings(max_examples=300, deadline=None)
def test_an_arbitrary_status_is_never_healthy(where: tuple[bool, tuple[str, str, str, str]], status: Any) -> None:
    tenant, one = where
    live = {**(SETTLED.tenant if tenant else SETTLED.management)[one], "status": status}
    assert with_object(tenant, one, live).health.verdict is not Verdict.Healthy


@given(where=st.sampled_from(OBJECTS), whole=ANYTHING)
@settings(max_examples=200, deadline=None)
def test_an_arbitrary_object_is_never_healthy(where: tuple[bool, tuple[str, str, str, str]], whole: Any) -> None:
    tenant, one = where
    assert with_object(tenant, one, whole).health.verdict is not Verdict.Healthy


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_any_field_may_be_anything(data: st.DataObject) -> None:
    """One field of a healthy object is replaced: a verdict comes back, and green only for what the table leaves out."""
    tenant, one = data.draw(st.sampled_from(OBJECTS))
    live = copy.deepcopy((SETTLED.tenant if tenant else SETTLED.management)[one])
    path = data.draw(st.sampled_from(places(live)))
    inner: Any = live
    for step in path[:-1]:
        inner = inner[step]
    before, inner[path[-1]] = inner[path[-1]], data.draw(ANYTHING)
    health = with_object(tenant, one, live).health
    if health.verdict is Verdict.Healthy and inner[path[-1]] != before:
        assert is_left_out(one[1], path)


def is_left_out(kind: str, path: tuple[Any, ...]) -> bool:
    """Return whether the table says nothing about a field."""
    match path:
        case ("apiVersion",) | ("kind",) | ("metadata",):  # found by its key; lists of built-in kinds leave them out
            return kind in {"ConfigMap", "Node"} or (kind == "DevMachine" and path != ("metadata",))
        case ("metadata", "name" | "namespace" | "generation") if kind in {"ConfigMap", "Node", "DevMachine"}:
            return True
        case ("metadata", "name" | "namespace" | "generation"):
            return False
        case ("metadata", "annotations", "schiff.example/release" | "cluster.x-k8s.io/cloned-from-name"):
            return False
        case ("metadata", *_):
            return len(path) > 1
        case ("spec", *_):
            return kind in {"Cluster", "KubeadmControlPlane", "MachineDeployment", "Machine"}
        case ("status", "conditions", int(), "message" | "reason" | "lastTransitionTime"):
            return True
        case ("status", "conditions", int(), *_):
            return kind in {"Cluster", "KubeadmControlPlane", "MachineDeployment", "Machine", "GitRepository", "Node",
                            "Kustomization"}  # fmt: skip
        case ("status", "observedGeneration"):
            return kind not in {"Cluster", "KubeadmControlPlane", "MachineDeployment", "Machine"}
        case ("status", "history", 0, "lastReconciledStatus" | "status" | "chartVersion" | "configDigest"):
            return False
        case ("status", "lastAppliedRevision" | "lastAttemptedRevision"):
            return False
        case ("status", "conditions" | "history" | "artifact"):
            return kind == "Machine"
        case ("status", *_):
            return len(path) > 1
    return False


@given(moment=st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=100, deadline=None)
def test_no_moment_makes_a_failure_green(moment: datetime) -> None:
    broken = {**SETTLED.management}
    gone = next(one for one in broken if one[1] == "Machine")
    del broken[gone]
    assert replace(SETTLED, management=broken, at=moment).health.verdict is not Verdict.Healthy


@given(objects=st.dictionaries(st.sampled_from([one for _, one in OBJECTS]), ANYTHING, max_size=6))
@settings(max_examples=150, deadline=None)
def test_commits_are_named_whatever_is_there(objects: dict[tuple[str, str, str, str], Any]) -> None:
    seen = Seen(objects)
    named = commits_named(SETTLED.expected, seen, seen)
    health = cluster_health(SETTLED.expected, Observation(seen, seen, dict.fromkeys(named, ""), SETTLED.at))
    assert health.verdict is not Verdict.Healthy


def test_equal_observations_give_equal_verdicts_whatever_their_order() -> None:
    turned = dict(reversed(list(SETTLED.management.items())))
    assert replace(SETTLED, management=turned).health == SETTLED.health
    assert key(SETTLED.management[next(iter(SETTLED.management))]) in turned

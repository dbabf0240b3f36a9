from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.model.policy import PolicySpec
from schiff.rollout.policy_changes import loosened
from schiff.values.names import ENVIRONMENTS
from schiff.values.shares import Allowance
from tests.model.policies import ALLOWANCES, policies

NIGHT = {"days": ["monday", "sunday"], "from": "22:00", "until": "04:00", "zone": "Europe/Berlin"}
FREEZE = {"from": "2026-12-18", "until": "2027-01-04", "reason": "end of the year"}


def a_policy(path: str, value: Any) -> PolicySpec:
    """Return production's policy with one value written."""
    *above, last = path.split(".")
    document: Any = {last: value}
    for key in reversed(above):
        document = {key: document}
    return PolicySpec.model_validate(document)


@pytest.mark.parametrize(
    ("path", "strict", "loose", "said"),
    [
        ("environments.tst.candidates.soak", "14d", "13d", "environments[tst].candidates.soak goes from 14d to 13d"),
        ("environments.ref.soak", "14d", "335h", "environments[ref].soak goes from 14d to 335h"),
        ("environments.prd.soak", "15d", "14d", "environments[prd].soak goes from 15d to 14d"),
        ("environments.ref.minClusters", 2, 1, "environments[ref].minClusters goes from 2 to 1"),
        ("environments.prd.sites", 2, 1, "environments[prd].sites goes from 2 to 1"),
        ("environments.prd.approvals", 1, 0, "environments[prd].approvals goes from 1 to 0"),
        ("environments.prd.witness", "required", "optional", "witness goes from required to optional"),
        ("soak.coverage", "90%", "89%", "soak.coverage goes from 90% to 89%"),
        ("soak.maxGap", "36h", "37h", "soak.maxGap goes from 36h to 37h"),
        ("soak.grace", "4h", "5h", "soak.grace goes from 4h to 5h"),
        ("soak.maxSkew", "120s", "121s", "soak.maxSkew goes from 2m to 121s"),
        ("complete", "98%", "97%", "complete goes from 98% to 97%"),
        ("trains.every", "14d", "7d", "trains.every goes from 14d to 7d"),
        ("waves.order", ["canary", "5%", "100%"], ["5%", "100%"], "waves.order leaves out canary"),
        ("waves.order", ["canary", "5%", "50%", "100%"], ["canary", "100%"], "waves.order leaves out 5%, 50%"),
        ("waves.bake", {"canary": "24h"}, {"canary": "23h"}, "waves.bake[canary] goes from 1d to 23h"),
        ("waves.bake", {"5%": "8h"}, {"default": "4h"}, "waves.bake[5%] goes from 8h to 4h"),
        ("waves.bake", {"default": "4h"}, {"default": "3h"}, "waves.bake[default] goes from 4h to 3h"),
        ("waves.deadlinePerMachine", "45m", "46m", "waves.deadlinePerMachine goes from 45m to 46m"),
        ("waves.maxUnavailable", 10, "max(10, 2%)", "waves.maxUnavailable goes from 10 to max(10, 2%)"),
        ("waves.maxUnavailable", "max(10, 2%)", "max(11, 2%)", "goes from max(10, 2%) to max(11, 2%)"),
        ("waves.maxFailures", 1, 2, "waves.maxFailures goes from 1 to 2"),
        ("waves.caps.site", 1, 2, "waves.caps.site goes from 1 to 2"),
        ("waves.caps.customer", "34%", "35%", "waves.caps.customer goes from 34% to 35%"),
        ("waves.caps.managementCluster", 5, "max(5, 1%)", "waves.caps.managementCluster goes from 5 to max(5, 1%)"),
        ("hotfix.floors.tst", "1h", "59m", "hotfix.floors.tst goes from 1h to 59m"),
        ("hotfix.floors.ref", "4h", "3h", "hotfix.floors.ref goes from 4h to 3h"),
        ("hotfix.floors.canary", "30m", "29m", "hotfix.floors.canary goes from 30m to 29m"),
        (
            "environments.prd.orders", {"maxClusters": 3, "maxMachines": 20}, {"maxClusters": 4, "maxMachines": 20},
            "environments[prd].orders.maxClusters goes from 3 to 4",
        ),
        (
            "environments.prd.orders", {"maxClusters": 3, "maxMachines": 20}, {"maxClusters": 3, "maxMachines": 21},
            "environments[prd].orders.maxMachines goes from 20 to 21",
        ),
        (
            "environments.prd.windows", [NIGHT], [{**NIGHT, "until": "05:00"}],
            "environments[prd].windows are open longer, or at other times (Europe/Berlin)",
        ),
        (
            "environments.prd.windows", [NIGHT], [{**NIGHT, "days": ["monday", "tuesday", "sunday"]}],
            "environments[prd].windows are open longer, or at other times (Europe/Berlin)",
        ),
        ("freezes", [FREEZE], [], "from 2026-12-18T00:00:00Z until 2027-01-04T00:00:00Z (end of the year) is gone"),
        ("freezes", [FREEZE], [{**FREEZE, "until": "2027-01-03"}], "is gone, shorter or covers less"),
        ("freezes", [FREEZE], [{**FREEZE, "from": "2026-12-19"}], "is gone, shorter or covers less"),
        ("freezes", [FREEZE], [{**FREEZE, "scope": {"environment": "prd"}}], "is gone, shorter or covers less"),
        (
            "freezes", [{**FREEZE, "scope": {"site": ["a", "b"]}}], [{**FREEZE, "scope": {"site": ["a"]}}],
            "is gone, shorter or covers less",
        ),
    ],
)  # fmt: skip
def test_asking_for_less_is_said_and_asking_for_more_is_not(path: str, strict: Any, loose: Any, said: str) -> None:
    (sentence,) = loosened(a_policy(path, strict), a_policy(path, loose))
    assert said in sentence
    assert loosened(a_policy(path, loose), a_policy(path, strict)) == ()


def test_what_had_a_limit_and_has_none_is_looser() -> None:
    assert loosened(a_policy("environments.prd.windows", [NIGHT]), PolicySpec()) == (
        "environments[prd].windows are gone, so rollouts may start at any time",
    )
    assert loosened(PolicySpec(), a_policy("environments.prd.windows", [NIGHT])) == ()
    orders = a_policy("environments.prd.orders", {"maxClusters": 3, "maxMachines": 20})
    assert loosened(orders, PolicySpec()) == ("environments[prd].orders is gone, so orders have no budget",)
    assert loosened(PolicySpec(), orders) == ()


def test_what_cannot_be_compared_counts_as_less() -> None:
    other = a_policy("environments.tst.candidates.selector", {"soak": "yes"})
    assert loosened(PolicySpec(), other) == ("environments[tst].candidates.selector chooses other clusters",)
    assert loosened(other, PolicySpec())
    here, there = (a_policy("environments.prd.windows", [{**NIGHT, "zone": zone}]) for zone in ("Europe/Berlin", "UTC"))
    assert loosened(here, there)
    assert loosened(there, here)


def test_windows_written_differently_and_open_at_the_same_time_are_equal() -> None:
    split = [
        {**NIGHT, "days": "monday"},
        {**NIGHT, "days": "sunday", "until": "24:00"},
        {**NIGHT, "days": "monday", "from": "00:00"},
    ]
    one, other = a_policy("environments.prd.windows", [NIGHT]), a_policy("environments.prd.windows", split)
    assert loosened(one, other) == loosened(other, one) == ()


def test_a_freeze_that_is_over_may_go() -> None:
    before = a_policy("freezes", [FREEZE])
    assert loosened(before, PolicySpec(), datetime(2027, 1, 4, tzinfo=UTC)) == ()
    assert loosened(before, PolicySpec(), datetime(2027, 1, 3, 23, 59, tzinfo=UTC))


def test_a_freeze_may_grow_and_more_may_come() -> None:
    longer = {**FREEZE, "from": "2026-12-17", "reason": "the whole month"}
    narrow = {**FREEZE, "scope": {"environment": "prd", "site": "a"}}
    assert loosened(a_policy("freezes", [FREEZE]), a_policy("freezes", [narrow, longer])) == ()
    assert loosened(a_policy("freezes", [narrow]), a_policy("freezes", [FREEZE])) == ()


def test_every_way_is_said_at_once() -> None:
    after = PolicySpec.model_validate({"complete": "50%", "soak": {"grace": "5h"}, "waves": {"maxFailures": 3}})
    assert len(loosened(PolicySpec(), after)) == 3


@given(policy=policies())
def test_a_policy_asks_for_no_less_than_itself(policy: PolicySpec) -> None:
    assert loosened(policy, policy) == ()


COMPARED = (
    *(f"environments.{name}.{field}" for name in ENVIRONMENTS for field in ("minClusters", "sites", "approvals")),
    *(f"environments.{name}.{field}" for name in ENVIRONMENTS for field in ("witness", "orders")),
    "environments.tst.candidates.soak", "environments.ref.soak", "environments.prd.soak",
    "soak.maxGap", "soak.coverage", "soak.grace", "soak.maxSkew", "complete", "trains.every",
    "waves.order", "waves.deadlinePerMachine", "waves.maxUnavailable", "waves.maxFailures",
    "waves.caps.site", "waves.caps.customer", "waves.caps.managementCluster",
    "hotfix.floors.tst", "hotfix.floors.ref", "hotfix.floors.canary",
)  # fmt: skip
COVERED = (*(f"environments.{name}.windows" for name in ENVIRONMENTS), "waves.bake", "freezes")
"""Fields that may differ and mean the same."""


def with_field_of(policy: PolicySpec, other: PolicySpec, path: str) -> PolicySpec:
    """Return a policy with one field of another."""
    document, source = policy.complete_document(), other.complete_document()
    *above, last = path.split(".")
    here: Any = document
    for key in above:
        here, source = here[key], source[key]
    here.pop(last, None)
    if last in source:
        here[last] = source[last]
    return PolicySpec.model_validate(document)


@given(one=policies(), other=policies(), path=st.sampled_from(COMPARED))
def test_every_other_value_is_looser_in_one_direction_at_least(one: PolicySpec, other: PolicySpec, path: str) -> None:
    changed = with_field_of(one, other, path)
    said = (*loosened(one, changed), *loosened(changed, one))
    assert bool(said) == (changed != one)
    assert all(path.rpartition(".")[2] in sentence for sentence in said)


@given(one=policies(), two=policies(), three=policies(), path=st.sampled_from((*COMPARED, *COVERED)))
def test_what_asks_for_no_less_twice_asks_for_no_less(
    one: PolicySpec, two: PolicySpec, three: PolicySpec, path: str
) -> None:
    first, second = with_field_of(one, two, path), with_field_of(one, three, path)
    if loosened(one, first) == () == loosened(first, second):
        assert loosened(one, second) == ()


@given(before=ALLOWANCES, after=ALLOWANCES, total=st.integers(0, 3000))
def test_a_number_of_clusters_that_is_not_said_to_grow_never_does(before: Any, after: Any, total: int) -> None:
    said = loosened(a_policy("waves.maxUnavailable", before), a_policy("waves.maxUnavailable", after))
    small, large = (Allowance.parse(str(text)) for text in (before, after))
    assert said or large.of(total) <= small.of(total)
    if said:
        assert any(large.of(number) > small.of(number) for number in (1, 100, 10_000))

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from schiff.errors import InvalidValue
from schiff.model.policy import EnvironmentPolicy, OrdersPolicy, PolicySpec
from schiff.model.windows import WindowSpec
from schiff.values.wall_time import WEEKDAYS
from tests.model.policies import policies

DAY = timedelta(days=1)


def a_policy(**document: Any) -> PolicySpec:
    return PolicySpec.model_validate(document)


def test_what_nobody_writes_has_the_value_of_production() -> None:
    policy = PolicySpec()
    assert [policy.soak_of(name) for name in ("tst", "ref", "prd")] == [14 * DAY] * 3
    stages = [policy.environment(name) for name in ("tst", "ref", "prd")]
    assert [(stage.min_clusters, stage.sites, stage.approvals) for stage in stages] == [(1, 1, 0), (2, 1, 0), (3, 2, 1)]
    assert policy.waves.bake_of("canary") == DAY
    assert policy.bake_of("5%") == policy.bake_of("") == timedelta(hours=4)
    assert (policy.soak.coverage.value, policy.complete.value) == (90, 98)
    assert (policy.soak.max_skew.seconds, policy.trains.every.delta) == (120, 14 * DAY)


def test_an_environment_that_says_one_thing_keeps_the_rest() -> None:
    prd = a_policy(environments={"prd": {"approvals": 2}}).environment("prd")
    assert (prd.approvals, prd.min_clusters, prd.sites) == (2, 3, 2)
    assert a_policy(environments={"ref": {}}) == PolicySpec()


def test_a_bake_that_says_one_wave_keeps_the_rest() -> None:
    waves = a_policy(waves={"bake": {"5%": "8h"}}).waves
    assert [str(waves.bake[wave]) for wave in ("canary", "5%", "default")] == ["1d", "8h", "4h"]


def test_no_stage_has_a_budget_for_orders_unless_somebody_says_so() -> None:
    assert PolicySpec().environment("prd").orders is None
    policy = PolicySpec(environments={"prd": EnvironmentPolicy(orders=OrdersPolicy(max_clusters=1, max_machines=9))})
    assert policy.environment("prd").orders == OrdersPolicy(max_clusters=1, max_machines=9)
    assert policy.as_document()["environments"]["prd"] == {"orders": {"maxClusters": 1, "maxMachines": 9}}


def test_a_hotfix_has_floors() -> None:
    floors = PolicySpec().hotfix
    assert [floors.floor_of(name) for name in ("tst", "ref", "prd")] == [
        timedelta(hours=1),
        timedelta(hours=4),
        timedelta(minutes=30),
    ]


def test_equal_policies_have_one_digest_however_they_are_written() -> None:
    written = a_policy(
        environments={"ref": {"soak": "2 weeks"}, "tst": {"candidates": {"soak": "336h"}}},
        soak={"maxSkew": "2m", "coverage": "90%"},
        waves={"maxUnavailable": "max(2%, 10)", "caps": {"site": 1}},
    )
    assert written == PolicySpec()
    assert written.digest == PolicySpec().digest


@pytest.mark.parametrize(
    "document",
    [
        {"complete": "97%"},
        {"soak": {"grace": "5h"}},
        {"environments": {"ref": {"minClusters": 3}}},
        {"environments": {"prd": {"witness": "required"}}},
        {"waves": {"caps": {"site": "2"}}},
        {"waves": {"bake": {"5%": "8h"}}},
        {"hotfix": {"floors": {"tst": "2h"}}},
        {"freezes": [{"from": "2026-12-18", "until": "2027-01-04", "reason": "x"}]},
    ],
)
def test_every_other_policy_has_another_digest(document: dict[str, Any]) -> None:
    assert a_policy(**document).digest != PolicySpec().digest


@given(policy=policies())
def test_a_complete_document_gives_the_policy_again(policy: PolicySpec) -> None:
    document = json.loads(json.dumps(policy.complete_document()))
    again = PolicySpec.model_validate(document, by_name=False, by_alias=True)
    assert again == policy
    assert again.complete_document() == document
    assert again.digest == policy.digest


def test_days_of_a_window_have_one_order_and_a_window_one_spelling() -> None:
    data = {"days": ["sunday", "friday"], "from": "22:00", "until": "04:00", "zone": "Europe/Berlin"}
    window = WindowSpec.model_validate(data)
    assert window.days == ("friday", "sunday")
    assert str(window) == "friday,sunday 22:00-04:00 Europe/Berlin"
    assert WindowSpec.parse(str(window)) == window
    assert WindowSpec.model_validate({**data, "days": "sunday"}).days == ("sunday",)


@pytest.mark.parametrize(
    ("opens", "until", "minutes"),
    [("22:00", "04:00", 360), ("00:00", "24:00", 1440), ("22:00", "24:00", 120), ("00:01", "00:00", 1439)],
)
def test_a_window_has_a_length_by_the_clock(opens: str, until: str, minutes: int) -> None:
    assert WindowSpec.parse(f"{','.join(WEEKDAYS)} {opens}-{until} UTC").minutes == minutes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "monday",
        "monday 22:00-04:00",
        "monday 22:00 Europe/Berlin",
        "monday 22:00-22:00 Europe/Berlin",
        "monday,monday 22:00-04:00 UTC",
        "mon 22:00-04:00 UTC",
        "monday 22:00-04:00 Berlin",
    ],
)
def test_any_other_text_is_no_window(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"expected e\.g\.|expected 00:00 to 24:00"):
        WindowSpec.parse(text)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from schiff.errors import Refused
from schiff.model.policy import PolicySpec
from schiff.model.windows import WindowSpec
from schiff.rollout.plan import Member, Plan
from schiff.rollout.plan_times import require_time
from schiff.rollout.waves import waves
from tests.rollout.plans import RELEASE, a_management_member, a_member, a_plan, members_of

NIGHT = WindowSpec.parse("sunday 02:00-06:00 Europe/Berlin")
BEFORE_MIDNIGHT, AFTER_MIDNIGHT = (
    WindowSpec.parse("saturday 21:00-24:00 UTC"),
    WindowSpec.parse("sunday 00:00-03:00 UTC"),
)


def _plan(members: Iterable[Member], policy: Mapping[str, Any] | None = None, **fields: Any) -> Plan:
    found, chosen = members_of(*members), PolicySpec.model_validate(policy or {})
    return a_plan(found, waves(found, chosen, RELEASE), policy=chosen, **fields)


def _refusal(plan: Plan) -> Refused:
    with pytest.raises(Refused) as caught:
        require_time(plan)
    return caught.value


def test_a_plan_that_outlives_the_interval_of_trains_is_refused_with_what_would_help() -> None:
    crowd = [a_member(f"site-1/c{number}", machines=40, customer=str(number)) for number in range(40)]
    refused = _refusal(_plan(crowd))
    assert refused.code == "too-long"
    assert str(refused).startswith("the plan takes at least 440h, and a train leaves every 14d; raise waves.max")
    require_time(_plan(crowd, {"trains": {"every": "19d"}}))
    require_time(_plan(crowd[:10]))


def test_a_window_that_is_shorter_than_a_move_is_refused_before_anything_waits_for_it() -> None:
    require_time(_plan([a_member("site-1/a", machines=16, windows=(NIGHT,))]))
    refused = _refusal(_plan([a_member("site-1/a", machines=17, windows=(NIGHT,))]))
    assert refused.code == "no-window"
    assert str(refused) == (
        "site-1/a could never start: a move takes 255m, and no window is open for so long"
        " (sunday 02:00-06:00 Europe/Berlin); open one longer, or lower waves.deadlinePerMachine"
    )


def test_windows_that_touch_are_one() -> None:
    halves = (BEFORE_MIDNIGHT, AFTER_MIDNIGHT)
    require_time(_plan([a_member("site-1/a", machines=24, windows=halves)]))
    assert _refusal(_plan([a_member("site-1/a", machines=24, windows=halves[:1])])).code == "no-window"


def test_a_management_cluster_starts_in_a_window_of_its_environment() -> None:
    night = {"days": ["sunday"], "from": "02:00", "until": "06:00", "zone": "Europe/Berlin"}
    policy = {"environments": {"prd": {"windows": [night]}}}
    large = {"mgmt-1": a_management_member("mgmt-1", machines=17)}
    assert "mgmt-1 could never start" in str(_refusal(_plan([], policy, management_clusters=large)))
    require_time(_plan([], policy, management_clusters={"mgmt-1": a_management_member("mgmt-1", machines=16)}))


def test_clusters_that_have_the_same_trouble_are_named_together() -> None:
    many = [a_member(f"site-{number}/a", machines=17, windows=(NIGHT,)) for number in range(5)]
    assert str(_refusal(_plan(many))).startswith("site-0/a, site-1/a, site-2/a and 2 more could never start")

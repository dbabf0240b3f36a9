"""Policies of all kinds, for properties; each value may be stricter or looser than production's."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from schiff.model.policy import PolicySpec
from schiff.values.wall_time import WEEKDAYS

DURATIONS = st.sampled_from(["30m", "1h", "90m", "4h", "36h", "14d", "3 weeks"])
PERCENTS = st.integers(1, 100).map(lambda value: f"{value}%")
ALLOWANCES = st.one_of(
    st.integers(1, 20), PERCENTS, st.tuples(st.integers(1, 20), PERCENTS).map(lambda t: f"max({t[0]}, {t[1]})")
)
WINDOWS = st.fixed_dictionaries({
    "days": st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True),
    "from": st.integers(0, 11).map(lambda hour: f"{hour:02}:00"),
    "until": st.integers(12, 24).map(lambda hour: f"{hour:02}:00"),
    "zone": st.sampled_from(["Europe/Berlin", "UTC"]),
})  # fmt: skip
FREEZES = st.fixed_dictionaries(
    {"from": st.just("2026-12-18"), "until": st.sampled_from(["2026-12-28", "2027-01-04"]), "reason": st.just("x")},
    optional={"scope": st.fixed_dictionaries({}, optional={"site": st.just("a"), "environment": st.just("prd")})},
)
ORDERS = st.sampled_from([
    ["100%"], ["canary", "100%"], ["5%", "50%", "100%"], ["canary", "1%", "5%", "25%", "50%", "100%"],
])  # fmt: skip


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_STAGE: dict[str, st.SearchStrategy[Any]] = {
    "minClusters": st.integers(1, 9),
    "sites": st.integers(1, 4),
    "approvals": st.integers(0, 3),
    "orders": st.fixed_dictionaries({"maxClusters": st.integers(1, 9), "maxMachines": st.integers(1, 90)}),
    "windows": st.lists(WINDOWS, max_size=2),
    "witness": st.sampled_from(["required", "optional"]),
}
_DOCUMENTS = _some(
    environments=_some(
        tst=_some(candidates=_some(soak=DURATIONS, selector=st.just({"soak": "yes"})), **_STAGE),
        ref=_some(soak=DURATIONS, **_STAGE),
        prd=_some(soak=DURATIONS, **_STAGE),
    ),
    soak=_some(maxGap=DURATIONS, coverage=PERCENTS, grace=DURATIONS, maxSkew=DURATIONS),
    complete=PERCENTS,
    trains=_some(every=DURATIONS, on=st.just("friday 18:00 UTC")),
    waves=_some(
        order=ORDERS,
        bake=st.dictionaries(st.sampled_from(["canary", "5%", "default"]), DURATIONS),
        deadlinePerMachine=DURATIONS,
        maxUnavailable=ALLOWANCES,
        maxFailures=st.integers(0, 5),
        caps=_some(site=ALLOWANCES, customer=ALLOWANCES, managementCluster=ALLOWANCES),
    ),
    freezes=st.lists(FREEZES, max_size=2),
    hotfix=_some(floors=_some(tst=DURATIONS, ref=DURATIONS, canary=DURATIONS)),
)


def policies() -> st.SearchStrategy[PolicySpec]:
    """Return policies, each field written or left to its default."""
    return _DOCUMENTS.map(PolicySpec.model_validate)

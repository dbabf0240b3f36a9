from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from schiff.components.whereabouts import COMPONENT, WhereaboutsSettings
from schiff.model.resolved import ResolvedCluster
from tests.components.example_clusters import offering_all
from tests.makers import VSPHERE_ORDER, a_resolved_cluster, changed


def settings(**values: Any) -> WhereaboutsSettings:
    return WhereaboutsSettings.model_validate(values)


def schedule(cluster: ResolvedCluster, chosen: WhereaboutsSettings) -> str:
    (item,) = COMPONENT.inputs(cluster, chosen)
    assert (item.name, item.namespace) == ("whereabouts-config", "kube-system")
    said: str = item.body["data"]["cron-expression"]
    return said


def test_clusters_reconcile_daily_at_a_minute_of_their_own() -> None:
    one, other = a_resolved_cluster("vsphere"), a_resolved_cluster("metal3")
    assert re.fullmatch(r"[0-5]?[0-9] 4 \* \* \*", schedule(one, settings()))
    assert schedule(one, settings()) == schedule(one, settings())
    assert schedule(one, settings()) != schedule(other, settings())


def test_a_schedule_may_be_set_and_must_be_one() -> None:
    assert schedule(a_resolved_cluster(), settings(schedule="0-30/10 3,4 * * 1-5")) == "0-30/10 3,4 * * 1-5"
    for wrong in ("daily", "30 4 * *", "30 4 * * * *", "30 4 * * MON"):
        with pytest.raises(ValidationError):
            settings(schedule=wrong)


def test_only_clusters_that_name_it_run_it() -> None:
    named = changed(VSPHERE_ORDER, "components.whereabouts", {}, offering_all())
    assert not COMPONENT.applies_to(a_resolved_cluster(documents=offering_all()))
    assert COMPONENT.applies_to(a_resolved_cluster(documents=named))

"""The file that tells another version what to compile; the folder around it is tested where it is used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schiff.compiler.handover import HandedOver
from schiff.errors import InvalidInput
from schiff.model.release import Assignment
from schiff.model.resolved import Listing
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion

RELEASE = "sha256:release"
RUN = {"kubernetes": "v1.34.6", "removal": None}


def told(**changes: Any) -> bytes:
    data: dict[str, Any] = {
        "v": 1,
        "environment": "prd",
        "clusters": {"site-1/shop": RUN, "site-1/till": {**RUN, "removal": "b"}},
        "managementClusters": {"mgmt-1": RUN},
        "listed": {"site-2/bank": {"managementCluster": "mgmt-1", "customer": "customer-b"}},
    }
    return json.dumps({**data, **changes}).encode()


def test_it_says_what_runs_how_far_it_is_removed_and_who_is_listed() -> None:
    found = HandedOver.parse(told(), RELEASE)
    version = KubernetesVersion.parse("v1.34.6")
    assert found.environment == "prd"
    assert found.assignments.tenants == {
        ClusterKey("site-1", "shop"): Assignment(RELEASE, version),
        ClusterKey("site-1", "till"): Assignment(RELEASE, version, "b"),
    }
    assert found.assignments.management_clusters == {"mgmt-1": Assignment(RELEASE, version)}
    assert found.listed == (Listing("mgmt-1", ClusterKey("site-2", "bank"), "customer-b"),)
    assert found.listed[0].namespace == "site-2-bank"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        told(v=2),
        told(environment="dev"),
        told(clusters={"shop": RUN}),
        told(clusters={"site-1/shop": {"kubernetes": "1.34", "removal": None}}),
        told(clusters={"site-1/shop": {**RUN, "removal": "z"}}),
        told(clusters=["site-1/shop"]),
        told(listed={"site-2/bank": {}}),
    ],
)
def test_another_form_is_bad_input_that_says_who_writes_it(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"assignments\.json: cannot be read: .*; schiff writes it"):
        HandedOver.parse(content, RELEASE)

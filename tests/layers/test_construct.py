from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from schiff.errors import InvalidValue
from schiff.layers.construct import documents_of, fleet_of
from schiff.model.policy import EnvironmentPolicy, OrdersPolicy, PolicySpec
from schiff.model.settings import FleetSettings
from schiff.model.tenant_cluster import MachineClassSpec
from schiff.values.networks import Address
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, a_fleet, changed, fleet_documents


def test_specs_give_the_fleet_that_files_give() -> None:
    documents: dict[str, Any] = fleet_documents()
    documents["policy.yaml"] = PolicySpec(
        environments={"prd": EnvironmentPolicy(orders=OrdersPolicy(max_clusters=3, max_machines=20))}
    )
    documents["fleet.yaml"] = FleetSettings(
        base_domain="schiff.example", label_domain="schiff.example", customer_may_set=("hold", "access.sshKeys")
    )
    documents["providers/vsphere.yaml"]["machineClasses"]["large"] = MachineClassSpec(
        cpus=8, memory_mib=32768, disk_gib=120
    )
    documents[VSPHERE_ORDER]["controlPlane"]["endpoint"] = Address.parse("10.1.0.10")
    assert fleet_of(documents) == a_fleet()


def test_field_names_may_be_written_as_in_python() -> None:
    documents = fleet_documents()
    order = documents[METAL3_ORDER]
    plane = order.pop("controlPlane")
    order["control_plane"] = {"virtual_router_id": plane.pop("virtualRouterId"), **plane}
    pool = order["pools"]["md-0"]
    order["pools"]["md-0"] = {
        "machine_class": pool["class"], "hosts": tuple(pool["hosts"]), "max_surge": 0, "max_unavailable": 1,
    }  # fmt: skip
    assert fleet_of(documents) == a_fleet()


def test_names_that_people_chose_stay_as_they_are() -> None:
    labels = {"max_surge": "1", "control_plane": "x"}
    settings = {"calico": {"max_surge": {"control_plane": 1}}}
    documents = changed(VSPHERE_ORDER, "labels", labels, changed(VSPHERE_ORDER, "components", settings))
    data = documents_of(documents)[VSPHERE_ORDER].data
    assert data["labels"] == labels
    assert data["components"] == settings


def test_construction_changes_nothing_it_was_given() -> None:
    documents = fleet_documents()
    before = deepcopy(documents)
    fleet_of(documents)
    assert documents == before


@pytest.mark.parametrize("value", [1.5, {"a": [0.1]}, {1: "a"}, b"a", {"a"}])
def test_what_no_file_could_say_is_refused(value: Any) -> None:
    with pytest.raises(InvalidValue):
        fleet_of(changed(VSPHERE_ORDER, "components.calico", value))

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schiff.model.management_cluster import ManagementClusterSpec
from schiff.model.policy import PolicySpec
from schiff.model.site import SiteFacts
from schiff.model.tenant_cluster import ControlPlaneSpec, MachineClassSpec, NodesSpec, PoolSpec, TenantClusterSpec
from schiff.values.networks import AddressRange
from tests.makers import MANAGEMENT_CLUSTER, a_cluster, fleet_documents

SIZES = {"cpus": 4, "memoryMiB": 16384, "diskGiB": 80}


def test_a_spec_says_what_was_set_as_it_would_be_read() -> None:
    spec = a_cluster()
    assert TenantClusterSpec.model_validate(spec.as_document()) == spec
    assert spec.as_document()["controlPlane"] == {"endpoint": "10.1.0.10"}


def test_a_spec_takes_the_snake_case_of_a_field_in_python() -> None:
    assert MachineClassSpec(cpus=4, memory_mib=16384, disk_gib=80) == MachineClassSpec.model_validate(SIZES)


def test_a_spec_is_frozen_and_refuses_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        a_cluster().registry = "x"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        MachineClassSpec.model_validate({**SIZES, "gpus": 1})


@pytest.mark.parametrize("data", [{"cpus": 4}, {**SIZES, "hardware": "x"}, {}])
def test_a_machine_class_is_virtual_or_metal(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="machine class"):
        MachineClassSpec.model_validate(data)
    assert MachineClassSpec(hardware="worker").cpus is None


@pytest.mark.parametrize("replicas", [0, 2, 4, 8, 10, True, "3"])
def test_a_control_plane_is_odd_and_small(replicas: Any) -> None:
    with pytest.raises(ValidationError):
        ControlPlaneSpec.model_validate({"endpoint": "10.1.0.10", "replicas": replicas})
    assert ControlPlaneSpec.model_validate({"endpoint": "10.1.0.10", "replicas": 5}).replicas == 5


def test_replacing_first_needs_a_majority_that_stays() -> None:
    with pytest.raises(ValidationError, match="maxSurge 0"):
        ControlPlaneSpec.model_validate({"endpoint": "10.1.0.10", "replicas": 1, "maxSurge": 0})


def test_keepalived_needs_a_recorded_router_id() -> None:
    with pytest.raises(ValidationError, match="virtualRouterId"):
        ControlPlaneSpec.model_validate({"endpoint": "10.1.0.10", "vip": "keepalived"})


def test_a_pool_can_always_replace_a_machine() -> None:
    with pytest.raises(ValidationError, match="no machine could ever be replaced"):
        PoolSpec.model_validate({"class": "large", "maxSurge": 0})


def test_a_pool_is_as_large_as_it_says_else_one_for_each_host() -> None:
    assert PoolSpec.model_validate({"class": "worker", "hosts": ["a", "b"]}).size == 2
    assert PoolSpec.model_validate({"class": "worker", "hosts": ["a", "b"], "replicas": 1}).size == 1


def test_addresses_may_be_one_text_or_a_list() -> None:
    one = NodesSpec.model_validate({"network": "n", "addresses": "10.1.0.20-10.1.0.30"})
    assert one == NodesSpec.model_validate({"network": "n", "addresses": ["10.1.0.20-10.1.0.30"]})
    assert one.addresses == (AddressRange.parse("10.1.0.20-10.1.0.30"),)


def test_a_host_stands_in_a_rack_of_its_site() -> None:
    facts = fleet_documents()["sites/baremetal-site-1/site.yaml"]["facts"]
    facts["racks"] = ["rack-1"]
    with pytest.raises(ValidationError, match=r"stands in rack 'rack-2', which the site lacks; known racks: rack-1"):
        SiteFacts.model_validate(facts)


def test_the_owner_is_the_first_stage_unless_said_otherwise() -> None:
    data = fleet_documents()[MANAGEMENT_CLUSTER]
    assert ManagementClusterSpec.model_validate({**data, "environments": ["ref", "tst"]}).owning_environment == "tst"
    assert ManagementClusterSpec.model_validate({**data, "owner": "ref"}).owning_environment == "ref"
    with pytest.raises(ValidationError, match="environments is empty"):
        ManagementClusterSpec.model_validate({**data, "environments": []})


def test_candidates_are_chosen_by_label() -> None:
    policy = PolicySpec.model_validate({"environments": {"tst": {"candidates": {"selector": {"soak": "yes"}}}}})
    assert policy.is_candidate({"soak": "yes", "more": "x"})
    assert not policy.is_candidate({"candidate": "true"})
    assert PolicySpec().is_candidate({"candidate": "true"})

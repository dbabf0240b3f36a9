from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schiff.manifests.ipam import in_cluster_pool, metal3_pool, remaining
from schiff.values.networks import Address, AddressRange
from tests.components.example_clusters import offering_all
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, a_resolved_cluster, changed


def spec(manifest: Any) -> Any:
    return manifest.body["spec"]


def ranges(*texts: str) -> list[AddressRange]:
    return [AddressRange.parse(text) for text in texts]


def test_the_api_address_is_excluded_even_outside_of_the_pool() -> None:
    assert spec(in_cluster_pool(a_resolved_cluster()))["excludedAddresses"] == ["10.1.0.10"]


def test_what_the_order_excludes_and_what_services_use_is_excluded_where_the_pool_has_it() -> None:
    documents = changed(VSPHERE_ORDER, "nodes.excluded", ["10.1.0.30-10.1.0.39", "10.1.0.200"])
    pools = {"services": {"addresses": ["10.1.0.64/28", "10.1.0.192/28"]}}
    documents = changed(VSPHERE_ORDER, "components", {"metallb": {"pools": pools}}, documents)
    excluded = spec(in_cluster_pool(a_resolved_cluster(documents=documents)))["excludedAddresses"]
    assert excluded == ["10.1.0.10", "10.1.0.30-10.1.0.39", "10.1.0.64/28"]


def test_ranges_of_servers_are_cut_around_what_no_machine_may_take() -> None:
    documents = changed(METAL3_ORDER, "nodes.addresses", ["10.2.0.0-10.2.0.60", "10.2.0.240-10.2.0.254"])
    pool = spec(metal3_pool(a_resolved_cluster("metal3", documents=documents)))
    assert pool["pools"] == [
        {"start": "10.2.0.0", "end": "10.2.0.0"},
        {"start": "10.2.0.2", "end": "10.2.0.9"},
        {"start": "10.2.0.11", "end": "10.2.0.60"},
        {"start": "10.2.0.240", "end": "10.2.0.250"},
        {"start": "10.2.0.252", "end": "10.2.0.254"},
    ]


def test_a_range_that_is_wholly_kept_leaves_nothing() -> None:
    assert remaining(ranges("10.0.0.5"), ranges("10.0.0.0/24")) == []


def test_addresses_of_the_other_family_keep_nothing() -> None:
    [(first, last)] = remaining(ranges("fd00::10-fd00::20"), ranges("10.0.0.0/24"))
    assert (str(first), str(last)) == ("fd00::10", "fd00::20")


_NUMBERS = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted)


@given(wanted=_NUMBERS, kept=st.lists(_NUMBERS, max_size=6))
def test_exactly_the_wanted_addresses_that_nothing_keeps_remain(wanted: list[int], kept: list[list[int]]) -> None:
    left = remaining([_range(wanted)], [_range(pair) for pair in kept])
    found = [number for first, last in left for number in range(_number(first), _number(last) + 1)]
    holes = {number for low, high in kept for number in range(low, high + 1)}
    assert found == [number for number in range(wanted[0], wanted[1] + 1) if number not in holes]


def _range(pair: list[int]) -> AddressRange:
    return AddressRange.parse(f"10.0.0.{pair[0]}-10.0.0.{pair[1]}")


def _number(address: Address) -> int:
    return int(address.value) & 0xFF


def test_addresses_of_services_count_in_every_way_that_settings_may_be_written() -> None:
    components = {
        "metallb": {"pools": {"services": {"addresses": "10.1.0.64/28"}}},
        "network-operator": {
            "inbound": {"shop": {"network": "one", "addresses": ["10.1.0.96/29"]}},
            "outbound": {"out": {"network": "one", "addresses": "10.1.0.104"}},
        },
    }
    cluster = a_resolved_cluster(documents=changed(VSPHERE_ORDER, "components", components, offering_all()))
    assert spec(in_cluster_pool(cluster))["excludedAddresses"] == [
        "10.1.0.10", "10.1.0.64/28", "10.1.0.96/29", "10.1.0.104",
    ]  # fmt: skip

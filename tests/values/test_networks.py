from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import InvalidValue
from schiff.values.networks import Address, AddressRange, Network


@pytest.mark.parametrize("text", ["10.1.0.256", "10.1.0", "010.1.0.1", "10.1.0.1/24", "", "x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not an IP address"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["10.1.0.1/24", "10.1.0.0/33", "10.1.0.0", "x/24"])
def test_a_network_has_a_prefix_and_no_host_bits(text: str) -> None:
    with pytest.raises(InvalidValue, match="without host bits"):
        Network.parse(text)
    assert Network.parse("10.1.0.0/24").prefix == 24


@pytest.mark.parametrize("text", ["10.1.0.9-10.1.0.8", "10.1.0.1-fd00::1", "10.1.0.1-", "10.1.0.1/24", "-"])
def test_a_range_goes_up_in_one_family(text: str) -> None:
    with pytest.raises(InvalidValue):
        AddressRange.parse(text)


@pytest.mark.parametrize(("text", "size"), [("10.1.0.20-10.1.0.29", 10), ("10.1.4.0/28", 16), ("10.1.0.1", 1)])
def test_a_range_is_written_in_three_ways(text: str, size: int) -> None:
    range_ = AddressRange.parse(text)
    assert (range_.size, str(range_)) == (size, text)


def test_families_never_meet() -> None:
    four, six = AddressRange.parse("0.0.0.0/0"), AddressRange.parse("::/0")
    assert not four.overlaps(six)
    assert not four.contains(Address.parse("::1"))
    assert not Network.parse("0.0.0.0/0").contains(Address.parse("::1"))


RANGES = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(sorted)


@given(one=RANGES, other=RANGES)
def test_ranges_overlap_when_they_share_an_address(one: list[int], other: list[int]) -> None:
    first, second = (AddressRange.parse(f"10.0.0.{low}-10.0.0.{high}") for low, high in (one, other))
    shared = set(range(one[0], one[1] + 1)) & set(range(other[0], other[1] + 1))
    assert first.overlaps(second) == second.overlaps(first) == bool(shared)
    assert all(first.contains(Address.parse(f"10.0.0.{number}")) for number in shared)

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schiff.errors import InvalidValue
from schiff.values.shares import Allowance, Clusters, Percent


@pytest.mark.parametrize("text", ["0%", "101%", "98", "0.98", "98.5%", "-1%", "098%", "%", "98 %", ""])
def test_a_share_is_whole_percent(text: str) -> None:
    with pytest.raises(InvalidValue, match="expected whole percent from 1% to 100%"):
        Percent.parse(text)


def test_a_share_is_reached_exactly_and_never_by_nothing() -> None:
    share = Percent.parse("98%")
    assert share.covers(98, 100)
    assert not share.covers(97, 100)
    assert share.covers(60, 61)
    assert not share.covers(59, 61)
    assert not share.covers(0, 0)


@pytest.mark.parametrize(
    ("text", "spelled", "of_61", "of_5000"),
    [
        ("10", "10", 10, 10),
        ("2%", "2%", 1, 100),
        ("34%", "34%", 20, 1700),
        ("max(10, 2%)", "max(10, 2%)", 10, 100),
        ("max(2%,10)", "max(10, 2%)", 10, 100),
        ("100%", "100%", 61, 5000),
        ("max(0, 2%)", "2%", 1, 100),
    ],
)
def test_an_allowance_is_a_number_or_a_share_or_the_larger(text: str, spelled: str, of_61: int, of_5000: int) -> None:
    allowance = Allowance.parse(text)
    assert (str(allowance), allowance.of(61), allowance.of(5000)) == (spelled, of_61, of_5000)
    assert Allowance.parse(str(allowance)) == allowance


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-1", "ten", "max(10", "max(1, 2)", "max(1%, 2%)", "1.5%"])
def test_an_allowance_of_nothing_or_of_something_else_is_none(text: str) -> None:
    with pytest.raises(InvalidValue, match="expected e"):
        Allowance.parse(text)


def test_half_of_a_formula_says_that_it_needs_quotes() -> None:
    with pytest.raises(InvalidValue, match="in quotes inside"):
        Allowance.parse("max(10")


@given(number=st.integers(0, 50), percent=st.integers(1, 100), total=st.integers(0, 10_000))
def test_an_allowance_never_starves_and_grows_with_the_whole(number: int, percent: int, total: int) -> None:
    allowance = Allowance(number, percent)
    assert allowance.of(total) >= 1
    assert allowance.of(total) <= allowance.of(total + 1)


def test_an_allowance_may_be_written_as_a_number() -> None:
    adapter: TypeAdapter[Allowance] = TypeAdapter(Clusters)
    assert adapter.validate_python(5) == adapter.validate_python("5") == Allowance(5)
    for wrong in (0, -3, True):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)

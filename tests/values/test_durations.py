from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schiff.errors import InvalidValue
from schiff.values.durations import Duration, PositiveDuration, format_duration


@pytest.mark.parametrize(
    ("text", "spelled", "delta"),
    [
        ("14d", "14d", timedelta(days=14)),
        ("2 weeks", "14d", timedelta(days=14)),
        ("1 week", "7d", timedelta(days=7)),
        ("3w", "21d", timedelta(days=21)),
        ("36h", "36h", timedelta(hours=36)),
        ("24h", "1d", timedelta(days=1)),
        ("45m", "45m", timedelta(minutes=45)),
        ("45 minutes", "45m", timedelta(minutes=45)),
        ("120s", "2m", timedelta(seconds=120)),
        ("90s", "90s", timedelta(seconds=90)),
        ("0d", "0s", timedelta()),
    ],
)
def test_a_duration_has_one_spelling(text: str, spelled: str, delta: timedelta) -> None:
    assert str(Duration.parse(text)) == spelled
    assert Duration.parse(text).delta == delta
    assert Duration.parse(spelled) == Duration.parse(text)


@pytest.mark.parametrize(
    "text", ["", "14", "d", "-4h", "+4h", "1.5h", "14 days ago", "1d12h", "4H", "14d\n", "two weeks", "1  week", "4mo"]
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a duration"):
        Duration.parse(text)


def test_longer_than_ten_years_is_a_slip() -> None:
    assert Duration.parse("3660d").delta == timedelta(days=3660)
    with pytest.raises(InvalidValue, match="longer than ten years"):
        Duration.parse("3661d")


@given(seconds=st.integers(0, 3_660 * 86_400))
def test_what_is_written_is_what_is_read(seconds: int) -> None:
    assert Duration.parse(str(Duration(seconds))) == Duration(seconds)
    assert format_duration(timedelta(seconds=seconds)) == str(Duration(seconds))


def test_a_positive_duration_is_not_zero() -> None:
    adapter: TypeAdapter[Duration] = TypeAdapter(PositiveDuration)
    assert adapter.validate_python("1s") == Duration(1)
    with pytest.raises(ValidationError, match="0s is no time at all"):
        adapter.validate_python("0h")

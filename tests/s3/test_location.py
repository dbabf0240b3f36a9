from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.errors import InvalidValue
from schiff.s3.location import RETENTION, Location


def test_a_bucket_alone_is_a_place_with_the_defaults_of_production() -> None:
    assert Location.parse("s3://witness") == Location("witness")
    assert timedelta(days=3650) == RETENTION


def test_everything_may_be_said() -> None:
    text = "s3://witness/a/b?endpoint=http://127.0.0.1:5000&region=eu-1&retentionDays=30"
    assert Location.parse(text) == Location("witness", "a/b", "http://127.0.0.1:5000", "eu-1", timedelta(days=30))


def test_keys_lie_below_the_prefix() -> None:
    assert Location.parse("s3://witness/a/b/").key("prd", "000042") == "a/b/prd/000042"
    assert Location.parse("s3://witness").key("prd", "000042") == "prd/000042"


def test_a_place_is_shown_without_its_options() -> None:
    assert str(Location.parse("s3://witness/a?region=eu-1")) == "s3://witness/a"
    assert str(Location.parse("s3://witness")) == "s3://witness"


@pytest.mark.parametrize(
    "text", ["", "witness", "https://witness", "s3://", "s3://A", "s3://b/..//", "s3://bucket/a b"]
)
def test_other_texts_are_no_place(text: str) -> None:
    with pytest.raises(InvalidValue, match="no place in S3"):
        Location.parse(text)


@pytest.mark.parametrize("query", ["regoin=a", "region=a&region=b", "x"])
def test_options_are_named_when_one_is_unknown_or_given_twice(query: str) -> None:
    with pytest.raises(InvalidValue, match="its options are endpoint, region, retentionDays"):
        Location.parse(f"s3://witness?{query}")


@pytest.mark.parametrize("query", ["region=", "retentionDays=0", "retentionDays=-1", "endpoint=s3.example"])
def test_an_option_has_a_form(query: str) -> None:
    with pytest.raises(InvalidValue, match=f"its {query.partition('=')[0]} is none"):
        Location.parse(f"s3://witness?{query}")


def test_credentials_are_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidValue) as refused:
        Location.parse("s3://id:hush@witness")
    assert "credentials" in str(refused.value)
    assert "hush" not in str(refused.value)

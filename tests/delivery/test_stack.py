"""Names and settings of stacks."""

from __future__ import annotations

import pytest

from schiff.delivery.stack import StackName, StackSettings
from schiff.errors import InvalidInput, InvalidValue
from schiff.s3.location import Location


def test_a_stack_is_an_environment_or_a_shard_of_one() -> None:
    assert StackName.parse("prd") == StackName("prd")
    assert StackName.parse("prd-schiff-mgmt-x") == StackName("prd", "schiff-mgmt-x")
    assert str(StackName.parse("prd-schiff-mgmt-x")) == "prd-schiff-mgmt-x"


@pytest.mark.parametrize("text", ["", "dev", "prd-", "production"])
def test_other_names_are_no_stacks(text: str) -> None:
    with pytest.raises(InvalidValue, match="is no environment"):
        StackName.parse(text)


@pytest.mark.parametrize(
    ("one", "other", "rivals"),
    [("prd", "prd-m", True), ("prd-m", "prd", True), ("prd-m", "prd-n", False), ("prd", "ref-m", False)],
)
def test_an_environment_and_its_shard_are_rivals(one: str, other: str, *, rivals: bool) -> None:
    assert StackName.parse(one).is_rival(other) is rivals


def test_stacks_of_others_are_no_rivals() -> None:
    assert not StackName("prd").is_rival("lab")


def test_settings_have_the_embedded_defaults() -> None:
    assert StackSettings.parse({}, "Pulumi.tst.yaml").definitions == ".schiff/cluster-definitions.git"


def test_unknown_settings_are_named_all_at_once() -> None:
    with pytest.raises(InvalidInput) as refused:
        StackSettings.parse({"fleeet": "x", "review": "maybe"}, "Pulumi.tst.yaml")
    assert [problem.path for problem in refused.value.problems] == ["schiff:fleeet", "schiff:review"]


def test_direct_delivery_proposes_nothing() -> None:
    with pytest.raises(InvalidInput, match="schiff:review: direct delivery waits for no merge"):
        StackSettings.parse({"delivery": "direct", "review": "proposal"}, "Pulumi.tst.yaml")
    assert StackSettings.parse({"delivery": "direct"}, "Pulumi.tst.yaml").kubeconfig == "$KUBECONFIG"


def test_without_a_setting_there_is_no_witness() -> None:
    assert StackSettings.parse({}, "Pulumi.tst.yaml").witness_location is None


def test_a_witness_is_a_place_in_s3() -> None:
    settings = StackSettings.parse({"witness": "s3://bucket/prefix?region=eu-1"}, "Pulumi.prd.yaml")
    assert settings.witness_location == Location("bucket", "prefix", region="eu-1")
    with pytest.raises(InvalidInput, match=r"Pulumi\.prd\.yaml: schiff:witness: it is no place in S3"):
        StackSettings.parse({"witness": "bucket"}, "Pulumi.prd.yaml")

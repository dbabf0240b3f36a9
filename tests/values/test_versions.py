from __future__ import annotations

import pytest

from schiff.errors import InvalidValue
from schiff.values.versions import ComponentVersion, KubernetesVersion, VersionRange


@pytest.mark.parametrize(
    "text", ["1.35.4", "v1.35", "v1.35.4.1", "v01.35.4", "v1.35.4-rc.1", "v1.35.4\n", "V1.35.4", ""]
)
def test_a_kubernetes_version_has_one_spelling(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"expected e\.g\. v1\.35\.4"):
        KubernetesVersion.parse(text)
    assert str(KubernetesVersion.parse("v1.35.4")) == "v1.35.4"


def test_versions_compare_by_number() -> None:
    assert KubernetesVersion.parse("v1.9.10") < KubernetesVersion.parse("v1.10.9")
    assert ComponentVersion.parse("v3.31.2") < ComponentVersion.parse("v3.31.2-s1") < ComponentVersion.parse("v3.31.3")


@pytest.mark.parametrize("text", ["v3.31.2-s0", "v3.31.2-rc1", "3.31.2", "v3.31.2-s"])
def test_a_component_version_has_one_spelling(text: str) -> None:
    with pytest.raises(InvalidValue):
        ComponentVersion.parse(text)
    assert str(ComponentVersion.parse("v3.31.2-s2")) == "v3.31.2-s2"


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.33,<1.37", "v1.36.99", "v1.37.0"),
        (">=1.33,<1.37", "v1.33.0", "v1.32.99"),
        (">1.33.2", "v1.33.3", "v1.33.2"),
        ("<=v1.35.4", "v1.35.4", "v1.35.5"),
        ("=1.35.4", "v1.35.4", "v1.35.3"),
    ],
)
def test_a_range_holds_what_every_bound_allows(text: str, inside: str, outside: str) -> None:
    range_ = VersionRange.parse(text)
    assert range_.contains(KubernetesVersion.parse(inside))
    assert not range_.contains(KubernetesVersion.parse(outside))
    assert str(range_) == text


@pytest.mark.parametrize("text", ["", "1.33", ">=1", "~1.3", ">=1.33,,<1.37"])
def test_a_range_has_bounds(text: str) -> None:
    with pytest.raises(InvalidValue, match="is not a version range"):
        VersionRange.parse(text)

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from schiff.errors import InvalidValue
from schiff.values.names import ClusterKey, ClusterName, Domain, Name, PoolName


@pytest.mark.parametrize(("kind", "budget"), [(Name, 63), (ClusterName, 32), (PoolName, 12)])
def test_a_name_keeps_to_its_budget(kind: type[str], budget: int) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(kind)
    assert adapter.validate_python("a" * budget) == "a" * budget
    with pytest.raises(ValidationError, match=f"has {budget + 1} characters, at most {budget} fit"):
        adapter.validate_python("a" * (budget + 1))


@pytest.mark.parametrize("text", ["", "A", "-a", "a-", "a_b", "a.b", "ä", "a\n", " a"])
def test_what_kubernetes_refuses_is_no_name(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](Name).validate_python(text)


@pytest.mark.parametrize("text", ["schiff", "", "a..b", ".a", "A.b", "a.b-"])
def test_a_domain_has_a_dot_and_legal_parts(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](Domain).validate_python(text)
    assert TypeAdapter[str](Domain).validate_python("schiff.example") == "schiff.example"


def test_a_cluster_key_is_written_as_it_is_read() -> None:
    assert str(ClusterKey.parse("vsphere-site-1/customer-a-1")) == "vsphere-site-1/customer-a-1"


@pytest.mark.parametrize("text", ["a", "a/", "/b", "a/b/c", "A/b", "a/B"])
def test_a_cluster_key_has_two_names(text: str) -> None:
    with pytest.raises(InvalidValue, match="expected <site>/<cluster>"):
        ClusterKey.parse(text)


def test_cluster_keys_sort_by_site_first() -> None:
    assert sorted([ClusterKey("b", "a"), ClusterKey("a", "b")]) == [ClusterKey("a", "b"), ClusterKey("b", "a")]

"""The budget of orders: how much one delivery may touch."""

from __future__ import annotations

import pytest

from schiff.delivery.delivered import Line
from schiff.errors import Refused
from schiff.model.policy import OrdersPolicy
from schiff.resources.budget import ordered_clusters, require_within_budget
from schiff.rollout.capacity import machines_of
from tests.makers import a_resolved_cluster

POLICY = OrdersPolicy(max_clusters=2, max_machines=10)


def line(name: str, tree: str = "1", kind: str = "cluster") -> Line:
    return Line(f"m/sites/s/c/{name}", tree * 40, kind, name)


def test_orders_count_clusters_that_change_in_either_repository() -> None:
    before = [[line("one"), line("two")], [line("one"), line("two")]]
    orders = [[line("one"), line("two", "2"), line("new")], [line("one", "2"), line("two")]]
    assert ordered_clusters(before, orders) == {"one", "two", "new"}


def test_lists_and_site_objects_are_no_clusters() -> None:
    assert ordered_clusters([[]], [[line("list", kind="folder")]]) == set()


def test_orders_up_to_the_budget_pass() -> None:
    require_within_budget(POLICY, "prd", {"s/one": 5, "s/two": 5})


@pytest.mark.parametrize("machines", [{"s/one": 11}, {"s/one": 1, "s/two": 1, "s/three": 1}])
def test_orders_over_the_budget_are_refused_by_name(machines: dict[str, int]) -> None:
    with pytest.raises(Refused, match="s/one") as refused:
        require_within_budget(POLICY, "prd", machines)
    assert refused.value.code == "blast-radius"


def test_the_size_of_a_cluster_is_all_its_machines() -> None:
    cluster = a_resolved_cluster()
    assert machines_of(cluster) == cluster.spec.control_plane.replicas + sum(
        pool.size for pool in cluster.spec.pools.values()
    )

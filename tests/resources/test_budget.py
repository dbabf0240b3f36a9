"""The budget of orders: how much one delivery may touch."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from schiff.compiler.environment import Repository
from schiff.compiler.file_tree import EMPTY_TREE
from schiff.delivery.delivered import Line
from schiff.delivery.snapshot import Change
from schiff.errors import Refused
from schiff.model.policy import OrdersPolicy
from schiff.resources.budget import Orders, order_changes, ordered_clusters, require_within_budget
from schiff.resources.wanted import Wanted
from schiff.rollout.capacity import machines_of
from schiff.rollout.refusals import Refusal
from tests.makers import a_resolved_cluster

POLICY = OrdersPolicy(max_clusters=2, max_machines=10)


def line(name: str, tree: str = "1", kind: str = "cluster") -> Line:
    return Line(f"m/sites/s/c/{name}", tree * 40, kind, name)


def share(repository: Repository, *lines: Line) -> Wanted:
    return Wanted(repository, lines, lines, {}, ())


def some_orders(machines: Mapping[str, int]) -> Orders:
    return Orders("prd", machines, (Change("cluster-definitions/a", "1" * 40, "2" * 40),))


def test_orders_count_clusters_that_change_in_either_repository() -> None:
    before = [[line("one"), line("two")], [line("one"), line("two")]]
    orders = [[line("one"), line("two", "2"), line("new")], [line("one", "2"), line("two")]]
    assert ordered_clusters(before, orders) == {"one", "two", "new"}


def test_lists_and_site_objects_are_no_clusters() -> None:
    assert ordered_clusters([[]], [[line("list", kind="folder")]]) == set()


def test_orders_up_to_the_budget_pass() -> None:
    require_within_budget(POLICY, some_orders({"s/one": 5, "s/two": 5}))


@pytest.mark.parametrize("machines", [{"s/one": 11}, {"s/one": 1, "s/two": 1, "s/three": 1}])
def test_orders_over_the_budget_are_refused_by_name(machines: dict[str, int]) -> None:
    with pytest.raises(Refused, match="s/one") as refused:
        require_within_budget(POLICY, some_orders(machines))
    assert refused.value.code == "blast-radius"
    assert f"schiff approve orders {some_orders(machines).digest} -e prd" in str(refused.value)


def test_orders_over_the_budget_pass_once_somebody_agreed_to_exactly_them() -> None:
    asked: list[Orders] = []
    orders = some_orders({"s/one": 11})

    def agree(given: Orders) -> tuple[Refusal, ...]:
        asked.append(given)
        return ()

    require_within_budget(POLICY, orders, agree)
    assert asked == [orders]


def test_why_an_approval_does_not_count_is_said() -> None:
    with pytest.raises(Refused, match="it expired"):
        require_within_budget(POLICY, some_orders({"s/one": 11}), lambda _: [Refusal("approval", "it expired")])


def test_orders_within_the_budget_ask_nobody() -> None:
    def ask(_: Orders) -> list[Refusal]:
        raise AssertionError("was asked")

    require_within_budget(POLICY, some_orders({"s/one": 1}), ask)


def test_what_is_approved_is_every_folder_with_its_tree_before_and_after() -> None:
    before: dict[Repository, list[Line]] = {
        "components": [line("gone"), line("same")],
        "definitions": [line("changed")],
    }
    after: dict[Repository, Wanted] = {
        "components": share("components", line("same")),
        "definitions": share("definitions", line("changed", "2")),
    }
    assert order_changes(before, after) == (
        Change("cluster-components/m/sites/s/c/gone", "1" * 40, EMPTY_TREE),
        Change("cluster-definitions/m/sites/s/c/changed", "1" * 40, "2" * 40),
    )


def test_the_digest_is_of_the_folders_and_their_trees() -> None:
    one, other = (Change("a", "1" * 40, tree * 40) for tree in "23")
    assert Orders("prd", {}, (one,)).digest != Orders("prd", {}, (other,)).digest
    assert Orders("prd", {}, (one,)).digest == Orders("ref", {"s/one": 1}, (one,)).digest


def test_the_size_of_a_cluster_is_all_its_machines() -> None:
    cluster = a_resolved_cluster()
    assert machines_of(cluster) == cluster.spec.control_plane.replicas + sum(
        pool.size for pool in cluster.spec.pools.values()
    )

from __future__ import annotations

from dataclasses import replace

import pytest

from schiff.errors import InvalidValue, Refused, Tampered
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment
from schiff.rollout.assignments import assignments
from schiff.rollout.genesis import with_genesis
from schiff.rollout.ledger import Ledger
from schiff.rollout.removals import due_removals, removal_body
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey
from schiff.values.versions import KubernetesVersion
from tests.rollout.small_fleet import (
    CANDIDATE,
    CUT,
    FOLLOWER,
    LEAVING,
    ORDERS,
    REFERENCE,
    SHOP,
    a_fleet,
    an_order,
    begun,
    head_layers,
    head_release,
    moved,
    noted,
    released,
    removing,
)

V1_35 = KubernetesVersion(1, 35, 4)
V1_36 = KubernetesVersion(1, 36, 0)


def a_released_fleet() -> Fleet:
    """Return a fleet whose head moved on by a Kubernetes version after its only release."""
    return replace(released(a_fleet()), head=head_layers(head_release("v1.36.0")))


def only_release(fleet: Fleet) -> str:
    (digest,) = fleet.releases
    return digest


def test_production_runs_the_genesis_release_from_the_first_day() -> None:
    fleet = a_released_fleet()
    found = assignments(begun(fleet, "prd"), fleet, "prd")
    assert found.tenants[SHOP] == Assignment(only_release(fleet), V1_35)


def test_an_environment_holds_its_own_clusters_alone() -> None:
    fleet = a_released_fleet()
    assert set(assignments(begun(fleet, "ref"), fleet, "ref").tenants) == {REFERENCE}


def test_a_candidate_runs_the_release_and_a_follower_runs_head() -> None:
    fleet = a_released_fleet()
    found = assignments(begun(fleet, "tst"), fleet, "tst").tenants
    assert found == {CANDIDATE: Assignment(only_release(fleet), V1_35), FOLLOWER: Assignment(HEAD, V1_36)}


def test_taking_the_label_away_puts_a_candidate_back_on_head() -> None:
    fleet = a_released_fleet()
    ledger = begun(fleet, "tst")
    bare = replace(fleet, orders={CANDIDATE: an_order(CANDIDATE, "tst")})
    assert assignments(ledger, bare, "tst").tenants[CANDIDATE] == Assignment(HEAD, V1_36)


def test_giving_the_label_pins_nothing_before_a_move() -> None:
    fleet = a_released_fleet()
    ledger = begun(fleet, "tst")
    labelled = replace(fleet, orders={FOLLOWER: an_order(FOLLOWER, "tst", labels={"candidate": "true"})})
    assert assignments(ledger, labelled, "tst").tenants[FOLLOWER] == Assignment(HEAD, V1_36)
    after = moved(ledger, FOLLOWER, release=only_release(fleet))
    assert assignments(after, labelled, "tst").tenants[FOLLOWER] == Assignment(only_release(fleet), V1_35)


def test_a_move_of_a_follower_does_not_pin_it() -> None:
    fleet = a_released_fleet()
    ledger = moved(begun(fleet, "tst"), FOLLOWER, release=only_release(fleet))
    assert assignments(ledger, fleet, "tst").tenants[FOLLOWER].release == HEAD


def test_the_last_move_counts() -> None:
    fleet = a_released_fleet()
    ledger = begun(fleet, "prd")
    for version in ("v1.34.6", "v1.35.0"):
        ledger = moved(ledger, SHOP, release=only_release(fleet), kubernetes=version)
    assert assignments(ledger, fleet, "prd").tenants[SHOP].kubernetes == KubernetesVersion(1, 35, 0)


def test_a_cluster_ordered_later_starts_on_the_genesis_release() -> None:
    fleet = a_released_fleet()
    ledger = begun(fleet, "prd")
    late = ClusterKey("site-1", "late")
    larger = replace(fleet, orders={**fleet.orders, late: an_order(late, "prd")})
    assert assignments(ledger, larger, "prd").tenants[late] == Assignment(only_release(fleet), V1_35)


def test_a_cluster_that_was_decommissioned_before_the_ledger_is_in_state_a() -> None:
    fleet = a_released_fleet()
    assert assignments(begun(fleet, "prd"), fleet, "prd").tenants[LEAVING].removal == "a"


@pytest.mark.parametrize("states", ["b", "bc", "bcd", "bcde"])
def test_a_removal_is_folded_in(states: str) -> None:
    fleet = a_released_fleet()
    ledger = removing(begun(fleet, "prd"), LEAVING, states)
    assert assignments(ledger, fleet, "prd").tenants[LEAVING].removal == states[-1]


def test_a_removal_that_began_does_not_end_by_editing_the_order() -> None:
    fleet = a_released_fleet()
    ledger = removing(begun(fleet, "prd"), LEAVING, "b")
    kept = replace(fleet, orders={LEAVING: an_order(LEAVING, "prd")})
    assert assignments(ledger, kept, "prd").tenants[LEAVING].removal == "b"


def test_an_order_with_the_name_of_a_removed_cluster_is_a_new_cluster() -> None:
    fleet = a_released_fleet()
    ledger = removing(begun(fleet, "prd"), LEAVING, "bcde")
    again = replace(fleet, orders={LEAVING: an_order(LEAVING, "prd")})
    assert assignments(ledger, again, "prd").tenants[LEAVING] == Assignment(only_release(fleet), V1_35)


def test_a_new_cluster_of_an_old_name_can_be_removed_again() -> None:
    fleet = a_released_fleet()
    assert removing(begun(fleet, "prd"), LEAVING, "bcdea").state.removals[LEAVING] == "a"


def test_a_management_cluster_runs_a_release_and_never_head() -> None:
    fleet = a_released_fleet()
    found = assignments(begun(fleet, "tst"), fleet, "tst").management_clusters
    assert found == {"mgmt-1": Assignment(only_release(fleet), V1_35)}


def test_a_management_cluster_moves_with_the_chain_of_its_owner_alone() -> None:
    fleet = a_released_fleet()
    body = {"managementClusters": {"mgmt-1": {"release": only_release(fleet), "kubernetes": "v1.35.9"}}}
    owner = assignments(noted(begun(fleet, "tst"), "move", body), fleet, "tst")
    other = assignments(noted(begun(fleet, "ref"), "move", body), fleet, "ref")
    assert owner.management_clusters["mgmt-1"].kubernetes == KubernetesVersion(1, 35, 9)
    assert other.management_clusters["mgmt-1"].kubernetes == V1_35


def test_a_release_that_the_fleet_lacks_is_named_with_its_clusters() -> None:
    fleet = a_released_fleet()
    lost = f"sha256:{'1' * 64}"
    ledger = moved(begun(fleet, "prd"), SHOP, release=lost)
    with pytest.raises(Tampered, match=f"release {lost} \\(assigned to site-2/shop\\).*2026.48.0"):
        assignments(ledger, fleet, "prd")


def test_a_genesis_release_that_the_fleet_lacks_is_named() -> None:
    fleet = a_released_fleet()
    with pytest.raises(Tampered, match=f"{only_release(fleet)} .*releases of the fleet: none"):
        assignments(begun(fleet, "prd"), replace(fleet, releases={}), "prd")


def test_a_ledger_without_genesis_says_how_to_begin_it() -> None:
    with pytest.raises(Refused, match="schiff ledger init -e prd"):
        assignments(Ledger.empty("prd"), a_released_fleet(), "prd")


def test_a_ledger_assigns_nothing_in_another_environment() -> None:
    fleet = a_released_fleet()
    with pytest.raises(InvalidValue, match="ledger of prd"):
        assignments(begun(fleet, "prd"), fleet, "ref")


def test_without_a_ledger_the_genesis_that_would_be_written_counts() -> None:
    fleet = a_released_fleet()
    assumed = assignments(with_genesis(Ledger.empty("prd"), fleet), fleet, "prd")
    assert assumed == assignments(begun(fleet, "prd"), fleet, "prd")


def test_a_ledger_that_exists_is_taken_as_it_is() -> None:
    fleet = a_released_fleet()
    ledger = begun(fleet, "prd")
    assert with_genesis(ledger, released(fleet, "2026.50.0", CUT.replace(month=12))) is ledger


def test_genesis_starts_from_the_release_that_was_cut_last() -> None:
    fleet = released(released(a_fleet()), "2026.50.0", CUT.replace(month=12))
    newest = fleet.release_named("2026.50.0")
    assert newest is not None
    assert begun(fleet, "prd").state.completed == newest.digest


def test_genesis_is_dated_by_its_release() -> None:
    assert begun(a_released_fleet(), "prd").entries[0].at == "2026-11-24T09:00:00Z"


def test_genesis_needs_a_release() -> None:
    with pytest.raises(Refused, match="schiff release cut") as refused:
        begun(a_fleet(), "tst")
    assert refused.value.code == "no-release"


def test_genesis_names_every_cluster_whatever_the_order_of_the_fleet() -> None:
    fleet = a_released_fleet()
    turned = replace(fleet, orders={order.key: order for order in reversed(ORDERS)})
    first = begun(fleet, "tst").entries[0]
    assert begun(turned, "tst").entries[0] == first
    assert list(first.body["clusters"]) == [str(CANDIDATE), str(FOLLOWER)]


def test_a_delivery_begins_the_removals_that_orders_ask_for() -> None:
    fleet = a_released_fleet()
    ledger = begun(fleet, "prd")
    asked = replace(fleet, orders={**fleet.orders, SHOP: an_order(SHOP, "prd", decommission="shop")})
    assert due_removals(ledger, asked) == (SHOP,)
    after = noted(ledger, "remove", removal_body(SHOP))
    assert due_removals(after, asked) == ()
    assert assignments(after, asked, "prd").tenants[SHOP].removal == "a"

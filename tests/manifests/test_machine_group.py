from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.manifests.machine_group import control_plane_group, pool_groups, spread
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, a_resolved_cluster, changed

HOSTS = ["r1-u01", "r2-u01", "r3-u01"]


@pytest.mark.parametrize(
    ("size", "rooms", "expected"),
    [
        (5, (None, None), (3, 2)),
        (6, (None, None, None), (2, 2, 2)),
        (4, (1, 3), (1, 3)),
        (0, (None, None), (0, 0)),
        (3, (1, 1), (2, 1)),
    ],
)
def test_machines_are_spread_evenly_as_far_as_zones_have_room(
    size: int, rooms: tuple[int | None, ...], expected: tuple[int, ...]
) -> None:
    assert spread(size, rooms) == expected


@given(size=st.integers(0, 300), zones=st.integers(1, 7))
def test_no_machine_is_lost_and_no_zone_is_more_than_one_ahead(size: int, zones: int) -> None:
    placed = spread(size, (None,) * zones)
    assert sum(placed) == size
    assert max(placed) - min(placed) <= 1


def test_pools_come_in_the_order_of_their_names() -> None:
    documents = changed(VSPHERE_ORDER, "pools.a", {"class": "large", "replicas": 1})
    assert [group.role for group in pool_groups(a_resolved_cluster(documents=documents))] == ["a", "md-0"]


def test_a_control_plane_without_a_spare_server_is_replaced_in_place() -> None:
    wanted = changed(METAL3_ORDER, "controlPlane.maxSurge", 1)
    assert control_plane_group(a_resolved_cluster("metal3", documents=wanted)).max_surge == 0
    spare = changed(METAL3_ORDER, "controlPlane.hosts", [*HOSTS, "r1-u02"], wanted)
    assert control_plane_group(a_resolved_cluster("metal3", documents=spare)).max_surge == 1


def test_a_single_control_plane_machine_cannot_be_replaced_in_place() -> None:
    documents = changed(METAL3_ORDER, "controlPlane.replicas", 1)
    documents = changed(METAL3_ORDER, "controlPlane.maxSurge", 1, documents)
    documents = changed(METAL3_ORDER, "controlPlane.hosts", ["r1-u01"], documents)
    assert control_plane_group(a_resolved_cluster("metal3", documents=documents)).max_surge == 1


def test_a_pool_without_a_spare_server_gives_one_up_instead() -> None:
    documents = changed(METAL3_ORDER, "pools.md-0", {"class": "worker", "hosts": ["r1-u07", "r2-u07"]})
    [pool] = pool_groups(a_resolved_cluster("metal3", documents=documents))
    assert (pool.max_surge, pool.max_unavailable) == (0, 1)


def test_virtual_machines_surge_as_asked() -> None:
    documents = changed(VSPHERE_ORDER, "pools.md-0.maxSurge", 2)
    [pool] = pool_groups(a_resolved_cluster(documents=documents))
    assert (pool.max_surge, pool.max_unavailable) == (2, 0)

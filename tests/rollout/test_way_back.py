from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import Refused
from schiff.model.fleet import SharedLayers
from schiff.rollout.skew import component_hop_problems, hops
from schiff.rollout.way_back import Standing, way_back
from tests.rollout.versions import layers_of, release_of, version


def chain(*releases: tuple[str, dict[str, Any]]) -> tuple[SharedLayers, ...]:
    """Return releases 2026.1.0, 2026.2.0 and so on, oldest first; each its Kubernetes version and what else it says."""
    return tuple(
        layers_of(release_of(kubernetes, name=f"2026.{number}.0", **more))
        for number, (kubernetes, more) in enumerate(releases, 1)
    )


def calico(minor: int, follows: int | None = None, **more: Any) -> dict[str, Any]:
    follow = {} if follows is None else {"upgradeFrom": f">=3.{follows}"}
    return {"calico": {"version": f"v3.{minor}.0", **follow}, **more}


def at(layers: SharedLayers, kubernetes: str | None = None) -> Standing:
    pinned = layers.release.kubernetes.version
    return Standing(layers.digest, version(kubernetes) if kubernetes else pinned)


def told(completed: Sequence[SharedLayers], moves: Sequence[Standing]) -> list[str]:
    names = {layers.digest: layers.release.name for layers in completed}
    return [f"{names[it.release]} {it.kubernetes}" for it in moves]


def test_a_cluster_skips_what_it_need_not_pass() -> None:
    releases = chain(("1.34.6", {}), ("1.34.7", {}), ("1.35.1", {}), ("1.35.4", {}))
    assert told(releases, way_back(at(releases[0]), releases, ())) == ["2026.4.0 v1.35.4"]


def test_it_passes_every_kubernetes_minor_by_releases_or_by_what_they_name_on_the_way() -> None:
    releases = chain(("1.32.1", {}), ("1.33.5", {}), ("1.34.6", {}), ("1.35.4", {}))
    by_releases = ["2026.2.0 v1.33.5", "2026.3.0 v1.34.6", "2026.4.0 v1.35.4"]
    assert told(releases, way_back(at(releases[0]), releases, ())) == by_releases
    releases = chain(("1.32.1", {}), ("1.33.5", {}), ("1.34.6", {}), ("1.35.4", {"via": ["1.34.6", "1.33.9"]}))
    by_stops = ["2026.4.0 v1.33.9", "2026.4.0 v1.34.6", "2026.4.0 v1.35.4"]
    assert told(releases, way_back(at(releases[0]), releases, ())) == by_stops


def test_it_passes_the_component_versions_that_others_follow() -> None:
    releases = chain(
        ("1.35.4", calico(27)),
        ("1.35.4", calico(28)),
        ("1.35.4", calico(29)),
        ("1.35.4", calico(30, 29)),
        ("1.35.4", calico(32, 30)),
    )
    expected = ["2026.3.0 v1.35.4", "2026.4.0 v1.35.4", "2026.5.0 v1.35.4"]
    assert told(releases, way_back(at(releases[0]), releases, ())) == expected


def test_a_revoked_release_is_gone_round() -> None:
    releases = chain(("1.33.1", {}), ("1.34.5", {}), ("1.34.6", {}), ("1.35.4", {}))
    revoked = {releases[2].digest}
    assert told(releases, way_back(at(releases[0]), releases, revoked)) == ["2026.2.0 v1.34.5", "2026.4.0 v1.35.4"]


def test_the_newest_that_is_revoked_is_no_target() -> None:
    releases = chain(("1.34.6", {}), ("1.35.1", {}), ("1.35.4", {}))
    assert told(releases, way_back(at(releases[0]), releases, {releases[2].digest})) == ["2026.2.0 v1.35.1"]


def test_a_revoked_release_that_nothing_goes_round_is_named() -> None:
    releases = chain(("1.33.1", {}), ("1.34.6", {}), ("1.35.4", {}))
    with pytest.raises(Refused) as caught:
        way_back(at(releases[0]), releases, {releases[1].digest})
    assert caught.value.code == "no-path"
    assert str(caught.value) == (
        "no way from release 2026.1.0 (Kubernetes v1.33.1) to release 2026.3.0 (Kubernetes v1.35.4): it leads over"
        " release 2026.2.0, which is revoked; cut a release that can be reached from release 2026.1.0"
        " (Kubernetes v1.33.1)"
    )


def test_a_minor_that_no_release_has_is_named() -> None:
    releases = chain(("1.31.1", {}), ("1.32.1", {}), ("1.35.4", {"via": ["1.34.6"]}))
    with pytest.raises(
        Refused, match=r"it ends at release 2026\.2\.0 \(Kubernetes v1\.32\.1\): .* no version of 1\.33"
    ):
        way_back(at(releases[0]), releases, ())


def test_a_component_that_nothing_leads_to_is_named() -> None:
    releases = chain(("1.35.4", calico(27)), ("1.35.4", calico(32, 30)))
    with pytest.raises(Refused, match=r"calico v3\.32\.0 follows >=3\.30, not v3\.27\.0") as caught:
        way_back(at(releases[0]), releases, ())
    assert caught.value.code == "no-path"


def test_whoever_is_there_has_no_way_to_go() -> None:
    releases = chain(("1.34.6", {}), ("1.35.4", {}))
    assert way_back(at(releases[1]), releases, ()) == ()
    assert way_back(at(releases[1], "1.35.9"), releases, ()) == ()
    assert way_back(at(releases[1]), releases, {releases[1].digest}) == ()


def test_a_cluster_that_stopped_half_way_finishes_first_where_that_helps() -> None:
    releases = chain(("1.35.4", {}), ("1.36.0", {}))
    expected = ["2026.1.0 v1.35.4", "2026.2.0 v1.36.0"]
    assert told(releases, way_back(at(releases[0], "1.34.6"), releases, ())) == expected
    assert told(releases[:1], way_back(at(releases[0], "1.34.6"), releases[:1], ())) == expected[:1]


def test_a_release_that_was_never_completed_leads_nowhere() -> None:
    releases = chain(("1.34.6", {}), ("1.35.4", {}))
    with pytest.raises(Refused, match=r"was never completed in prd"):
        way_back(at(releases[0]), releases[1:], ())


def test_four_hundred_releases_are_searched_in_a_moment() -> None:
    ladder = chain(*(("1.35.4", calico(number, max(0, number - 1))) for number in range(400)))
    start = process_time()
    assert len(way_back(at(ladder[0]), ladder, ())) == 399
    dense = chain(*(("1.35.4", calico(number)) for number in range(399)), ("1.35.4", calico(999, 900)))
    with pytest.raises(Refused):
        way_back(at(dense[0]), dense, ())
    assert process_time() - start < 3


RELEASE = st.tuples(
    st.tuples(st.integers(30, 36), st.integers(0, 3)).map(lambda it: f"1.{it[0]}.{it[1]}"),
    st.builds(
        calico,
        st.integers(25, 32),
        st.none() | st.integers(25, 32),
        via=st.lists(st.integers(30, 36).map(lambda minor: f"1.{minor}.1"), max_size=3),
    ),
)


def shortest(start: int, releases: Sequence[SharedLayers], revoked: set[str]) -> int | None:
    """Return how many releases the shortest chain has: every chain is tried."""
    allowed = [it for it in range(start + 1, len(releases)) if releases[it].digest not in revoked]
    if not allowed:
        return 0
    best: list[int] = []

    def go(here: int, count: int) -> None:
        if here == allowed[-1]:
            best.append(count)
            return
        for there in (it for it in allowed if it > here):
            if legal(releases[here], releases[here].release.kubernetes.version, releases[there]):
                go(there, count + 1)

    go(start, 0)
    return min(best, default=None)


def legal(here: SharedLayers, kubernetes: Any, there: SharedLayers) -> bool:
    try:
        hops(kubernetes, there.release)
    except Refused:
        return False
    return not component_hop_problems(here.release, there.release)


@given(found=st.lists(RELEASE, min_size=1, max_size=7), data=st.data())
def test_i11_a_way_back_is_legal_and_none_is_shorter(
    found: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    releases = chain(*found)
    revoked = {it.digest for it in releases if data.draw(st.booleans())}
    start = data.draw(st.integers(0, len(releases) - 1))
    expected = shortest(start, releases, revoked)
    if expected is None:
        with pytest.raises(Refused) as caught:
            way_back(at(releases[start]), releases, revoked)
        assert caught.value.code == "no-path"
        return
    moves = way_back(at(releases[start]), releases, revoked)
    by_digest = {it.digest: it for it in releases}
    stops = list(dict.fromkeys(it.release for it in moves))
    assert len(stops) == expected
    assert not revoked & set(stops)
    for earlier, later in pairwise([at(releases[start]), *moves]):
        assert later.kubernetes.minor - earlier.kubernetes.minor in {0, 1}
        assert later.kubernetes >= earlier.kubernetes
        assert component_hop_problems(by_digest[earlier.release].release, by_digest[later.release].release) == ()

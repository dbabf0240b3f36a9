from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import Refused
from schiff.model.release import ReleaseSpec
from schiff.rollout.skew import (
    component_hop_problems,
    hops,
    plane_hop_problems,
    pool_problems,
    skew_problem,
)
from schiff.values.versions import KubernetesVersion
from tests.rollout.versions import release_of, version

CALICO = {"version": "v3.31.2", "kubernetes": ">=1.33,<1.37"}


def way(start: str, release: ReleaseSpec) -> list[str]:
    return [str(hop) for hop in hops(version(start), release)]


@pytest.mark.parametrize(
    ("start", "via", "expected"),
    [
        ("1.35.4", (), ["v1.35.4"]),
        ("1.35.0", ("1.34.6",), ["v1.35.4"]),
        ("1.34.1", ("1.34.6",), ["v1.35.4"]),
        ("1.34.9", ("1.34.6",), ["v1.35.4"]),
        ("1.33.2", ("1.34.6",), ["v1.34.6", "v1.35.4"]),
        ("1.33.2", ("1.34.2", "1.34.6", "1.34.3"), ["v1.34.6", "v1.35.4"]),
        ("1.32.2", ("1.33.5", "1.34.6"), ["v1.33.5", "v1.34.6", "v1.35.4"]),
        ("1.32.2", ("1.34.6", "1.33.5", "1.31.1", "1.36.0"), ["v1.33.5", "v1.34.6", "v1.35.4"]),
    ],
)
def test_a_cluster_passes_one_version_of_each_minor(start: str, via: tuple[str, ...], expected: list[str]) -> None:
    assert way(start, release_of("1.35.4", via=via)) == expected


@pytest.mark.parametrize(
    ("start", "via", "said"),
    [
        ("1.33.2", (), r"release 2026\.48\.0 does not lead .*v1\.33\.2 to v1\.35\.4: it names no version of 1\.34;"),
        ("1.31.0", ("1.33.5",), r"no version of 1\.32, 1\.34; name one in kubernetes\.via"),
        ("0.35.0", ("1.34.6",), r"no version of 0\.x to 1\.0"),
        ("1.35.5", (), r"v1\.35\.4, below v1\.35\.5, and Kubernetes never goes down"),
        ("1.36.0", (), r"never goes down; take a release that pins v1\.36\.0 or later"),
    ],
)
def test_what_is_missing_on_the_way_is_named(start: str, via: tuple[str, ...], said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        way(start, release_of("1.35.4", via=via))
    assert caught.value.code == "no-path"


def test_every_component_must_accept_every_hop() -> None:
    release = release_of("1.35.4", via=["1.34.6"], calico=CALICO, csi={"version": "v3.7.3", "kubernetes": ">=1.35"})
    assert way("1.34.6", release) == ["v1.35.4"]
    with pytest.raises(Refused, match=r"csi v3\.7\.3 of release 2026\.48\.0 runs on Kubernetes >=1\.35, not on v1\.34"):
        way("1.33.1", release)


def test_every_component_that_refuses_a_hop_is_named_at_once() -> None:
    narrow = {"version": "v1.0.0", "kubernetes": "<1.30"}
    with pytest.raises(Refused) as caught:
        way("1.33.1", release_of("1.35.4", via=["1.34.6"], a=narrow, b=narrow))
    assert [(name, minor) for name in "ab" for minor in ("v1.34.6", "v1.35.4") if minor in str(caught.value)] == [
        ("a", "v1.34.6"),
        ("a", "v1.35.4"),
        ("b", "v1.34.6"),
        ("b", "v1.35.4"),
    ]
    assert str(caught.value).count("runs on Kubernetes <1.30") == 4


MINORS = st.integers(28, 40)
VERSIONS = st.builds(KubernetesVersion, st.just(1), MINORS, st.integers(0, 9))


@given(start=VERSIONS, target=VERSIONS, via=st.lists(VERSIONS, max_size=12), low=MINORS)
def test_i10_a_way_ends_at_the_target_one_minor_up_at_a_time_or_is_refused(
    start: KubernetesVersion, target: KubernetesVersion, via: list[KubernetesVersion], low: int
) -> None:
    release = release_of(str(target), via=[str(it) for it in via], calico={**CALICO, "kubernetes": f">=1.{low}"})
    named = {it.minor for it in via}
    gap = any(minor not in named for minor in range(start.minor + 1, target.minor))
    if start > target or gap or min(start.minor + 1, target.minor) < low:
        with pytest.raises(Refused) as caught:
            hops(start, release)
        assert caught.value.code == "no-path"
        return
    found = hops(start, release)
    assert found[-1] == target
    states = (start, *found)
    assert all(0 <= later.minor - earlier.minor <= 1 for earlier, later in zip(states, found, strict=False))
    assert all(later >= earlier for earlier, later in zip(states, found, strict=False))
    assert all(hop.minor >= low for hop in found)
    assert set(found[:-1]) <= set(via)
    assert len(found) == max(1, target.minor - start.minor)


def test_a_pool_above_its_control_plane_is_no_start() -> None:
    pools = {"md-0": [version("1.35.4")], "md-1": [version("1.35.4"), version("1.36.0")]}
    said = pool_problems(version("1.35.4"), pools)
    assert said == ("pool md-1 runs v1.36.0, above the control plane's v1.35.4",)


def test_a_pool_may_lag_three_minors_and_not_four() -> None:
    assert pool_problems(version("1.35.4"), {"md-0": [version("1.32.0")]}) == ()
    (said,) = pool_problems(version("1.35.4"), {"md-0": [version("1.35.4"), version("1.31.9")]})
    assert said == "pool md-0 runs v1.31.9, more than 3 minors below the control plane's v1.35.4"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"version": "v3.29.0"}, {"version": "v3.31.2", "upgradeFrom": ">=3.29"}, ()),
        ({"version": "v3.28.9"}, {"version": "v3.31.2", "upgradeFrom": ">=3.29"}, ("follows >=3.29, not v3.28.9",)),
        ({"version": "v3.31.2"}, {"version": "v3.31.2", "upgradeFrom": ">=9.0"}, ()),
        ({"version": "v3.31.2"}, {"version": "v3.30.0", "upgradeFrom": "<3.30"}, ()),
        ({"version": "v3.31.2", "reversible": False}, {"version": "v3.30.0"}, ("v3.31.2 is not reversible",)),
        ({"version": "v3.31.2-s2", "reversible": False}, {"version": "v3.31.2"}, ("v3.31.2-s2 is not reversible",)),
        ({"version": "v3.30.0", "reversible": False}, {"version": "v3.31.2"}, ()),
    ],
)
def test_a_component_follows_what_it_says_it_can(
    old: dict[str, object], new: dict[str, object], said: tuple[str, ...]
) -> None:
    found = component_hop_problems(release_of("1.35.4", calico=old), release_of("1.35.4", calico=new))
    assert len(found) == len(said)
    assert all(f"calico {new['version']}" in it or "calico goes down" in it for it in found)
    assert all(part in sentence for part, sentence in zip(said, found, strict=True))


def test_a_component_that_comes_or_goes_follows_nothing() -> None:
    with_, without = release_of("1.35.4", calico={**CALICO, "upgradeFrom": "<1.0"}), release_of("1.35.4")
    assert component_hop_problems(without, with_) == component_hop_problems(with_, without) == ()


@pytest.mark.parametrize(
    ("old", "new", "ok"),
    [
        ("v1.11.0", "v1.14.0", True),
        ("v1.10.9", "v1.14.0", False),
        ("v1.13.5", "v1.13.4", False),
        ("v1.13.5", "v2.13.5", False),
    ],
)
def test_cluster_api_goes_up_three_minors_at_most(old: str, new: str, ok: bool) -> None:
    planes = [release_of("1.35.4", capi=it).management_plane for it in (old, new)]
    assert (plane_hop_problems(*planes) == ()) is ok


def test_a_plane_looks_after_the_minors_it_knows() -> None:
    plane = release_of("1.35.4", capi="v1.14.0").management_plane
    assert skew_problem(plane, version("1.31.0")) is None
    assert "outside 1.31-1.36" in str(skew_problem(plane, version("1.30.9")))

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.errors import Refused
from schiff.model.release import ReleaseSpec, VsphereImage
from schiff.rollout.reversal import Reversal, kept, reversal
from schiff.rollout.skew import component_hop_problems, hops
from tests.rollout.versions import release_of, version

OLD, NEW = "2026.46.0", "2026.48.0"


def back(old: dict[str, Any], new: dict[str, Any]) -> Reversal:
    before = release_of(**{"kubernetes": "1.34.6", "name": OLD, **old})
    return reversal(release_of(**{"kubernetes": "1.34.6", "name": NEW, **new}), before)


CSI = {"version": "v3.7.3", "reversible": False}


@pytest.mark.parametrize(
    ("verdict", "old", "new"),
    [
        ("full", {}, {}),
        ("full", {"calico": {"version": "v3.30.0"}}, {"calico": {"version": "v3.31.2"}}),
        ("full", {"calico": {"version": "v3.30.0"}}, {}),
        ("full", {}, {"calico": {"version": "v3.31.2"}}),
        ("full", {"csi": CSI}, {"csi": CSI}),
        ("full", {"csi": CSI}, {"csi": {"version": "v3.8.0"}}),
        ("partial", {}, {"kubernetes": "1.35.4"}),
        ("partial", {}, {"kubernetes": "1.34.7"}),
        ("partial", {"capi": "v1.12.0"}, {"capi": "v1.13.5"}),
        ("full", {"capi": "v1.14.0"}, {"capi": "v1.13.5"}),
        ("impossible", {"csi": {"version": "v3.6.0"}}, {"csi": CSI}),
        ("impossible", {}, {"csi": CSI}),
        ("impossible", {"a": {"version": "v1.0.0", "kubernetes": "<1.35"}}, {"kubernetes": "1.35.4"}),
        ("partial", {"a": {"version": "v1.0.0", "kubernetes": "<1.36"}}, {"kubernetes": "1.35.4"}),
        ("impossible", {"kubernetes": "1.36.0"}, {"kubernetes": "1.37.0"}),
        ("impossible", {"kubernetes": "1.35.4", "csi": {"version": "v3.6.0"}}, {"kubernetes": "1.36.0", "csi": CSI}),
    ],
)
def test_the_verdict_comes_from_what_changed(verdict: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    assert back(old, new).verdict == verdict


def test_a_stop_on_the_way_counts_as_well() -> None:
    narrow = {"version": "v1.0.0", "kubernetes": "<1.34"}
    old = {"kubernetes": "1.33.2", "a": narrow}
    items = back(old, {"kubernetes": "1.35.4", "via": ["1.34.6"], "a": narrow}).items
    assert [(item.before, item.way) for item in items] == [("v1.34.6", "forward"), ("v1.35.4", "forward")]


@pytest.mark.parametrize(("prefix", "verdict"), [("image", "partial"), ("ubuntu-2604", "impossible")])
def test_a_version_that_stays_needs_an_image_that_the_old_release_finds(prefix: str, verdict: str) -> None:
    old, new = release_of("1.34.6", name=OLD), release_of("1.35.4", name=NEW)
    images = new.kubernetes.images.model_copy(update={"vsphere": VsphereImage(template=f"{prefix}-v1.35.4")})
    pin = new.kubernetes.model_copy(update={"images": images})
    found = reversal(new.model_copy(update={"kubernetes": pin}), old)
    assert found.verdict == verdict
    assert ("its image is ubuntu-2604-v1.35.4" in found.sentence()) == (verdict == "impossible")


def test_the_sentence_names_what_stays() -> None:
    found = back({"csi": {"version": "v3.6.0"}}, {"kubernetes": "1.35.4", "calico": {"version": "v3.31.2"}})
    assert found.sentence() == (
        "rollback of release 2026.48.0 to 2026.46.0 is partial: kubernetes v1.35.4 stays, and does not go back to"
        " v1.34.6: Kubernetes never goes down"
    )
    assert [(item.what, item.way) for item in found.items] == [
        ("calico", "back"),
        ("csi", "back"),
        ("kubernetes", "stays"),
    ]


def test_an_impossible_rollback_says_what_helps() -> None:
    assert back({"csi": {"version": "v3.6.0"}}, {"csi": CSI}).sentence() == (
        "rollback of release 2026.48.0 to 2026.46.0 is impossible: csi v3.7.3 cannot go back to v3.6.0: v3.7.3 is not"
        " reversible; cut a hotfix that keeps these and takes back the rest"
    )


def test_a_full_one_is_short_and_all_is_data() -> None:
    found = back({"calico": {"version": "v3.30.0"}}, {"calico": {"version": "v3.31.2"}})
    assert found.sentence() == "rollback of release 2026.48.0 to 2026.46.0 is full"
    assert json.loads(json.dumps(found.as_json())) == {
        "release": NEW,
        "target": OLD,
        "verdict": "full",
        "items": [
            {"what": "calico", "before": "v3.31.2", "after": "v3.30.0", "way": "back", "reason": "it is reversible"}
        ],
    }


VERSIONS = st.tuples(st.integers(33, 36), st.integers(0, 3)).map(lambda it: f"1.{it[0]}.{it[1]}")
PINS = st.fixed_dictionaries(
    {"version": st.integers(0, 3).map(lambda minor: f"v1.{minor}.0"), "reversible": st.booleans()},
    optional={"kubernetes": st.integers(33, 37).map(lambda minor: f"<1.{minor}")},
)
RELEASES = st.builds(
    lambda kubernetes, pins: release_of(kubernetes, **pins),
    VERSIONS,
    st.dictionaries(st.sampled_from("abc"), PINS, max_size=3),
)


@given(running=RELEASES, target=RELEASES)
def test_i19_what_may_go_back_ends_in_a_state_that_may_be(running: ReleaseSpec, target: ReleaseSpec) -> None:
    found = reversal(running, target)
    kubernetes = kept(running.kubernetes.version, target)
    if found.verdict == "impossible":
        assert [item for item in found.items if item.way == "forward"]
        return
    assert kubernetes >= running.kubernetes.version
    fits = [pin.kubernetes is None or pin.kubernetes.contains(kubernetes) for pin in target.components.values()]
    assert all(fits) or target.kubernetes.version >= running.kubernetes.version
    down = [problem for problem in component_hop_problems(running, target) if "not reversible" in problem]
    assert down == []
    assert (found.verdict == "full") == (kubernetes == target.kubernetes.version)


@given(release=RELEASES)
def test_a_release_is_taken_back_to_itself(release: ReleaseSpec) -> None:
    assert reversal(release, release).items == ()


def test_a_cluster_keeps_what_it_runs_and_can_go_forward_from_there() -> None:
    target = release_of("1.34.6")
    assert kept(version("1.35.4"), target) == version("1.35.4")
    assert kept(version("1.34.6"), target) == kept(version("1.33.9"), target) == version("1.34.6")
    with pytest.raises(Refused):
        hops(version("1.35.4"), target)

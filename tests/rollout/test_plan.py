from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from schiff.errors import InvalidValue
from schiff.model.release import Assignment
from schiff.model.windows import WindowSpec
from schiff.rollout.plan import Plan, Wave
from schiff.values.digests import HEAD, digest_of_bytes
from schiff.values.names import ClusterKey
from tests.rollout.plans import BEFORE, NEW, OLD, a_management_member, a_member, a_plan, members_of

A, B, HELD = ClusterKey("site-1", "a"), ClusterKey("site-2", "b"), ClusterKey("site-2", "held")
WAVES = (Wave("canary", (B,)), Wave("100%", (A,)))
PLAN = a_plan(
    members_of(
        a_member("site-1/a", redundancy_group="shop", windows=(WindowSpec.parse("sunday 02:00-06:00 Europe/Berlin"),)),
        a_member("site-2/b", start=Assignment(HEAD, OLD), hops=(OLD, NEW)),
    ),
    WAVES,
    management_clusters={name: a_management_member(name) for name in ("mgmt-2", "mgmt-1")},
    held={HELD: Assignment(BEFORE, OLD)},
)


def _spelled(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_a_plan_reads_back_as_it_was_written() -> None:
    content = PLAN.to_bytes()
    read = Plan.parse(content)
    assert read == PLAN
    assert read.to_bytes() == content
    assert read.digest == digest_of_bytes(content)


def test_management_clusters_keep_the_order_in_which_they_move() -> None:
    assert list(Plan.parse(PLAN.to_bytes()).management_clusters) == ["mgmt-2", "mgmt-1"]


def test_the_order_in_which_members_were_given_changes_nothing() -> None:
    turned = a_plan(
        dict(reversed(list(PLAN.members.items()))), WAVES, management_clusters=PLAN.management_clusters, held=PLAN.held
    )
    assert turned.digest == PLAN.digest


def test_a_plan_says_which_wave_a_member_is_in() -> None:
    assert [PLAN.wave_of(B), PLAN.wave_of(A)] == [0, 1]
    with pytest.raises(KeyError):
        PLAN.wave_of(HELD)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]\n",
        b"\xff",
        PLAN.to_bytes()[:-1],
        PLAN.to_bytes().replace(b",", b", ", 1),
        PLAN.to_bytes().replace(b'"machines":6', b'"machines":6,"machines":6', 1),
        PLAN.to_bytes().replace(b'"machines":6', b'"machines":6.0', 1),
        PLAN.to_bytes().replace(b"canary", b"canar\\u0079", 1),
        b"[" * 100_000,
    ],
)
def test_another_spelling_is_no_plan(content: bytes) -> None:
    with pytest.raises(InvalidValue):
        Plan.parse(content)


def _member_field(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda data: data["members"]["site-1/a"].update({name: value})


def _top(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda data: data.update({name: value})


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (_top("v", 2), "its form is not 1"),
        (_top("v", True), "its form is not 1"),
        (_top("extra", 1), "its fields are not"),
        (_top("environment", "dev"), "expected one of tst, ref, prd"),
        (_top("release", "head"), "is not a digest"),
        (_top("members", []), "members is not a map"),
        (_top("waves", {}), "waves is not a list"),
        (_top("policy", {"unknown": 1}), "policy.unknown"),
        (_top("policy", {}), "complete, with its defaults"),
        (_member_field("extra", 1), "the fields of member site-1/a"),
        (_member_field("machines", -1), "machines is -1"),
        (_member_field("machines", True), "machines is True"),
        (_member_field("hops", []), "one version at least"),
        (_member_field("hops", ["1.35"]), "is not a Kubernetes version"),
        (_member_field("customer", ""), "customer is ''"),
        (_member_field("windows", ["sunday"]), "windows|expected"),
        (_member_field("windows", ["sunday,saturday 02:00-06:00 Europe/Berlin"]), "is spelled saturday,sunday"),
        (_member_field("redundancyGroup", None), "redundancyGroup is None"),
        (_member_field("start", {"release": "sha256:1", "kubernetes": "v1.34.6"}), "is not a digest"),
        (_member_field("start", {"release": "head"}), "the fields of a pin"),
        (lambda data: data["held"].update({"site-1/a": data["held"]["site-2/held"]}), "is held, and a member"),
        (lambda data: data["managementClusters"].append(data["managementClusters"][0]), "names one twice"),
        (lambda data: data["managementClusters"][0].pop("hops"), "the fields of a management cluster"),
        (lambda data: data["waves"][0].update(clusters=[]), "a wave is empty"),
        (lambda data: data["waves"][0].update(clusters=["b"]), "is not a cluster"),
        (lambda data: data["waves"][0].update(bake=1), "the fields of a wave"),
        (lambda data: data["waves"][0].update(name="100%"), "two waves have one name"),
        (lambda data: data["waves"][0]["clusters"].append("site-1/a"), "name site-1/a twice"),
        (lambda data: data["waves"][0]["clusters"].append("site-9/z"), "name site-9/z, which is no member"),
        (lambda data: data["waves"].pop(), "no wave names site-1/a"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(edit: Callable[[Any], Any], sentence: str) -> None:
    data = json.loads(PLAN.to_bytes())
    edit(data)
    with pytest.raises(InvalidValue, match=sentence):
        Plan.parse(_spelled(data))

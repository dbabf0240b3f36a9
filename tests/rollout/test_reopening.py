"""A chain that closes one that does not hold: what is excused then, what is not, and what clusters return to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schiff.errors import InvalidValue, Refused, Tampered
from schiff.model.fleet import Fleet
from schiff.rollout.bodies import Agreement, Closed, Mark, RanHotfix
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.proofs import Receipt, require_witnessed
from schiff.rollout.reopening import (
    Delivered,
    Return,
    Said,
    Standing,
    beginning,
    in_time,
    last_remembered,
    require_agreed,
    subject_of,
)
from schiff.rollout.stage import Hurried
from schiff.values.digests import HEAD
from schiff.values.names import ClusterKey, Environment
from schiff.values.versions import KubernetesVersion
from tests.rollout.forgery import DAY, SOME_DIGEST, move, outcome, promote, promotion, refused, steps, until
from tests.rollout.season import ANNA, BEGIN, BERT, FIRST, VERSION, Season, a_season
from tests.rollout.small_fleet import (
    CANDIDATE,
    CUT,
    FOLLOWER,
    LEAVING,
    ORDERS,
    SHOP,
    a_fleet,
    an_order,
    head_layers,
    head_release,
    released,
)

HOTFIX = RanHotfix(name="2026.48.1", at="2026-11-24T09:00:00Z", authors=(ANNA,))
AGREED = tuple(Agreement(expires="2027-12-01T00:00:00Z", principal=who, signature="-") for who in (ANNA, BERT))


def closed_at(seq: int, standing: Mark | None = None) -> Closed:
    given = {} if standing is None else {"standing": standing}
    return Closed(seq=seq, digest=SOME_DIGEST, commit="c0ffee", definitions="f00d", reason="broken", **given)


def body_of(season: Season, environment: Environment, closed: Closed, revoked: Mapping[str, str]) -> dict[str, Any]:
    """Return a beginning in which every cluster is on the first release."""
    pin = {"release": FIRST, "kubernetes": str(VERSION)}
    return {
        "release": FIRST,
        "clusters": {str(key): pin for key in season.clusters[environment]},
        "managementClusters": {},
        "grandfathered": True,
        "closes": closed.as_document(),
        "revoked": dict(revoked),
        "agreed": [one.as_document() for one in AGREED],
    }


def close(season: Season, environment: Environment, revoked: Mapping[str, str] | None = None) -> Entry:
    """Close a chain of a season and begin another; what the witness received of the closed one stays where it is."""
    order: list[Environment] = ["tst", "ref", "prd"]
    following = order[order.index(environment) + 1 :]
    citing = [one for one in season.ledgers[following[0]].entries if one.kind == "promote"] if following else []
    standing = Mark(seq=citing[-1].seq, digest=citing[-1].digest) if citing else None
    closed = closed_at(season.ledgers[environment].entries[-1].seq, standing)
    body = body_of(season, environment, closed, revoked or {})
    entry = beginning(environment, closed, body, at=format_moment(season.now), actor="ci:test", fleet="none")
    empty = replace(Ledger.empty(environment), receipts=season.receipts[environment])
    season.ledgers[environment] = empty.extended(entry)
    season.receipts[environment][entry.seq] = Receipt(entry.digest, season.now)
    season.delivered[environment] = entry.seq
    return entry


def in_prd() -> tuple[Season, str]:
    """Return a season with a release that was promoted to prd."""
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "prd", release, days=60)
    return season, release


def test_numbers_go_on_and_what_was_remembered_of_the_closed_chain_is_excused() -> None:
    season, _release = in_prd()
    old = season.ledgers["prd"]
    entry = close(season, "prd")
    ledger = season.ledgers["prd"]
    assert (entry.seq, entry.prev, ledger.first) == (old.entries[-1].seq + 1, None, len(old.entries))
    for before in old.entries:
        ledger.require_anchor(Head(before.seq, before.digest))
        ledger.require_anchor(Head(before.seq, SOME_DIGEST))
    digests = [one.digest for one in ledger.entries]
    assert require_witnessed("prd", digests, season.receipts["prd"], ledger.first).all == ()
    season.verify()


def test_what_is_remembered_of_the_new_chain_is_judged_as_always() -> None:
    season, _release = in_prd()
    entry = close(season, "prd")
    season.append("prd", "note", {"text": "x", "changes": {}, "pins": {}})
    ledger = season.ledgers["prd"]
    ledger.require_anchor(Head(entry.seq, entry.digest))
    with pytest.raises(Tampered, match=f"was recomputed: entry {entry.seq} is not {SOME_DIGEST}"):
        ledger.require_anchor(Head(entry.seq, SOME_DIGEST))
    with pytest.raises(Tampered, match=f"was cut: entry {entry.seq + 2} was seen before"):
        ledger.require_anchor(Head(entry.seq + 2, SOME_DIGEST))
    digests = [one.digest for one in ledger.entries]
    beyond = {**season.receipts["prd"], entry.seq + 2: Receipt(SOME_DIGEST, season.now)}
    with pytest.raises(Tampered, match=f"the witness received entry {entry.seq + 2}"):
        require_witnessed("prd", digests, beyond, ledger.first)
    other = {**season.receipts["prd"], entry.seq + 1: Receipt(SOME_DIGEST, season.now)}
    with pytest.raises(Tampered, match=f"and the witness received {SOME_DIGEST}"):
        require_witnessed("prd", digests, other, ledger.first)


def test_it_is_read_back_from_its_files_and_from_no_others() -> None:
    season, _release = in_prd()
    old = season.ledgers["prd"].entries[-1]
    entry = close(season, "prd")
    season.append("prd", "note", {"text": "x", "changes": {}, "pins": {}})
    files = {one.file_name: one.to_bytes() for one in season.ledgers["prd"].entries}
    assert Ledger.parse("prd", files).entries == season.ledgers["prd"].entries
    for forged in (
        {**files, old.file_name: old.to_bytes()},
        {f"{entry.seq + 5:06d}.json": entry.to_bytes()},
        {name: content for name, content in files.items() if name != entry.file_name},
        {"000000.json": entry.to_bytes()},
    ):
        with pytest.raises(Tampered, match="does not hold"):
            Ledger.parse("prd", forged)


def test_a_beginning_that_closes_nothing_has_number_0_and_revokes_nothing() -> None:
    season = a_season()
    body = {name: value for name, value in body_of(season, "prd", closed_at(4), {}).items() if name != "closes"}
    with pytest.raises(Refused, match="only a beginning that closes another chain is agreed to"):
        Ledger.empty("prd").append("genesis", body, at="2026-11-24T09:00:00Z", actor="a", fleet="none")
    genesis = season.ledgers["prd"].entries[0]
    with pytest.raises(InvalidValue, match="does not follow entry none"):
        Ledger.empty("prd").extended(replace(genesis, seq=4))
    entry = beginning(
        "prd", closed_at(4), body_of(season, "prd", closed_at(4), {}), at=genesis.at, actor="a", fleet="n"
    )
    with pytest.raises(InvalidValue, match="does not follow entry none"):
        Ledger.empty("prd").extended(replace(entry, seq=9))


@pytest.mark.parametrize(("people", "found"), [((), "nobody"), ((ANNA,), "1"), ((ANNA, ANNA), "1")])
def test_two_people_have_to_agree(people: tuple[str, ...], found: str) -> None:
    season, _release = in_prd()
    close(season, "prd")
    with pytest.raises(
        Tampered, match=f"2 approvers have to agree to that, and the signatures of {found} hold"
    ) as error:
        require_agreed(season.ledgers["prd"], people)
    assert (error.value.code, error.value.status) == ("tampered", 16)
    require_agreed(season.ledgers["prd"], (ANNA, BERT))
    require_agreed(season.ledgers["ref"], ())


def test_an_agreement_ends_also_where_nobody_believes_the_time_of_the_beginning() -> None:
    season = a_season()
    body = body_of(season, "prd", closed_at(4), {})
    late = body["agreed"][0] | {"expires": format_moment(season.now + DAY)}
    body |= {"agreed": [late, body["agreed"][1]]}
    at = season.now
    for written, received, found in (
        (at, None, 2),
        (at, at + timedelta(minutes=1), 2),
        (at, at + timedelta(hours=30), 2),
        (at, at + 2 * DAY, 1),
        (at + 2 * DAY, None, 1),
    ):
        entry = beginning("prd", closed_at(4), body, at=format_moment(written), actor="a", fleet="n")
        assert len(in_time(entry, received)) == found


def test_what_is_signed_is_everything_but_who_agreed() -> None:
    season = a_season()
    body = body_of(season, "prd", closed_at(4), {})
    assert subject_of({**body, "agreed": []}) == subject_of(body)
    assert subject_of({**body, "revoked": {FIRST: "x"}}) != subject_of(body)
    assert subject_of({**body, "closes": closed_at(5).as_document()}) != subject_of(body)


def test_a_promotion_that_cited_the_closed_chain_stands_and_its_rollout_goes_on() -> None:
    season, release = in_prd()
    close(season, "ref")
    season.verify()
    steps(season, 3)
    season.verify()
    rollout = season.ledgers["prd"].state.rollout
    assert rollout is not None
    assert (rollout.release, rollout.completed is not None) == (release, True)


def test_a_promotion_on_the_evidence_of_the_closed_chain_that_is_written_afterwards_does_not_stand() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    steps(season, 17)
    old, _plan = promotion(season, "prd", release)
    close(season, "ref")
    season.approve("prd", "promote", release)
    promote(season, "prd", release, source=old["source"], approvals=[season.ledgers["prd"].entries[-1].seq])
    with pytest.raises(Tampered, match=r"cites entry .* of ref"):
        season.verify()


def test_nor_does_one_after_those_that_stand() -> None:
    season, _release = in_prd()
    later = season.cut("2026.50.0")
    until(season, "ref", later)
    old, _plan = promotion(season, "prd", later)
    close(season, "ref")
    season.verify()
    promote(season, "prd", later, source=old["source"])
    with pytest.raises(Tampered, match=r"cites entry .* of ref"):
        season.verify()


def test_a_promotion_in_a_chain_made_anew_does_not_stand_either() -> None:
    season, _release = in_prd()
    close(season, "ref")
    entries = season.ledgers["prd"].entries
    forged = Ledger.empty("prd").extended(replace(entries[0], actor="user:forger"))
    for entry in entries[1:]:
        forged = forged.with_objects(season.ledgers["prd"].objects).extended(
            replace(entry, prev=forged.entries[-1].digest)
        )
    season.ledgers["prd"] = forged
    with pytest.raises(Tampered, match=r"cites entry .* of ref"):
        season.verify()


def test_soak_from_before_counts_no_more() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    steps(season, 17)
    close(season, "ref")
    season.approve("prd", "promote", release)
    assert season.ledgers["ref"].state.rollout is None
    promote(season, "prd", release, approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, "was never promoted in ref; it goes there first")


def test_a_release_goes_on_by_being_promoted_anew() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    close(season, "ref")
    steps(season, 1)
    rollout = season.ledgers["ref"].state.rollout
    assert rollout is not None
    assert rollout.release == release
    season.verify()


def test_what_a_beginning_revokes_goes_nowhere() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    steps(season, 17)
    close(season, "tst", {release: "eats disks"})
    steps(season, 1)
    season.approve("prd", "promote", release)
    assert outcome(season.step("prd")) == ("revoked", 11)
    promote(season, "prd", release, approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, "was revoked in tst by entry .*: eats disks")


def test_a_release_that_its_own_environment_revoked_by_beginning_anew_is_not_moved_to() -> None:
    season, release = in_prd()
    close(season, "prd", {release: "loses packets"})
    assert outcome(season.step("prd")) == ("no-release", 10)
    kept = season.ledgers["prd"]
    move(season, "prd", season.clusters["prd"][:1], release)
    refused(season, "no release rolls out here")
    season.ledgers["prd"] = kept
    season.approve("prd", "promote", release)
    promote(season, "prd", release, approvals=[season.ledgers["prd"].entries[-1].seq])
    refused(season, "was revoked: loses packets")


def test_a_hotfix_that_ran_by_the_closed_chain_is_still_not_taken_away() -> None:
    season = a_season()
    closed = closed_at(4)
    body = {**body_of(season, "prd", closed, {}), "expedited": {SOME_DIGEST: HOTFIX.as_document()}}
    entry = beginning("prd", closed, body, at=format_moment(season.now), actor="ci:test", fleet="none")
    state = Ledger.empty("prd").extended(entry).state
    assert state.expedited == [SOME_DIGEST]
    assert state.hurried == {SOME_DIGEST: Hurried("2026.48.1", BEGIN, (ANNA,))}


def test_the_newest_memory_counts_and_of_one_number_the_witness() -> None:
    witness, seen, branch = Head(7, "sha256:w"), Head(5, "sha256:s"), Head(7, "sha256:b")
    assert last_remembered(witness, [seen], branch) == witness
    assert last_remembered(None, [seen], branch) == branch
    assert last_remembered(witness, [Head(9, "sha256:s")], branch) == Head(9, "sha256:s")
    assert last_remembered(None, [], None) is None


V1_34, V1_35 = KubernetesVersion(1, 34, 6), KubernetesVersion(1, 35, 4)
LATER = ClusterKey("site-2", "later")


def two_releases() -> tuple[Fleet, str, str]:
    """Return a fleet with two releases, and their digests: the newer one has another Kubernetes minor."""
    fleet = released(a_fleet(head_layers(head_release("v1.34.6")), (*ORDERS, an_order(LATER, "prd"))), "2026.46.0")
    (old,) = fleet.releases
    fleet = released(replace(fleet, head=head_layers(head_release("v1.35.4"))), "2026.48.0", CUT + 14 * DAY)
    (new,) = fleet.releases.keys() - {old}
    return fleet, old, new


def test_clusters_return_and_kubernetes_stays_removals_too() -> None:
    fleet, old, new = two_releases()
    now: Delivered = {SHOP: Standing(new, V1_35), LEAVING: Standing(new, V1_34, "c"), "mgmt-2": Standing(new, V1_35)}
    good: Delivered = {SHOP: Standing(old, V1_34), LEAVING: Standing(old, V1_34, "a"), "mgmt-2": Standing(old, V1_34)}
    way = Return(fleet, "prd", now, good)
    body = way.body(closed_at(4), Said({SOME_DIGEST: "was bad", old: "by mistake"}, {SOME_DIGEST: HOTFIX}))
    assert (way.release, way.left) == (old, ((new, old),))
    assert body["clusters"] == {
        str(LATER): {"release": old, "kubernetes": "v1.34.6"},
        str(LEAVING): {"release": old, "kubernetes": "v1.34.6", "removal": "c"},
        str(SHOP): {"release": old, "kubernetes": "v1.35.4"},
    }
    assert body["managementClusters"] == {"mgmt-2": {"release": new, "kubernetes": "v1.35.4"}}
    assert body["expedited"] == {SOME_DIGEST: {"name": "2026.48.1", "at": "2026-11-24T09:00:00Z", "authors": [ANNA]}}
    assert body["revoked"] == {SOME_DIGEST: "was bad", new: "broken"}


def test_a_cluster_that_was_ordered_since_stays_where_it_is_unless_that_is_taken_back() -> None:
    fleet, old, new = two_releases()
    good: Delivered = {SHOP: Standing(old, V1_34)}
    stays = Return(fleet, "prd", {SHOP: Standing(old, V1_34), LATER: Standing(new, V1_35)}, good)
    assert stays.body(closed_at(4))["clusters"][str(LATER)] == {"release": new, "kubernetes": "v1.35.4"}
    goes = Return(fleet, "prd", {SHOP: Standing(new, V1_35), LATER: Standing(new, V1_35)}, good)
    assert goes.body(closed_at(4))["clusters"][str(LATER)] == {"release": old, "kubernetes": "v1.35.4"}


def test_followers_of_head_follow_head() -> None:
    fleet, old, new = two_releases()
    now: Delivered = {CANDIDATE: Standing(new, V1_35), FOLLOWER: Standing(HEAD, V1_34)}
    way = Return(fleet, "tst", now, {CANDIDATE: Standing(old, V1_34), FOLLOWER: Standing(HEAD, V1_34)})
    clusters = way.body(closed_at(4))["clusters"]
    assert clusters[str(FOLLOWER)] == {"release": HEAD, "kubernetes": "v1.35.4"}
    assert clusters[str(CANDIDATE)] == {"release": old, "kubernetes": "v1.35.4"}
    assert way.left == ((new, old),)


def test_where_nobody_ran_a_release_the_newest_of_the_fleet_counts() -> None:
    fleet, _old, new = two_releases()
    assert Return(fleet, "tst", {}, {FOLLOWER: Standing(HEAD, V1_34)}).release == new
    with pytest.raises(Refused, match="has no release to start from"):
        _ = Return(a_fleet(), "tst", {}, {}).release

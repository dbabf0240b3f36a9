from __future__ import annotations

from typing import Any

import pytest

from schiff.errors import Refused, Tampered
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Head, Ledger
from schiff.values.digests import digest_of_bytes
from tests.rollout.small_fleet import AT, OBSERVED, SHOP, a_fleet, begun, files_of, noted, released, removing


def a_ledger() -> Ledger:
    ledger = begun(released(a_fleet()), "prd")
    for text in ("one", "two", "three"):
        ledger = noted(ledger, "note", {"text": text})
    return ledger


def parse(files: dict[str, bytes]) -> Ledger:
    return Ledger.parse("prd", files)


def test_a_ledger_read_from_its_files_is_the_one_that_was_written() -> None:
    assert parse(files_of(a_ledger().entries)) == a_ledger()


def test_no_files_are_an_empty_ledger() -> None:
    assert parse({}) == Ledger.empty("prd")


def test_the_head_is_number_and_digest_of_the_last_entry() -> None:
    ledger = a_ledger()
    assert ledger.head == Head(3, ledger.entries[-1].digest)


def test_a_gap_names_the_missing_file() -> None:
    files = files_of(a_ledger().entries)
    del files["000001.json"]
    with pytest.raises(Tampered, match=r"ledger of prd does not hold: 000001\.json is missing"):
        parse(files)


def test_an_edited_entry_is_found_at_the_one_that_cites_it() -> None:
    files = files_of(a_ledger().entries)
    files["000001.json"] = files["000001.json"].replace(b"one", b"uno")
    with pytest.raises(Tampered, match=r"000002\.json does not cite the entry before it"):
        parse(files)


def test_an_entry_under_another_number_is_refused() -> None:
    files = files_of(a_ledger().entries)
    files["000004.json"] = files["000003.json"]
    with pytest.raises(Tampered, match=r"000004\.json holds entry 3"):
        parse(files)


def test_an_entry_of_another_environment_is_refused() -> None:
    with pytest.raises(Tampered, match=r"000000\.json belongs to prd"):
        Ledger.parse("ref", files_of(a_ledger().entries))


@pytest.mark.parametrize("name", ["README.md", "0.json", "00000a.json", "objects/x.json", "x/000000.json"])
def test_a_stray_file_is_refused(name: str) -> None:
    with pytest.raises(Tampered, match="neither an entry"):
        parse({**files_of(a_ledger().entries), name: b"x"})


def test_a_second_spelling_of_a_number_is_refused() -> None:
    files = files_of(a_ledger().entries)
    with pytest.raises(Tampered, match="is missing"):
        parse({**files, "0000001.json": files["000001.json"]})


def test_cited_objects_may_lie_beside_the_entries() -> None:
    name = digest_of_bytes(b"{}").removeprefix("sha256:")
    ledger = parse({**files_of(a_ledger().entries), f"objects/{name}.json": b"{}"})
    assert ledger == a_ledger().with_objects({f"sha256:{name}": b"{}"})


def test_an_object_that_is_not_what_its_name_says_is_refused() -> None:
    name = digest_of_bytes(b"{}").removeprefix("sha256:")
    with pytest.raises(Tampered, match="does not hold what its name says"):
        parse({f"objects/{name}.json": b"[]"})


def test_a_ledger_begins_with_its_genesis() -> None:
    with pytest.raises(Refused, match="the first entry, and no other, is the genesis"):
        Ledger.empty("prd").append("note", {"text": "x"}, at=AT, actor="a", fleet="none")


def test_there_is_one_genesis() -> None:
    ledger = a_ledger()
    with pytest.raises(Refused, match="the first entry, and no other, is the genesis"):
        ledger.append("genesis", ledger.entries[0].body, at=AT, actor="a", fleet="none")


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("move", {"clusters": {}}, "names no cluster"),
        ("move", {"clusters": {"shop": {"release": f"sha256:{'0' * 64}", "kubernetes": "v1.35.4"}}}, "shop"),
        ("move", {"clusters": {"a/b": {"release": "head", "kubernetes": "v1.35.4"}}}, "not a digest"),
        ("move", {"clusters": {"a/b": {"release": f"sha256:{'0' * 64}", "kubernetes": "1.35"}}}, "v1.35.4"),
        ("remove", {"cluster": "site-2/shop", "state": "f"}, "state"),
        ("note", {"text": ""}, "text"),
        ("note", {"text": "x", "more": "y"}, "more"),
    ],
)
def test_a_body_that_is_not_of_its_kind_is_refused(kind: Any, body: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        a_ledger().append(kind, body, at=AT, actor="a", fleet="none")


def test_a_removal_goes_through_every_state() -> None:
    assert removing(a_ledger(), SHOP, "abcde").state.removals[SHOP] == "e"


@pytest.mark.parametrize(("gone_through", "wanted"), [("", "b"), ("a", "c"), ("ab", "b"), ("abc", "a"), ("abcd", "d")])
def test_a_removal_skips_and_repeats_no_state(gone_through: str, wanted: str) -> None:
    ledger = removing(a_ledger(), SHOP, gone_through)
    with pytest.raises(Refused, match=f"cannot go to removal state {wanted}") as refused:
        removing(ledger, SHOP, wanted)
    assert refused.value.code == "removal-order"


def test_a_well_hashed_entry_that_skips_a_removal_state_is_tampering() -> None:
    ledger = a_ledger()
    assert ledger.head is not None
    body = {"cluster": str(SHOP), "state": "c", "observation": f"sha256:{'0' * 64}"}
    forged = Entry(4, ledger.head.digest, "prd", "remove", AT, None, "user:a", "none", body)
    with pytest.raises(Tampered, match="cannot go to removal state c: the next one is a"):
        _ = parse(files_of((*ledger.entries, forged))).state


def test_a_later_removal_state_cites_what_was_observed() -> None:
    ledger = removing(a_ledger(), SHOP, "a")
    with pytest.raises(Refused, match="cites no observation"):
        noted(ledger, "remove", {"cluster": str(SHOP), "state": "b"})


def test_evidence_is_kept_and_changes_no_assignment() -> None:
    ledger = a_ledger()
    assert noted(ledger, "halt", {"release": OBSERVED, "reason": "x"}).state == ledger.state


def test_an_anchor_that_was_the_head_once_holds() -> None:
    earlier = begun(released(a_fleet()), "prd").head
    assert earlier is not None
    a_ledger().require_anchor(earlier)


def test_a_cut_end_is_noticed_by_whoever_remembers_the_head() -> None:
    head = a_ledger().head
    assert head is not None
    with pytest.raises(Tampered, match="was cut: entry 3"):
        parse(files_of(a_ledger().entries[:3])).require_anchor(head)


def test_a_recomputed_chain_is_noticed_by_whoever_remembers_the_head() -> None:
    with pytest.raises(Tampered, match="was recomputed: entry 1"):
        a_ledger().require_anchor(Head(1, "sha256:another"))

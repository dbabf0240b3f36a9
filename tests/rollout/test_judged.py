"""What one process judged already is not judged again, and nothing slips through by that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from schiff.errors import Refused, Tampered
from schiff.rollout.gate import verify_chains
from schiff.rollout.judged import Memory
from schiff.rollout.ledger import Ledger
from schiff.rollout.proofs import Receipt
from schiff.rollout.stage import Stage
from schiff.values.names import ENVIRONMENTS, Environment
from tests.rollout.forgery import DAY, STEP, promote, until
from tests.rollout.season import Season, a_season

FAR = timedelta(days=400)


def judged(season: Season, memory: Memory) -> None:
    """Hold the gate against all chains as a process does that read them before: from their files."""
    ledgers = {name: _read(season, name, memory) for name in ENVIRONMENTS}
    verify_chains(ledgers, {name: season.proofs(name) for name in ENVIRONMENTS}, memory=memory)


def _read(season: Season, environment: Environment, memory: Memory) -> Ledger:
    ledger = season.ledgers[environment]
    files = {entry.file_name: entry.to_bytes() for entry in ledger.entries}
    cited = {f"objects/{name[7:]}.json": content for name, content in ledger.objects.items()}
    receipts = season.proofs(environment).receipts
    return Ledger.parse(environment, files | cited, receipts, memory.ledger(environment))


def a_running_season() -> Season:
    """Return a season whose first release is in `ref`."""
    season = a_season()
    release = season.cut("2026.48.0")
    season.go(DAY, STEP)
    until(season, "ref", release)
    season.go(DAY, STEP)
    return season


def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that every entry is written to which is added up from now on."""
    seen: list[str] = []
    take = Stage.take

    def noted(stage: Stage, entry: object, *rest: object) -> None:
        seen.append(f"{entry.env} {entry.seq}")  # type: ignore[attr-defined]
        take(stage, entry, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Stage, "take", noted)
    return seen


def test_only_what_was_appended_is_judged_and_adds_up_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    season, memory = a_running_season(), Memory()
    judged(season, memory)
    season.approve("prd", "promote", season.releases[-1].digest)
    newest = season.ledgers["prd"].entries[-1].seq
    seen = taken(monkeypatch)
    judged(season, memory)
    assert seen == [f"prd {newest}"]
    kept = memory.judged["prd"].stage
    judged(season, fresh := Memory())
    assert kept == fresh.judged["prd"].stage


def test_what_was_appended_is_judged_like_everything_else() -> None:
    season, memory = a_running_season(), Memory()
    judged(season, memory)
    promote(season, "prd", season.releases[-1].digest)
    with pytest.raises(Refused, match="is not complete in ref"):
        judged(season, memory)
    with pytest.raises(Refused, match="is not complete in ref"):
        judged(season, memory)


def everything(season: Season) -> set[str]:
    """Return the entries that a look from the beginning adds up."""
    return {f"{name} {entry.seq}" for name in ENVIRONMENTS for entry in season.ledgers[name].entries}


def test_another_receipt_of_an_old_entry_is_judged_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    season, memory = a_running_season(), Memory()
    judged(season, memory)
    first = season.ledgers["prd"].entries[0]
    season.receipts["prd"][first.seq] = Receipt(first.digest, season.now + FAR)
    seen = taken(monkeypatch)
    judged(season, memory)
    assert {one for one in everything(season) if one.startswith("prd")} <= set(seen)


def test_another_head_of_the_same_number_is_judged_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    season, memory = a_running_season(), Memory()
    season.witnessed = False
    season.ledgers = {name: replace(ledger, receipts=None) for name, ledger in season.ledgers.items()}
    ledger = season.ledgers["prd"]
    season.approve("prd", "promote", season.releases[-1].digest)
    season.signers["prd"] = {}
    judged(season, memory)
    season.ledgers["prd"] = ledger
    season.approve("prd", "promote", season.releases[0].digest)
    season.signers["prd"] = {}
    seen = taken(monkeypatch)
    judged(season, memory)
    assert {one for one in everything(season) if one.startswith("prd")} == set(seen)


def test_a_chain_that_cites_one_that_grew_is_judged_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    season, memory = a_running_season(), Memory()
    judged(season, memory)
    season.approve("tst", "promote", season.releases[-1].digest)
    seen = taken(monkeypatch)
    judged(season, memory)
    tst = season.ledgers["tst"].entries[-1].seq
    later = {one for one in everything(season) if not one.startswith("tst")}
    assert later <= set(seen)
    assert f"tst {tst}" in seen


def test_a_signature_that_does_not_hold_any_more_is_judged_from_the_beginning() -> None:
    season, memory = a_running_season(), Memory()
    release = season.releases[-1].digest
    season.go(15 * DAY, STEP)
    season.approve("prd", "promote", release)
    until(season, "prd", release)
    judged(season, memory)
    season.signers["prd"] = {}
    with pytest.raises(Refused, match="signature"):
        judged(season, memory)


def test_an_object_that_vanished_is_missed() -> None:
    season, memory = a_running_season(), Memory()
    judged(season, memory)
    lost = min(season.ledgers["tst"].objects)
    objects = {name: content for name, content in season.ledgers["tst"].objects.items() if name != lost}
    season.ledgers["tst"] = Ledger("tst", season.ledgers["tst"].entries, season.ledgers["tst"].head, objects)
    with pytest.raises(Tampered, match=lost):
        judged(season, memory)


def test_a_chain_that_was_made_anew_is_read_and_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    season, other, memory = a_running_season(), a_season(tst=5), Memory()
    judged(season, memory)
    seen = taken(monkeypatch)
    judged(other, memory)
    assert set(seen) == everything(other)


def test_an_entry_with_other_bytes_is_read_again() -> None:
    season, memory = a_running_season(), Memory()
    judged(season, memory)
    ledger = season.ledgers["tst"]
    files = {entry.file_name: entry.to_bytes() for entry in ledger.entries}
    files["000002.json"] = files["000002.json"].replace(b'"actor":"ci:test"', b'"actor":"ci:tess"')
    cited = {f"objects/{name[7:]}.json": content for name, content in ledger.objects.items()}
    with pytest.raises(Tampered, match="does not cite the entry before it"):
        Ledger.parse("tst", files | cited, None, memory.ledger("tst"))

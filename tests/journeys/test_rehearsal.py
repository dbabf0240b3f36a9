"""A season of eight weeks with the real engine, and forgers at the ledgers that it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from schiff.cli.app import run
from schiff.cli.project import Project
from schiff.cli.rehearsal.ending import Ending
from schiff.cli.rehearsal.season import Season
from schiff.cli.rehearsal.staging import Asked, season
from schiff.delivery.workspace import Workspace
from schiff.errors import Tampered
from schiff.model.release import Assignment
from schiff.rollout.assignments import assignments
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.proofs import Receipt, require_witnessed
from schiff.sources.chains import Chains
from schiff.values.names import ENVIRONMENTS, ClusterKey
from tests.git.repositories import git
from tests.journeys.forged_ledger import files_of, forgeries, push_forged
from tools.parts import ROOT
from tools.pulumi_cli import prepare_home

WEEKS, SEED = 8, 1
FLEET = ROOT / "stacks" / "fleet"
FIRST = "2026.48.0"


@dataclass(frozen=True)
class Told:
    """A season that is over: the chains it left, and what it printed."""

    season: Season
    chains: Chains
    lines: list[str]

    @property
    def ending(self) -> Ending:
        return Ending(self.season.world.fleet(), self.chains, self.season.world.clock.now)

    def completed(self, environment: str) -> list[str]:
        return list(self.ending.as_json()["environments"][environment]["completed"])

    def production(self) -> dict[ClusterKey, Assignment]:
        """Return what the clusters of prd that stay run, by the ledger."""
        found = assignments(self.chains.ledgers["prd"], self.season.world.fleet(), "prd").tenants
        return {key: one for key, one in found.items() if one.removal is None}


def tell(weeks: int, seed: int) -> Iterator[Told]:
    lines: list[str] = []
    with season(Asked(weeks, seed), FLEET, Project(Workspace(ROOT)), lines.append) as one:
        chains = one.run()
        yield Told(one, chains, lines)


@pytest.fixture(scope="module")
def told(bin_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Give the season that all tests here look at; every day of it was held against the invariants.

    The engine finds its language host where `make up` would have put it.
    """
    home = tmp_path_factory.mktemp("engine") / "pulumi-home"
    prepare_home(home, bin_dir.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_HOME", str(home))
        yield from tell(WEEKS, SEED)


def test_one_release_goes_through_all_stages_and_a_second_into_ref(told: Told) -> None:
    first, second = told.completed("tst")[1:3]
    assert told.completed("prd") == [FIRST, first]
    entered = [entry.body["name"] for entry in told.chains.ledgers["ref"].entries if entry.kind == "promote"]
    assert entered[:2] == [first, second]


def test_every_production_cluster_that_nobody_holds_ends_on_the_newest_release(told: Told) -> None:
    newest = told.chains.ledgers["prd"].state.completed
    held = {one.key for one in told.ending.held}
    running = {key: one.release for key, one in told.production().items() if key not in held}
    assert held
    assert set(running.values()) == {newest}


def test_the_one_that_is_held_kept_its_release_and_says_debt_and_way_back(told: Told) -> None:
    (held,) = told.ending.held
    assert held.release == FIRST
    assert held.debt.releases == 1
    assert held.steps == [f"{told.completed('prd')[-1]} with {held.standing.kubernetes}"]
    assert any("behind" in line for line in told.ending.lines())


def test_everything_that_was_to_go_wrong_went_wrong(told: Told) -> None:
    said = [one.text for one in told.season.story.sentences]
    for sign in (
        "is not ready",
        "cannot be reached",
        "is off",
        "dies between a move",
        "dies between an entry",
        "clock",
    ):
        assert any(sign in text for text in said), sign


def test_nothing_but_the_story_is_printed(told: Told) -> None:
    text = "\n".join([*told.lines, *told.ending.lines()])
    assert not re.search(r"127\.0\.0\.1|/tmp|sha256|\b[0-9a-f]{12,}\b|schiff-rehearsal-|Traceback", text)


def test_git_and_witness_show_simulated_time_alone(told: Told) -> None:
    world = told.season.world
    first = parse_moment(told.chains.ledgers["prd"].entries[0].at).timestamp()
    for name in ("cluster-definitions.git", "cluster-components.git", "ledger.git"):
        dates = git(world.project.root / ".schiff" / name, "log", "--all", "--format=%ct").split()
        assert len(dates) > 10
        assert all(first <= int(date) <= world.clock.now.timestamp() for date in dates)
    for proofs in told.chains.proofs.values():
        assert proofs.receipts is not None
        assert all(
            first <= receipt.received.timestamp() <= world.clock.now.timestamp() for receipt in proofs.receipts.values()
        )


def test_the_same_seed_tells_the_same_story(told: Told) -> None:
    (again,) = [other.lines for other in tell(1, SEED)]
    assert again == told.lines[: len(again)]
    assert len(again) > 20


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_whatever_is_done_to_an_entry_is_tampering(told: Told, environment: str) -> None:
    ledger = next(one for name, one in told.chains.ledgers.items() if name == environment)
    receipts = next(proofs.receipts for name, proofs in told.chains.proofs.items() if name == environment)
    assert receipts is not None
    anchored = sorted(receipts)
    assert len(anchored) == len(ledger.entries) > 20
    believed = [
        f"{how} of entry {seq}"
        for seq in anchored
        for how, files in forgeries(ledger, seq)
        if is_believed(ledger, files, receipts)
    ]
    assert believed == []


def is_believed(ledger: Ledger, files: Mapping[str, bytes], receipts: Mapping[int, Receipt]) -> bool:
    """Read a chain as every command does that delivers or decides."""
    try:
        found = Ledger.parse(ledger.environment, files, receipts)
        require_witnessed(ledger.environment, [entry.digest for entry in found.entries], receipts)
    except Tampered:
        return False
    return True


@pytest.mark.parametrize("how", ["flip", "drop", "swap", "cut", "recompute"])
def test_schiff_ledger_verify_says_so(
    told: Told, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world, ledger = told.season.world, told.chains.ledgers["prd"]
    repository = world.project.root / ".schiff" / "ledger.git"
    monkeypatch.chdir(world.project.root)
    assert run(["ledger", "verify", "-e", "prd"]) == 0
    forged = dict(forgeries(ledger, len(ledger.entries) // 2))[how]
    push_forged(repository, "ledger/prd", forged, tmp_path / "forged")
    try:
        assert run(["ledger", "verify", "-e", "prd"]) == 16
    finally:
        push_forged(repository, "ledger/prd", files_of(ledger), tmp_path / "mended")
    assert "prd" in capsys.readouterr().err

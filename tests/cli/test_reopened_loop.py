"""`schiff step` after two people closed a ledger: it delivers what nobody did, and evidence is earned anew."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from schiff.delivery.ledger_branch import reopen_ledger
from schiff.git.repository import read_branch
from schiff.rollout.bodies import Mark
from schiff.values.names import Environment
from tests.cli.closing import closing
from tests.cli.simulated_world import SimulatedWorld, changed_defaults, rollout_documents
from tests.ssh.signers import a_person


def closed(world: SimulatedWorld, folder: Path, environment: Environment, standing: Mark | None = None) -> int:
    """Close the chain of an environment as it stands, and return the number that the new one begins with."""
    people = a_person(folder / "keys", "anna"), a_person(folder / "keys", "bert")
    place = world.branches.places[environment]
    (place.fleet / "approvers").write_text("".join(person.line for person in people))
    entry = closing(world.ledger(environment), *people, at=world.clock, standing=standing)
    found = read_branch(place.ledger, f"ledger/{environment}", world.branches.cache)
    reopen_ledger(place.ledger, environment, entry, found, world.branches.cache, witness=lambda _: None)
    return entry.seq


def soaks(world: SimulatedWorld) -> str:
    """Let time pass until a release ran well in ref for two days, and return its digest."""
    for _ in range(12):
        world.clock += timedelta(hours=12)
        world.step("ref")
        rollout = world.ledger("ref").state.rollout
        if rollout is not None and rollout.soak.earned >= timedelta(days=2):
            return rollout.release
    raise AssertionError("nothing soaked in ref")


def in_ref(folder: Path) -> tuple[SimulatedWorld, str]:
    """Return a world in which a release soaked in ref."""
    world = SimulatedWorld.begin(folder / "world", rollout_documents())
    world.documents = changed_defaults(world.documents)
    world.until("tst", "no-train")
    return world, soaks(world)


def test_a_step_delivers_what_a_new_chain_assigns_and_promotes_on_evidence_of_that_chain_alone(tmp_path: Path) -> None:
    world, release = in_ref(tmp_path)
    began = closed(world, tmp_path, "ref")
    done, _ = world.step("ref")
    assert done[0].doing == "deliver"
    assert world.manifests["ref"].ledger.seq >= began
    _, refusal = world.step("prd")
    assert (refusal.code, refusal.is_waiting) == ("not-complete", True)
    assert soaks(world) == release
    world.step("prd")
    source = next(entry for entry in world.ledger("prd").entries if entry.kind == "promote").body["source"]
    assert source["seq"] > began


def test_production_goes_on_with_what_was_promoted_before_the_ledger_of_ref_was_closed(tmp_path: Path) -> None:
    world, release = in_ref(tmp_path)
    world.step("prd")
    (entry,) = [entry for entry in world.ledger("prd").entries if entry.kind == "promote"]
    closed(world, tmp_path, "ref", Mark(seq=entry.seq, digest=entry.digest))
    world.until("prd", "no-release")
    assert world.ledger("prd").state.completed == release

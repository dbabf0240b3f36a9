"""`schiff rollback --unverified`: what it is not for, what is known of a broken ledger, and who may not close one.

The way through, with the engine, is `journeys/test_rollback_unverified.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from schiff.cli.app import run
from schiff.cli.broken_ledger import BrokenLedger
from schiff.compiler.file_tree import FileTree, tree_id
from schiff.delivery.delivered import LedgerHead, Line
from schiff.delivery.git_repository import deliver
from schiff.delivery.ledger_branch import append_to_ledger
from schiff.delivery.plan import Plan
from schiff.delivery.witness import Witness
from schiff.git.clone import CachedClone
from schiff.git.fast_import import store_objects
from schiff.git.repository import ensure_bare
from schiff.rollout.bodies import RanHotfix
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.reopening import Said
from schiff.s3.bucket import Bucket
from schiff.sources.fleet_files import load_fleet
from schiff.values.digests import digest_of_bytes
from tests.cli.closing import closing
from tests.cli.witnessed import LEDGER, WitnessedProject, recomputed
from tests.delivery.ledger_writers import notes
from tests.s3.server import give_keys, location_of, s3_server, setting_of
from tests.ssh.signers import Person, a_person

SOME = f"sha256:{'1' * 64}"
ROLLBACK = ("rollback", "-e", "prd", "--unverified", "--reason", "x")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as address:
        yield address


@pytest.fixture
def witness(server: str, tmp_path: Path) -> Witness:
    return Witness(location_of(server, tmp_path.name), datetime.now(UTC))


@pytest.fixture
def project(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WitnessedProject:
    """Return a project whose chain of prd has four entries, of which the witness received all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCHIFF_CACHE", raising=False)
    give_keys(monkeypatch)
    project = WitnessedProject.begin(tmp_path, setting_of(server, tmp_path.name))
    put = Witness(location_of(server, tmp_path.name), datetime.now(UTC)).put
    append_to_ledger(str(LEDGER.absolute()), "prd", notes(3), Path("cache").absolute(), witness=put)
    return project


@pytest.fixture
def people(project: WitnessedProject, tmp_path: Path) -> tuple[Person, Person]:
    found = a_person(tmp_path / "keys", "anna"), a_person(tmp_path / "keys", "bert")
    (project.fleet / "approvers").write_text("".join(person.line for person in found))
    return found


def said(capsys: pytest.CaptureFixture[str], *args: str, status: int) -> str:
    capsys.readouterr()
    assert run([*args]) == status
    shown = capsys.readouterr()
    return shown.out + shown.err


def test_a_ledger_that_holds_is_not_closed(project: WitnessedProject, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, *ROLLBACK, status=11)
    assert out == 'the ledger of prd holds; take the release back: schiff rollback -e prd --reason "..."\n'


def test_whoever_stands_on_a_broken_ledger_is_sent_to_that_one(
    project: WitnessedProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.rewrite({"000000.json": b"{}"}, "ref")
    out = said(capsys, *ROLLBACK, status=16)
    begin = "begin there: schiff rollback -e ref --unverified"
    assert f"the ledger of ref does not hold, and prd stands on it; {begin}: " in out
    assert "takes no such" not in out


def test_what_was_never_delivered_has_no_good_commit(
    project: WitnessedProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.rewrite({"000000.json": b"{}"})
    assert "prd was never delivered, so there is nothing to go back to" in said(capsys, *ROLLBACK, status=11)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--reason", "x", "--approval", "a.json"), "is for a ledger that does not hold; give --unverified too"),
        (("--unverified",), "nothing is given"),
        (("--unverified", "--reason", "x", "--approval", "a.json"), "cannot be read"),
    ],
)
def test_bad_input_is_named_with_its_cure(
    project: WitnessedProject, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], message: str
) -> None:
    assert message in said(capsys, "rollback", "-e", "prd", *args, status=2)


@pytest.fixture
def releases(project: WitnessedProject) -> tuple[str, str]:
    """Return the digests of two releases of the fleet, the older one first; the ledger of prd is broken."""
    old = next(iter(load_fleet(project.fleet).releases))
    cut = ["--name", "2026.50.0", "--at", "2026-12-08T09:00:00Z"]
    assert run(["release", "cut", "--fleet", str(project.fleet), *cut]) == 0
    (new,) = load_fleet(project.fleet).releases.keys() - {old}
    project.rewrite({"000000.json": b"{}"})
    return old, new


def deliver_release(release: str, kubernetes: str = "v1.35.4") -> str:
    """Deliver a cluster of prd on a release, and return the commit."""
    url = ensure_bare(Path(".schiff/cluster-definitions.git"))
    clone, tree = CachedClone(url, "main", Path("other-cache").absolute()), FileTree({"cluster.yaml": f"{release}\n"})
    line = Line("m/sites/s/c/one", tree_id(tree), "cluster", "s/one", release, kubernetes)
    plan = Plan("prd", "main", "definitions", "f" * 40, "0.1.0", LedgerHead(), (line,), (line,))
    clone.refresh()
    store_objects(clone, {line.path: tree})
    return str(deliver(plan, clone).head)


def test_the_good_commit_is_the_newest_before_the_newest_release_came(
    releases: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = releases
    good = [deliver_release(old, kubernetes) for kubernetes in ("v1.35.3", "v1.35.4")][-1]
    deliver_release(new)
    out = said(capsys, *ROLLBACK, status=11)
    assert f"back to   {good} of " in out
    assert "verdict   rollback of release 2026.50.0 to 2026.48.0 is full\n  revoked   2026.50.0" in out
    assert f"to go back to {good[:12]} and close the ledger of prd, 2 people agree, and nobody did" in out


def test_where_every_delivery_had_the_release_people_name_the_commit(
    releases: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    commit = deliver_release(releases[1])
    out = said(capsys, *ROLLBACK, status=11)
    assert (
        f"prd was never delivered without release 2026.50.0; name the commit to stay on or go to: --to {commit}" in out
    )
    out = said(capsys, *ROLLBACK, "--to", commit[:12], status=11)
    assert "verdict   no cluster runs anything else now\n  revoked   nothing" in out
    assert "is no commit by which cluster-definitions were delivered" in said(
        capsys, *ROLLBACK, "--to", "f" * 40, status=2
    )


def test_a_newer_release_is_no_way_back_and_one_that_nobody_knows_is_none_either(
    releases: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = releases
    newer = deliver_release(new)
    deliver_release(old)
    out = said(capsys, *ROLLBACK, "--to", newer, status=11)
    assert "clusters run release 2026.48.0, and 2026.50.0 is newer: that is no way back" in out
    unknown = deliver_release(SOME)
    deliver_release(old)
    out = said(capsys, *ROLLBACK, "--to", unknown, status=11)
    assert f"release {SOME} is not in the fleet, so nobody can say what it changed" in out


def test_what_cannot_be_taken_back_is_refused_before_anybody_agrees(
    releases: tuple[str, str], project: WitnessedProject, capsys: pytest.CaptureFixture[str]
) -> None:
    head = project.fleet / "head.yaml"
    data = yaml.safe_load(head.read_text())
    data["kubernetes"]["version"] = "v1.35.5"
    images = data["kubernetes"]["images"]
    images["vsphere"]["template"] = "another-kube-v1.35.5"
    images["metal3"]["url"] = "https://images.schiff.example/another-kube-v1.35.5.qcow2"
    head.write_text(yaml.safe_dump(data))
    cut = ["--name", "2026.52.0", "--at", "2026-12-22T09:00:00Z"]
    assert run(["release", "cut", "--fleet", str(project.fleet), *cut]) == 0
    (newest,) = load_fleet(project.fleet).releases.keys() - set(releases)
    deliver_release(releases[1])
    deliver_release(newest, "v1.35.5")
    out = said(capsys, *ROLLBACK, status=11)
    assert "rollback of release 2026.52.0 to 2026.50.0 is impossible: kubernetes v1.35.5" in out


def ends() -> Head:
    return BrokenLedger.of("prd").end


def test_numbers_go_on_from_the_newest_entry_that_anybody_remembers(
    project: WitnessedProject, witness: Witness
) -> None:
    files, entries = project.files(), project.ledger().entries
    last = Head(3, entries[3].digest)
    assert ends() == last
    for forged in ({}, dict(list(files.items())[:2]), recomputed(entries, 1), {**files, "000003.json": b"rubbish"}):
        project.rewrite(forged)
        assert ends() == last
    project.rewrite({**files, "000004.json": b"rubbish"})
    assert ends() == Head(4, digest_of_bytes(b"rubbish"))
    project.rewrite(files)
    bucket, until = Bucket.at(witness.location), witness.now + timedelta(days=1)
    bucket.put_once(witness.location.key("prd", "not a number"), b"rubbish", until=until)
    assert ends() == last
    bucket.put_once(witness.location.key("prd", "000007"), b"rubbish", until=until)
    assert ends() == Head(7, digest_of_bytes(b"rubbish"))


def test_what_a_broken_ledger_says_of_releases_counts_on_as_far_as_it_can_be_read(project: WitnessedProject) -> None:
    hotfix = {**cites(0, SOME).body, "expedited": True}
    hurried = Entry(5, None, "prd", "promote", "2026-11-24T09:00:00Z", None, "a", "none", hotfix)
    revoke = {"release": SOME, "reason": "eats disks", "target": SOME, "verdict": "full"}
    entry = Entry(4, None, "prd", "revoke", "2026-11-24T09:00:00Z", None, "a", "none", revoke)
    project.rewrite(
        {
            **project.files(),
            "000001.json": b"rubbish",
            entry.file_name: entry.to_bytes(),
            hurried.file_name: hurried.to_bytes(),
        }
    )
    assert BrokenLedger.of("prd").said == Said(
        {SOME: "eats disks"}, {SOME: RanHotfix(name="2026.48.0", at=entry.at, authors=())}
    )


def cites(seq: int, digest: str, at: int = 1) -> Entry:
    source = {"env": "ref", "seq": seq, "digest": digest}
    body: dict[str, Any] = {"release": SOME, "name": "2026.48.0", "plan": SOME, "policy": SOME, "source": source}
    return Entry(at, None, "prd", "promote", "2026-11-24T09:00:00Z", None, "a", "none", body)


def chained(first: Entry, *entries: Entry) -> dict[str, bytes]:
    """Return the files of a chain."""
    files, prev = {first.file_name: first.to_bytes()}, first
    for seq, entry in enumerate(entries, 1):
        prev = Entry(seq, prev.digest, "prd", entry.kind, entry.at, None, "a", "none", entry.body)
        files[prev.file_name] = prev.to_bytes()
    return files


def test_promotions_that_cite_what_was_witnessed_stand_and_none_from_the_first_that_does_not(
    project: WitnessedProject,
) -> None:
    genesis = project.ledger("ref").entries[0]
    first = project.ledger().entries[0]
    honest, forged = cites(0, genesis.digest), cites(0, SOME)
    project.rewrite({"000000.json": b"rubbish"}, "ref")
    for promotions, last in (((), None), ((honest,), 1), ((honest, honest), 2), ((honest, forged, honest), 1)):
        project.rewrite(chained(first, *promotions))
        broken = BrokenLedger.of("ref")
        standing = broken.standing(broken.end)
        assert (standing.seq if standing else None) == last
    project.rewrite({"000000.json": b"rubbish"})
    assert broken.standing(broken.end) is None
    assert BrokenLedger.of("prd").standing(ends()) is None


def test_who_may_push_does_not_close_a_ledger_alone(
    project: WitnessedProject, people: tuple[Person, Person], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also for `ledger verify` a chain that closes another is tampering, unless two approvers signed all of it."""
    anna, bert = people
    stranger = a_person(tmp_path / "keys", "eve")
    day = timedelta(days=1)
    files, chain = project.files(), project.ledger()
    signed = closing(chain, anna, bert)
    for entry in (
        closing(chain),
        closing(chain, anna),
        closing(chain, anna, anna),
        closing(chain, anna, stranger),
        closing(chain, anna, bert, signed_for="ref"),
        closing(chain, anna, bert, lasting=-day),
        replace(signed, body={**signed.body, "revoked": {SOME: "x"}}),
    ):
        project.rewrite({entry.file_name: entry.to_bytes()})
        out = said(capsys, "ledger", "verify", "-e", "prd", status=16)
        assert "the ledger of prd closes an earlier chain at entry 4: 2 approvers have to agree to that" in out
        project.rewrite(files)
    said(capsys, "ledger", "verify", "-e", "prd", status=0)


def test_two_approvers_do_and_the_witness_keeps_both_chains(
    project: WitnessedProject, people: tuple[Person, Person], witness: Witness, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = closing(project.ledger(), *people)
    rubbish = witness.location.key("prd", "000002")
    Bucket.at(witness.location).client.put_object(Bucket=witness.location.bucket, Key=rubbish, Body=b"rubbish")
    assert "holds something else" in said(capsys, "ledger", "verify", "-e", "prd", status=16)
    project.rewrite({entry.file_name: entry.to_bytes()})
    out = said(capsys, "ledger", "verify", "-e", "prd", status=0)
    assert "closes      entries up to 3, left in c0ffee; anna@example.org, bert@example.org agreed: x" in out
    assert "not yet: 4" in out
    witness.put_late(project.ledger(), (4,))
    assert "received 1\n" in said(capsys, "ledger", "verify", "-e", "prd", status=0)
    assert "clusters return, and entries up to 3 are closed" in said(capsys, "ledger", "log", "-e", "prd", status=0)
    forged = replace(entry, actor="user:other")
    project.rewrite({forged.file_name: forged.to_bytes()})
    assert "was recomputed" in said(capsys, "ledger", "verify", "-e", "prd", status=16)


def test_agreements_that_were_never_used_do_not_last(
    project: WitnessedProject, people: tuple[Person, Person], witness: Witness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever finds two old files may say that it was yesterday: the witness knows that it was not."""
    day = timedelta(days=1)
    entry = closing(project.ledger(), *people, at=datetime.now(UTC) - 3 * day, lasting=day)
    project.rewrite({entry.file_name: entry.to_bytes()})
    said(capsys, "ledger", "verify", "-e", "prd", status=0)
    witness.put(Ledger.empty("prd").extended(entry).entries[0])
    assert "the signatures of nobody hold" in said(capsys, "ledger", "verify", "-e", "prd", status=16)

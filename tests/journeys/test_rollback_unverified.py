"""The ledger broken and production burning: two people close it, and production returns to what it ran before.

The last row of the specification's adversarial cases, with the real engine, a real witness and real signatures. Only
clusters and the clock of the ledgers are simulated, until the ledger breaks.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schiff.cli.app import run
from schiff.delivery.witness import Witness
from schiff.rollout.moments import format_moment
from schiff.sources.ledger_branch import read_ledger
from tests.git.repositories import git, hook
from tests.journeys.forged_ledger import forgeries, push_forged
from tests.journeys.pulumi_project import PulumiProject
from tests.journeys.soaking import DAY, SoakingWorld
from tests.journeys.test_forged_promotion import LEDGER, NEW, OLD, documents, running
from tests.makers import fleet_folder
from tests.s3.server import BUCKET, KEYS, client_of, give_keys, location_of, s3_server, setting_of
from tests.ssh.signers import Person, a_person

ROLLBACK = ("rollback", "-e", "prd", "--unverified", "--reason", "the new nodes lose packets")


@dataclass(frozen=True)
class Burning:
    """A project whose production was moved to a release that burns, and how it stood before."""

    project: PulumiProject
    trees: dict[str, str]
    old: str
    new: str
    keys: Path

    @property
    def ledger(self) -> Path:
        """The embedded repository of the ledgers."""
        return self.project.root / ".schiff" / "ledger.git"

    def agree(self, who: str, digest: str, *more: str, environment: str = "prd", out: str = "") -> str:
        """Let somebody sign, and return the option that names the file."""
        file = f"{out or who}.json"
        given = (digest, "-e", environment, "--key", str(self.keys / who), "--out", file)
        self.project.schiff("approve", "rollback-unverified", *given, *more)
        return f"--approval={file}"

    def asked(self, *options: str) -> str:
        """Return the digest that two people are asked to agree to."""
        answer = self.project.json(*ROLLBACK, *options, status=11)
        assert answer["code"] == "approval"
        (found,) = re.findall(r"rollback-unverified (sha256:[0-9a-f]{64}) -e prd", answer["message"])
        return str(found)

    def refuses(self, said: str, *options: str) -> None:
        """See it refused for lack of agreement, and nothing written."""
        head = git(self.ledger, "rev-parse", LEDGER)
        answer = self.project.json(*ROLLBACK, *options, status=11)
        assert (answer["code"], said in answer["message"]) == ("approval", True), answer
        assert git(self.ledger, "rev-parse", LEDGER) == head


@pytest.fixture
def people(tmp_path: Path) -> tuple[Person, Person]:
    return a_person(tmp_path / "keys", "anna"), a_person(tmp_path / "keys", "bert")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    give_keys(monkeypatch)
    with s3_server() as address:
        yield address


@pytest.fixture
def burning(bin_dir: Path, tmp_path: Path, server: str, people: tuple[Person, Person]) -> Burning:
    """Return a project whose `prd` runs one release, and on its canary another that nobody is glad of."""
    assert (bin_dir / "pulumi").exists()
    begin = datetime.now(UTC).replace(microsecond=0) - 40 * DAY
    fleet = fleet_folder(tmp_path / "fleet", documents(), {"approvers": "".join(person.line for person in people)})
    assert run(["release", "cut", "--fleet", str(fleet), "--name", OLD, "--at", format_moment(begin - DAY)]) == 0
    project = PulumiProject.around(tmp_path / "project", fleet)
    project.edit("defaults.yaml", "labels", {"edition": NEW})
    copied = str(project.root / "stacks" / "fleet")
    assert run(["release", "cut", "--fleet", copied, "--name", NEW, "--at", format_moment(begin)]) == 0
    project.commit_fleet()
    project.schiff("up", "-e", "prd")
    trees = project.trees()
    world = SoakingWorld.of(project, tmp_path / "cache", begin)
    old, new = world.identity(OLD), world.identity(NEW)
    world.soak("tst", 2 * DAY)
    world.soak("ref", 14 * DAY)
    _give_witness(project, world, server)
    world.approve(people[0], new, "12d")
    plan = world.promote(new)
    world.observe("prd")
    world.move(plan, plan.waves[0].clusters[0])
    project.schiff("up", "-e", "prd")
    assert sorted(running(project).values()).count(new) == 1
    return Burning(project, trees, old, new, tmp_path / "keys")


def _give_witness(project: PulumiProject, world: SoakingWorld, server: str) -> None:
    """Let production have a witness from now on, also by the clock of the world."""
    file = project.root / "Pulumi.prd.yaml"
    file.write_text(file.read_text().replace("config:\n", f"config:\n  schiff:witness: {setting_of(server, 'w')}\n"))
    project.variables |= {**KEYS, "AWS_CONFIG_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true"}
    project.commit_fleet()
    world.clock = datetime.now(UTC).replace(microsecond=0)
    place = replace(world.branches.places["prd"], witness=location_of(server, "w"))
    world.branches = replace(world.branches, places={**world.branches.places, "prd": place})
    Witness(location_of(server, "w"), world.clock).put(
        read_ledger(place.ledger, "prd", world.branches.cache).entries[0]
    )


def broken(burning: Burning) -> str:
    """Make the chain anew from its first entry, as whoever may push can, and return the commit of what is left."""
    chain = read_ledger(str(burning.ledger), "prd", burning.project.root.parent / "other-cache")
    files = dict(forgeries(chain, 0))["recompute"]
    push_forged(burning.ledger, "ledger/prd", files, burning.project.root.parent / "forged")
    for status, *command in ((16, "schiff", "ledger", "verify", "-e", "prd"), (16, "schiff", "up", "-e", "prd")):
        assert "was recomputed" in burning.project.run(*command, status=status).stderr
    assert "was recomputed" in burning.project.pulumi("up", "--yes", stack="prd", status=1)
    return git(burning.ledger, "rev-parse", LEDGER).strip()


def test_two_people_close_a_broken_ledger_and_production_returns_to_the_last_good_commit(
    burning: Burning, server: str
) -> None:
    """Row: ledger broken and production burning -- `rollback --unverified` with two approvals (ok, 0)."""
    project = burning.project
    good = git(project.repository("definitions"), "rev-parse", "main~1").strip()
    _holds(project)
    found = broken(burning)
    shown = project.schiff(*ROLLBACK, status=11)
    assert f"back to   {good}" in shown
    assert f"rollback of release {NEW} to {OLD} is full" in shown
    digest = burning.asked()
    anna, bert = burning.agree("anna", digest), burning.agree("bert", digest)
    _one_of_the_two_is_not_enough(burning, digest, anna)
    _killed(burning, anna, bert)
    answer = project.json(*ROLLBACK, anna, bert)
    assert (answer["existed"], answer["entry"]["seq"]) == (True, 5)
    assert answer["entry"]["closes"]["commit"] == found
    assert set(running(project).values()) == {burning.old}
    assert project.trees() == burning.trees
    assert git(burning.ledger, "ls-tree", "--name-only", LEDGER).split() == ["000005.json"]
    assert "000004.json" in git(burning.ledger, "ls-tree", "--name-only", found).split()
    _goes_on(burning, server)


def _holds(project: PulumiProject) -> None:
    """See a ledger that holds not closed."""
    refused = project.json(*ROLLBACK, status=11)
    assert (refused["code"], "take the release back" in refused["message"]) == ("ledger-holds", True)


def _one_of_the_two_is_not_enough(burning: Burning, digest: str, anna: str) -> None:
    burning.refuses("anna@example.org alone did", anna)
    burning.refuses("anna@example.org alone did", anna, anna)
    again = burning.agree("anna", digest, out="anna-again")
    burning.refuses("anna@example.org alone did", anna, again)
    elsewhere = burning.agree("bert", digest, environment="ref", out="bert-ref")
    burning.refuses("no approver signed it for prd", anna, elsewhere)
    expired = burning.agree("bert", digest, "--expires", "1s", out="bert-late")
    time.sleep(2)
    burning.refuses("it expired at", anna, expired)
    found = git(burning.ledger, "rev-parse", LEDGER).strip()
    person = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    moved = git(burning.ledger, *person, "commit-tree", f"{found}^{{tree}}", "-p", found, "-m", "moved").strip()
    git(burning.ledger, "update-ref", LEDGER, moved)
    burning.refuses(f"it agrees to rollback-unverified of {digest}, and this is", anna)
    git(burning.ledger, "update-ref", LEDGER, found)
    other = burning.agree("bert", burning.asked("--reason", "another"), out="bert-other")
    burning.refuses(f"and this is {digest}", anna, other)


def _killed(burning: Burning, *options: str) -> None:
    """Kill it between the ledger and the first repository: a new chain, and nothing delivered."""
    project, heads = burning.project, burning.project.heads()
    group = project.root / ".schiff" / "group"
    hook(project.repository("components"), "pre-receive", f"kill -9 -$(cat {group}); exit 1")
    command, quiet = ["schiff", *ROLLBACK, *options], subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=project.root, env=project.environment, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        group.write_text(str(process.pid))
        process.wait(timeout=120)
    assert process.returncode == -signal.SIGKILL
    (project.repository("components") / "hooks" / "pre-receive").unlink()
    assert project.heads() == heads
    project.schiff("ledger", "verify", "-e", "prd")


def _goes_on(burning: Burning, server: str) -> None:
    """See everything work again, the release that burnt gone for good, and nothing of the closed chain lost."""
    project = burning.project
    [verified] = project.json("ledger", "verify", "-e", "prd")["environments"]
    assert (verified["entries"], verified["head"]["seq"], verified["witness"]["received"]) == (1, 5, 1)
    assert verified["closes"]["seq"] == 4
    kept = client_of(server).list_object_versions(Bucket=BUCKET, Prefix="w/prd/")["Versions"]
    assert sorted(one["Key"] for one in kept) == [f"w/prd/00000{number}" for number in range(6)]
    assert project.json("gate", NEW, "-e", "prd", status=11)["code"] == "revoked"
    commits = project.commits()
    assert project.json("step", "-e", "prd", status=10)["code"] == "no-release"
    assert "updated" in project.pulumi("up", "--yes", stack="prd") or project.commits() == commits
    assert project.commits() == commits
    _holds(project)

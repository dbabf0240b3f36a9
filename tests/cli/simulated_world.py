"""A world in which clusters are simulated and ledgers are real: branches of a Git repository, written and read."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schiff.cli.ledger_branches import LedgerBranches
from schiff.cli.step_loop import Done, run_steps
from schiff.delivery.delivered import DeliveredManifest, LedgerHead, Line
from schiff.delivery.ledger_branch import append_to_ledger
from schiff.errors import SchiffError, Waiting
from schiff.model.fleet import Fleet
from schiff.model.release import Assignment
from schiff.rollout.assignments import assignments
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import genesis
from schiff.rollout.health import Verdict
from schiff.rollout.ledger import Ledger
from schiff.rollout.refusals import Refusal
from schiff.rollout.sights import Report, Sight
from schiff.rollout.situation import Append, Look, Through, Wait
from schiff.sources.chains import ChainPlace, Chains
from schiff.values.digests import digest
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from tests.makers import METAL3_ORDER, VSPHERE_ORDER, Documents, a_fleet, changed, fleet_documents

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MANAGER = "schiff-mgmt-x"
OLD, NEW = "2026.46.0", "2026.48.0"
CANDIDATE = ClusterKey("vsphere-site-1", "tst-1")
REFERENCES = tuple(ClusterKey("vsphere-site-1", f"ref-{number}") for number in (1, 2))
SHOPS = tuple(ClusterKey("vsphere-site-1", f"prd-{number}") for number in (1, 2, 3, 4))
POLICY: Mapping[str, Any] = {
    "environments": {
        "tst": {"candidates": {"selector": {"candidate": "true"}, "soak": "2d"}},
        "ref": {"soak": "2d", "minClusters": 2},
        "prd": {"soak": "2d", "minClusters": 1, "sites": 1, "approvals": 0},
    },
    "soak": {"maxGap": "36h", "coverage": "90%", "grace": "4h", "maxSkew": "120s"},
    "waves": {
        "order": ["canary", "50%", "100%"],
        "bake": {"canary": "2h", "default": "1h"},
        "caps": {"site": 2, "customer": "100%", "managementCluster": 5},
    },
}
_SHARED = ("fleet.yaml", "defaults.yaml", "environments/", "providers/", "zones/", "classes/", "components/")


def rollout_documents(policy: Mapping[str, Any] = POLICY) -> Documents:
    """Return clusters of all three environments, and the release that runs on them."""
    documents = deepcopy(fleet_documents())
    order = documents.pop(VSPHERE_ORDER)
    del documents[METAL3_ORDER]
    for key in (CANDIDATE, *REFERENCES, *SHOPS):
        environment = key.name.partition("-")[0]
        labels = {"labels": {"candidate": "true"}} if environment == "tst" else {}
        documents[order_path(key)] = {**deepcopy(order), "environment": environment, **labels}
    documents = changed(f"management-clusters/{MANAGER}.yaml", "environments", list(ENVIRONMENTS), documents)
    documents = changed("sites/vsphere-site-1/site.yaml", "facts.capacity", {"machines": 200}, documents)
    documents["policy.yaml"] = deepcopy(dict(policy))
    return with_release(documents, OLD, "2026-11-10T09:00:00Z")


def order_path(key: ClusterKey) -> str:
    """Return where the order of a cluster lies."""
    return f"sites/{key.site}/customer-a/{key.name}.yaml"


def with_release(documents: Documents, name: str, cut: str, **fields: Any) -> Documents:
    """Return the documents with a release of their head."""
    frozen = {f"releases/{name}/{path}": deepcopy(data) for path, data in documents.items() if path.startswith(_SHARED)}
    release = {"kind": "train", **deepcopy(documents["head.yaml"]), "cut": cut, **fields}
    return {**documents, **frozen, f"releases/{name}/release.yaml": release}


def changed_defaults(documents: Documents, name: str = NEW, cut: str = "2026-11-24T09:00:00Z") -> Documents:
    """Return the documents after an edit of a default and a release that carries it."""
    return with_release(changed("defaults.yaml", "labels", {"edition": name}, documents), name, cut)


class KilledError(Exception):
    """The run was killed here."""


@dataclass
class SimulatedWorld:
    """Clusters that become healthy `settles` after they were delivered, unless `health` says something else."""

    branches: LedgerBranches
    documents: Documents
    clock: datetime = START
    server: timedelta = timedelta()
    settles: timedelta = timedelta(minutes=20)
    health: dict[str, Verdict] = field(default_factory=dict)
    manifests: dict[Environment, DeliveredManifest] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)
    killed: set[str] = field(default_factory=set)
    cuts: list[str] = field(default_factory=list)
    through: dict[ClusterKey, Through] = field(default_factory=dict)
    rivals: list[Append] = field(default_factory=list)
    deliveries: int = 0
    _read: tuple[Documents, Fleet] | None = None

    @classmethod
    def begin(cls, folder: Path, documents: Documents | None = None) -> SimulatedWorld:
        """Return a world whose three ledgers hold their genesis, delivered."""
        fleet = folder / "fleet"
        fleet.mkdir(parents=True)
        place = ChainPlace(str(folder / "ledger.git"), fleet)
        branches = LedgerBranches(dict.fromkeys(ENVIRONMENTS, place), folder / "cache", "ci:test", lambda: START)
        world = cls(branches, documents or rollout_documents())
        world.branches = replace(branches, now=world.now)
        for environment in ENVIRONMENTS:
            world.begin_ledger(environment)
            world.deliver(environment)
        world.since.clear()
        return world

    def begin_ledger(self, environment: Environment) -> None:
        first = genesis(self.fleet(), environment, actor="user:test", fleet_commit="none")
        place = self.branches.places[environment].ledger
        append_to_ledger(place, environment, lambda found: None if found.head else first, self.branches.cache)

    def now(self) -> datetime:
        return self.clock

    def fleet(self) -> Fleet:
        if self._read is None or self._read[0] is not self.documents:
            self._read = (self.documents, a_fleet(self.documents))
        return self._read[1]

    def authors(self, release: str) -> tuple[str, ...]:  # noqa: ARG002 -- nobody's own change
        return ()

    def chains(self, environment: Environment, fleet: Fleet) -> Chains:
        return self.branches.read_witnessed(environment, fleet)

    def entry(self, ledger: Ledger, step: Append, at: datetime) -> Entry:
        return self.branches.entry(ledger, step, at)

    def append(self, ledger: Ledger, step: Append, at: datetime) -> Entry | None:
        if self.rivals:
            assert self.branches.append(ledger, self.rivals.pop(), at)
        written = self.branches.append(ledger, step, at)
        self._die(f"after {step.kind}")
        return written

    def delivered(self, environment: Environment) -> Sequence[DeliveredManifest | None]:
        manifest = self.manifests.get(environment)
        return (manifest, manifest)

    def deliver(self, environment: Environment) -> None:
        """Bring every cluster to what it is assigned; a header that differs alone makes no commit."""
        self.deliveries += 1
        ledger = self.ledger(environment)
        assert ledger.head
        lines = tuple(self._lines(environment, ledger))
        before = self.manifests.get(environment)
        if before is None or before.lines != lines:
            serial = before.serial + 1 if before else 1
            self.manifests[environment] = DeliveredManifest(str(environment), serial, LedgerHead(*ledger.head), lines)
            old = {line.name: line for line in before.lines} if before else {}
            self.since.update({line.name: self.clock for line in lines if old.get(line.name) != line})
        self._die("after delivery")

    def look(self, environment: Environment, fleet: Fleet) -> Look:  # noqa: ARG002 -- lines say it all
        found = {line.name: self._sight(line) for line in self.manifests[environment].lines}
        tenants = {ClusterKey.parse(name): sight for name, sight in found.items() if "/" in name}
        managers = {name: sight for name, sight in found.items() if "/" not in name}
        plane = digest({"managers": "equal"})
        return Look(self.clock, self.clock + self.server, Report(tenants, managers), plane, self.through)

    def cut(self) -> str:
        if self.cuts:
            name = self.cuts.pop()
            self.documents = with_release(self.documents, name, self.clock.strftime("%Y-%m-%dT%H:%M:%SZ"))
            return name
        raise Waiting("release 2026.50.0 waits to be merged", "no-release")

    def copied(self, folder: Path) -> SimulatedWorld:
        """Return the same world in another folder, to go on from here."""
        shutil.copytree(Path(self.branches.places["tst"].ledger).parent, folder)
        place = ChainPlace(str(folder / "ledger.git"), folder / "fleet")
        places = dict.fromkeys(ENVIRONMENTS, place)
        other = replace(
            self, documents=deepcopy(self.documents), manifests=dict(self.manifests), since=dict(self.since)
        )
        other.health, other.killed, other.cuts, other.through, other.rivals = {}, set(), [], {}, []
        other.branches = replace(self.branches, places=places, cache=folder / "cache", now=other.now)
        return other

    def ledger(self, environment: Environment) -> Ledger:
        return self.branches.read(environment, self.fleet()).ledgers[environment]

    def kinds(self, environment: Environment) -> list[str]:
        return [entry.kind for entry in self.ledger(environment).entries]

    def step(self, environment: Environment) -> tuple[list[Done], Refusal]:
        """Run steps until they wait."""
        *done, last = run_steps(environment, self)
        assert isinstance(last, Wait)
        return [one for one in done if isinstance(one, Done)], last.refusal

    def until(self, environment: Environment, code: str) -> Refusal:
        """Run steps whenever they may have something to do, until they wait for something."""
        for _ in range(200):
            _, refusal = self.step(environment)
            if refusal.code == code:
                return refusal
            soon = self.clock + timedelta(hours=1)
            self.clock = min(max(soon, refusal.until or soon), self.clock + timedelta(hours=6))
        raise AssertionError(f"{environment} never waited for {code}; now it waits for {refusal}")

    def _die(self, where: str) -> None:
        if where in self.killed:
            self.killed.discard(where)
            raise KilledError(where)

    def _lines(self, environment: Environment, ledger: Ledger) -> Iterator[Line]:
        fleet = self.fleet()
        assigned = assignments(ledger, fleet, environment)
        for key, run in assigned.tenants.items():
            path = f"{MANAGER}/sites/{key.site}/customer-a/{key.name}"
            yield _line(path, "cluster", str(key), run)
        for name, run in assigned.management_clusters.items():
            if fleet.management_clusters[name].spec.owning_environment == environment:
                yield _line(f"{name}/self-definitions", "folder", name, run)

    def _sight(self, line: Line) -> Sight:
        settled = self.clock - self.since.get(line.name, START - timedelta(days=1)) >= self.settles
        verdict = self.health.get(line.name, Verdict.Healthy if settled else Verdict.Progressing)
        return Sight(line.release, line.kubernetes, verdict, "Simulated")


def _line(path: str, kind: str, name: str, run: Assignment) -> Line:
    tree = hashlib.sha1(f"{path} {run}".encode(), usedforsecurity=False).hexdigest()
    return Line(path, tree, kind, name, run.release, str(run.kubernetes), run.removal or "")


def status_of(refusal: Refusal) -> int:
    """Return the exit status of what a run waits for."""
    error: SchiffError = refusal.error()
    return error.status

"""The world of a rehearsal, as the loop of `schiff step` sees it: real Git, real S3 and a real engine, simulated time.

What the ledgers hold is kept in memory between steps, as it was pushed and put;
`read` reads everything anew, from Git and S3, and is what each day ends with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from schiff.cli.engine import Engine
from schiff.cli.ledger_branches import LedgerBranches
from schiff.cli.rehearsal.clock import Clock
from schiff.cli.rehearsal.clusters import Clusters
from schiff.cli.rehearsal.plugin import moment_variable
from schiff.cli.rehearsal.project import RehearsalProject
from schiff.cli.witnessing import require_clock, told_by
from schiff.delivery.delivered import DeliveredManifest
from schiff.delivery.ledger_branch import Proposal, append_to_ledger
from schiff.delivery.release_folder import write_release
from schiff.delivery.snapshot import Snapshot, look
from schiff.delivery.stack import StackName
from schiff.errors import Failed
from schiff.git.clone import CachedClone
from schiff.model.fleet import Fleet
from schiff.model.tenant_cluster import Removal
from schiff.rollout.assignments import assignments
from schiff.rollout.bodies import REMOVALS
from schiff.rollout.dating import DECISIONS
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import genesis
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.proofs import Proofs, Receipt
from schiff.rollout.release import free_name, freeze
from schiff.rollout.sights import Report
from schiff.rollout.situation import Append, Look, Through
from schiff.s3.location import Location
from schiff.sources.approvals import read_approvers, verified_signers
from schiff.sources.chains import ChainPlace, Chains, load_chains, releases_of, up_to
from schiff.sources.fleet_files import load_fleet, read_folder
from schiff.sources.program import running_program
from schiff.values.digests import digest, digest_of_bytes
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment

_ACTOR = "ci:rehearsal"
_REPOSITORIES = (".schiff/cluster-definitions.git", ".schiff/cluster-components.git")
_LEDGER = ".schiff/ledger.git"
_A_DAY = timedelta(days=1)


class Killed(Exception):
    """A run died here; the next one goes on, and delivers what was `undelivered`."""

    def __init__(self, where: str, *, undelivered: bool = False) -> None:
        super().__init__(where)
        self.undelivered = undelivered


@dataclass(slots=True)
class RehearsalWorld:
    """Everything that a run of steps sees and does; `wrong_by` is how far the runner's clock is off."""

    project: RehearsalProject
    clock: Clock
    witness: Location
    clusters: Clusters
    known: Fleet
    commit: str
    wrong_by: timedelta = timedelta()
    dies: set[str] = field(default_factory=set)
    deliveries: int = 0
    ledgers: dict[Environment, Ledger] = field(default_factory=dict)
    receipts: dict[Environment, dict[int, Receipt]] = field(default_factory=dict)
    snapshots: dict[Environment, tuple[Snapshot, Snapshot]] = field(default_factory=dict)
    leaving: dict[ClusterKey, tuple[Removal, datetime]] = field(default_factory=dict)

    @property
    def cache(self) -> Path:
        """Where clones and memories are kept."""
        return self.project.project.workspace.cache

    @property
    def places(self) -> Mapping[Environment, ChainPlace]:
        """Where the chains are."""
        ledger = str(self.project.root / _LEDGER)
        place = ChainPlace(ledger, self.project.fleet, self.witness, is_rehearsal=True)
        return dict.fromkeys(ENVIRONMENTS, place)

    def begin(self) -> None:
        """Begin the three ledgers."""
        for environment in ENVIRONMENTS:
            self.receipts[environment] = {}
            first = genesis(self.known, environment, actor=_ACTOR, fleet_commit=self.commit)
            self._write(environment, Proposal(first))

    def commit_fleet(self, message: str) -> None:
        """Commit what people or the schedule changed in the fleet, and read it."""
        self.commit = self.project.commit(message, self.clock.now)
        self.known = load_fleet(self.project.fleet)

    def now(self) -> datetime:
        """Return what the runner's clock says."""
        return self.clock.now + self.wrong_by

    def fleet(self) -> Fleet:
        """Return the fleet as it is committed."""
        return self.known

    def authors(self, _release: str) -> tuple[str, ...]:
        """Return nobody: every release is cut by the schedule."""
        return ()

    def chains(self, environment: Environment, fleet: Fleet) -> Chains:
        """Return the chains as this process wrote them."""
        names = up_to(environment)
        approvers = read_approvers(self.project.fleet, is_rehearsal=True)
        known = releases_of(fleet)
        proofs = {
            name: Proofs(dict(self.receipts[name]), verified_signers(self.ledgers[name], approvers, self.cache), known)
            for name in names
        }
        return Chains({name: self.ledgers[name] for name in names}, proofs, {})

    def read(self) -> Chains:
        """Return the chains as Git and S3 hold them, with every proof."""
        return load_chains(self.places, self.cache, releases_of(self.known))

    def entry(self, ledger: Ledger, step: Append, at: datetime) -> Entry:
        """Return the entry that would be written."""
        server = None if step.server is None else format_moment(step.server)
        return ledger.with_objects(step.objects).append(
            step.kind, step.body, at=format_moment(at), actor=_ACTOR, fleet=self.commit, server=server
        )

    def append(self, ledger: Ledger, step: Append, at: datetime) -> Entry | None:
        """Push one entry and tell the witness; a run may die in between."""
        environment = ledger.environment
        if step.kind in DECISIONS:
            require_clock(ledger, self.now(), self.clock.now)
        entry = self.entry(ledger, step, at)
        self._write(environment, Proposal(entry, step.objects))
        return entry

    def _write(self, environment: Environment, proposal: Proposal) -> None:
        entry = proposal.entry
        received = self.receipts[environment]
        dies = self._dies("telling", entry.kind == "observe")
        told = told_by(self.places[environment], lambda: self.clock.now, _unheard)

        def propose(ledger: Ledger) -> Proposal | None:
            return proposal if len(ledger.entries) == entry.seq else None

        def tell(written: Entry) -> None:
            if not dies:
                told(written)
                received[written.seq] = Receipt(written.digest, self.clock.now)

        url = str(self.project.root / _LEDGER)
        self.ledgers[environment] = append_to_ledger(
            url, environment, propose, self.cache, witness=tell, received=lambda: dict(received)
        )
        if dies:
            raise Killed("between an entry and its witness")

    def _dies(self, where: str, here: bool) -> bool:
        if here and where in self.dies:
            self.dies.discard(where)
            return True
        return False

    def put_late(self, environment: Environment) -> bool:
        """Do what the next run does after one that died before it told the witness; say whether there was anything."""
        if all(entry.seq in self.receipts[environment] for entry in self.ledgers[environment].entries):
            return False
        branches = LedgerBranches(self.places, self.cache, _ACTOR, lambda: self.clock.now)
        chains = branches.read_witnessed(environment, self.known)
        self.ledgers[environment] = chains.ledgers[environment]
        self.receipts[environment] = dict(chains.proofs[environment].receipts or {})
        return True

    def delivered(self, environment: Environment) -> Sequence[DeliveredManifest | None]:
        """Return the manifests in both repositories."""
        if environment not in self.snapshots:
            return None, None
        return tuple(snapshot.manifest for snapshot in self.snapshots[environment])

    def deliver(self, environment: Environment) -> None:
        """Let the real engine deliver; a run may die before."""
        if self._dies("moving", self._has_moved(environment)):
            raise Killed("between a move and its delivery", undelivered=True)
        engine = Engine(self.project.project, moment_variable(self.clock.now))
        engine.up(StackName(environment))
        self.deliveries += 1
        definitions, components = (self._snapshot(url, environment) for url in _REPOSITORIES)
        self.snapshots[environment] = (definitions, components)
        self.clusters.delivered(definitions.lines, self.clock.now)
        self._see_off(definitions)

    def _has_moved(self, environment: Environment) -> bool:
        """Whether the newest entry is a move, and no delivery followed it yet."""
        last = self.ledgers[environment].entries[-1]
        seen = [manifest.ledger.seq for manifest in self.delivered(environment) if manifest is not None]
        return last.kind == "move" and max(seen, default=-1) < last.seq

    def _snapshot(self, url: str, environment: Environment) -> Snapshot:
        clone = CachedClone(str(self.project.root / url), "main", self.cache)
        clone.refresh()
        return look(clone, environment)

    def _see_off(self, definitions: Snapshot) -> None:
        for line in definitions.lines:
            for state in REMOVALS:
                key = ClusterKey.parse(line.name) if line.kind == "cluster" and line.removal == state else None
                if key is not None and self.leaving.get(key, ("", None))[0] != state:
                    self.leaving[key] = (state, self.clock.now)

    def look(self, environment: Environment, fleet: Fleet) -> Look:
        """Look at the simulated clusters; the API servers' clocks are right."""
        assigned = assignments(self.ledgers[environment], fleet, environment)
        report = self.clusters.report(assigned.tenants, assigned.management_clusters, self.clock.now)
        plane = self._plane(fleet, assigned.management_clusters)
        return Look(self.now(), self.clock.now, report, plane, self._through(assigned.tenants, report))

    def _plane(self, fleet: Fleet, managers: Iterable[str]) -> str:
        """Return the digest of what looks after the environment's clusters, as it runs now."""
        running = {name: self.clusters.managers[name] for name in sorted(managers) if name in self.clusters.managers}
        return digest(
            {
                name: {
                    "kubernetes": one.kubernetes,
                    "plane": fleet.layers_of(one.release).release.management_plane.as_document(),
                }
                for name, one in running.items()
            }
        )

    def _through(self, keys: Iterable[ClusterKey], report: Report) -> dict[ClusterKey, Through]:
        """Return the clusters that went through a state of their removal: each takes a day."""
        seen = digest_of_bytes(report.to_bytes())
        return {
            key: Through(state, seen)
            for key, (state, since) in self.leaving.items()
            if key in keys and self.clock.now - since >= _A_DAY
        }

    def cut(self) -> str:
        """Cut a release from head and commit it."""
        program, now = running_program(), self.clock.now
        name = free_name(self.known, now, hotfix=False)
        texts = read_folder(self.project.fleet).texts
        files = freeze(self.known, name, cut=now, schiff=program.version, texts=texts, wheel=program.wheel)
        write_release(self.project.fleet, name, files)
        self.commit_fleet(f"Release {name}")
        return name


def _unheard(said: str) -> None:
    """Raise what the witness could not be told: that of a rehearsal is never away, so it is a fault of its own."""
    raise Failed(said)

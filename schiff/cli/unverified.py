"""`schiff rollback --unverified`: the one way on from a ledger that does not hold, agreed to by two people.

What happens, in this order; killed anywhere and run again, it goes on:

1. The ledger is read with every proof: one that holds is not closed, one that stands on a broken one is not the first.
2. The good commit is found or named, and what a return to it would do is said.
3. Two people agree to the digest of all that, in files, for the ledger can hold nothing.
4. A new chain begins on top of what was found, numbered on from the last entry that anybody remembers.
5. What it assigns is delivered the usual way: what was ordered since stays, nothing is taken away by going back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schiff.cli import clock
from schiff.cli.actor import actor
from schiff.cli.broken_ledger import BrokenLedger, held_chains
from schiff.cli.engine import Engine
from schiff.cli.project import Project
from schiff.cli.terminal import progress, say, say_json, table, warn
from schiff.cli.up import deliver
from schiff.cli.witnessing import told_by
from schiff.delivery.delivered_history import Delivery, deliveries
from schiff.delivery.ledger_branch import reopen_ledger
from schiff.delivery.workspace import is_embedded
from schiff.errors import InvalidInput, Place, Problem, Refused, Tampered
from schiff.model.fleet import Fleet
from schiff.rollout.assignments import assignments
from schiff.rollout.bodies import Agreement, ApproveBody, Closed
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.moments import format_moment
from schiff.rollout.names import release_order
from schiff.rollout.reopening import PEOPLE, VERB, Return, beginning, require_agreed, subject_of
from schiff.rollout.reversal import reversal
from schiff.sources.approvals import people_who_agreed, read_approvers
from schiff.sources.fleet_commit import fleet_commit
from schiff.sources.fleet_files import load_fleet
from schiff.sources.loose_approvals import agreements, read_approvals
from schiff.values.names import Environment


def roll_back_unverified(
    environment: Environment, to: str, reason: str, approvals: Sequence[Path], *, as_json: bool
) -> None:
    """Close a ledger that does not hold, and deliver what its clusters ran at a good commit."""
    project, files = Project.here(), read_approvals(approvals)
    found = held_chains(environment)
    if isinstance(found, Tampered):
        proposal = _proposed(project, environment, to, reason, broken=str(found))
        if not as_json:
            say(proposal.sentences())
        entry, existed = _begin(proposal, files), False
    else:
        entry, existed = _begun(found.ledgers[environment], files), True
    answers = list(_deliveries(project, environment))
    if as_json:
        said = {"seq": entry.seq, "digest": entry.digest, **entry.body}
        say_json({"environment": environment, "existed": existed, "entry": said, "stacks": answers})
        return
    say(f"{environment}: a new chain begins with entry {entry.seq}, and what it assigns is delivered")
    say(f"next: schiff ledger verify -e {environment}")


@dataclass(frozen=True, slots=True)
class _Proposal:
    """What would be done, for people to agree to."""

    ledger: BrokenLedger
    fleet: Fleet
    broken: str
    end: Head
    good: Delivery
    verdicts: Sequence[str]
    body: Mapping[str, Any]

    @property
    def environment(self) -> Environment:
        return self.ledger.environment

    @property
    def subject(self) -> str:
        """The digest that people sign."""
        return subject_of(self.body)

    def sentences(self) -> str:
        """Return what people have to know before they agree."""
        names = {digest: layers.release.name for digest, layers in self.fleet.releases.items()}
        released = ", ".join(sorted(names.get(digest, digest) for digest in self.good.releases)) or "head"
        rows = [
            ("back to", f"{self.good.commit} of {format_moment(self.good.at)}, release {released}"),
            ("verdict", "; ".join(self.verdicts) or "no cluster runs anything else now"),
            ("revoked", ", ".join(sorted(names.get(one, one) for one in self.body["revoked"])) or "nothing"),
            ("closes", f"everything up to entry {self.end.seq} {self.end.digest}"),
            ("standing", self._standing()),
            ("agree to", self.subject),
        ]
        return f"{self.environment}: {self.broken}\n{table(rows)}"

    def _standing(self) -> str:
        standing = self.body["closes"].get("standing")
        if standing is None:
            return "no promotion elsewhere cites it"
        return f"promotions elsewhere that cite it, up to entry {standing['seq']} there, as they were judged then"


def _proposed(project: Project, environment: Environment, to: str, reason: str, *, broken: str) -> _Proposal:
    ledger = BrokenLedger.of(environment)
    fleet, end = load_fleet(ledger.place.fleet), ledger.end
    past = _past(project, environment)
    now = next(past, None)
    if now is None:
        raise Refused(f"{environment} was never delivered, so there is nothing to go back to", "no-path")
    good = _named(now, past, to) if to else _good(fleet, environment, now, past)
    way = Return(fleet, environment, now.standings, good.standings)
    closed = Closed(
        seq=end.seq,
        digest=end.digest,
        commit=ledger.found.head or "none",
        definitions=good.commit,
        reason=reason,
        standing=ledger.standing(end),
    )
    body = way.body(closed, ledger.said)
    return _Proposal(ledger, fleet, broken, end, good, tuple(_verdicts(fleet, way)), body)


def _past(project: Project, environment: Environment) -> Iterator[Delivery]:
    """Yield how the environment stood, newest first; its shards deliver to one repository."""
    stacks = project.stacks(environment)
    settings = project.settings(stacks[0])
    url = project.workspace.place(settings.definitions)
    if is_embedded(settings.definitions) and not (Path(url) / "HEAD").is_file():
        return
    yield from deliveries(url, settings.branch, [str(stack) for stack in stacks], project.workspace.cache)


def _good(fleet: Fleet, environment: Environment, now: Delivery, past: Iterator[Delivery]) -> Delivery:
    """Return the newest delivery before the newest release came; raises `Refused` where there was none."""
    known = {digest: fleet.releases[digest].release for digest in now.releases if digest in fleet.releases}
    newest = max(known, key=lambda digest: release_order(known[digest]), default=None)
    for one in past:
        if newest is not None and newest not in one.releases:
            return one
    what = f"without release {known[newest].name}" if newest is not None else "with another release"
    cure = f"name the commit to stay on or go to: --to {now.commit}"
    raise Refused(f"{environment} was never delivered {what}; {cure}", "no-path")


def _named(now: Delivery, past: Iterator[Delivery], to: str) -> Delivery:
    """Return the delivery of a commit; raises `InvalidInput` for one that is none."""
    for one in (now, *past):
        if len(to) >= 7 and one.commit.startswith(to):
            return one
    message = f"{to!r} is no commit by which cluster-definitions were delivered"
    raise InvalidInput([Problem(Place("--to"), "", message, f"name one of git log, such as {now.commit[:12]}")])


def _verdicts(fleet: Fleet, way: Return) -> Iterator[str]:
    """Yield what becomes of each release that clusters leave; raises `Refused` where one cannot be taken back."""
    for running, target in way.left:
        missing = [digest for digest in (running, target) if digest not in fleet.releases]
        if missing:
            raise Refused(f"release {missing[0]} is not in the fleet, so nobody can say what it changed", "no-path")
        before, after = fleet.releases[target].release, fleet.releases[running].release
        if release_order(before) > release_order(after):
            raise Refused(
                f"clusters run release {after.name}, and {before.name} is newer: that is no way back", "no-path"
            )
        verdict = reversal(after, before)
        if verdict.verdict == "impossible":
            raise Refused(verdict.sentence(), "no-path")
        yield verdict.sentence()


def _begin(proposal: _Proposal, files: Mapping[Path, ApproveBody]) -> Entry:
    """Write the beginning of the new chain, once enough people agreed to it."""
    ledger, now = proposal.ledger, clock.now()
    approvers = read_approvers(ledger.place.fleet, is_rehearsal=ledger.place.is_rehearsal)
    agreed = agreements(files, approvers, ledger.environment, VERB, proposal.subject, now=now)
    if len(agreed) < PEOPLE:
        raise _lacking(proposal, agreed)
    entry = beginning(
        ledger.environment,
        Closed.model_validate(proposal.body["closes"]),
        {**proposal.body, "agreed": [one.as_document() for one in agreed]},
        at=format_moment(now),
        actor=actor(os.environ),
        fleet=fleet_commit(ledger.place.fleet) or "none",
    )
    chain = Ledger.empty(ledger.environment).extended(entry)
    require_agreed(chain, people_who_agreed(chain, approvers))
    assignments(chain, proposal.fleet, ledger.environment)
    told = told_by(ledger.place, clock.now, warn)
    reopen_ledger(ledger.place.ledger, ledger.environment, entry, ledger.found, ledger.cache, witness=told)
    return entry


def _lacking(proposal: _Proposal, agreed: Sequence[Agreement]) -> Refused:
    found = f"{agreed[0].principal} alone did" if agreed else "nobody did"
    command = f"schiff approve {VERB} {proposal.subject} -e {proposal.environment} --out FILE"
    return Refused(
        f"to go back to {proposal.good.commit[:12]} and close the ledger of {proposal.environment},"
        f" {PEOPLE} people agree, and {found}: {command}, then the same again with --approval FILE --approval FILE",
        "approval",
    )


def _begun(ledger: Ledger, files: Mapping[Path, ApproveBody]) -> Entry:
    """Return the beginning that these people agreed to before; raises `Refused`: nothing else closes what holds."""
    if ledger.closes is not None and subject_of(ledger.entries[0].body) in {body.subject for body in files.values()}:
        return ledger.entries[0]
    cure = f'take the release back: schiff rollback -e {ledger.environment} --reason "..."'
    raise Refused(f"the ledger of {ledger.environment} holds; {cure}", "ledger-holds")


def _deliveries(project: Project, environment: Environment) -> Iterator[dict[str, Any]]:
    engine = Engine(project, {})
    for number, stack in enumerate(project.stacks(environment)):
        with progress(f"delivering {stack}") as show:
            yield deliver(project, engine, stack, show, is_first=number == 0)

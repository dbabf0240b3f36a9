"""The gate over whole chains: every promotion, move and resumption is judged on the prefix before it.

Whoever can write to a ledger's branch can write any entry, well formed and
well hashed. What it may not do is make one that counts: the same rules that
`schiff step` proposes by are held against what stands in the chain, each time
it is read. A citation of another chain must be what stands there; of a chain
that people closed, evidence is no more to be had: what was promoted on it until
then stays, and nothing after that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from schiff.errors import InvalidValue, Refused, Tampered
from schiff.rollout.admission import Request, admission, required_approvals
from schiff.rollout.agreement import Asked, lack_of_agreement
from schiff.rollout.bodies import Cited, GenesisBody, HaltBody, MoveBody, NoteBody, PromoteBody, ResumeBody, RevokeBody
from schiff.rollout.clock import RECEIVED_WITHIN
from schiff.rollout.entry import Entry
from schiff.rollout.judged import Memory
from schiff.rollout.ledger import Ledger, unsound
from schiff.rollout.moments import parse_moment
from schiff.rollout.moves import Transfer, transfer_refusals
from schiff.rollout.proofs import NO_PROOFS, Proofs, Release
from schiff.rollout.refusals import Refusal
from schiff.rollout.stage import Objects, Stage, plan_of_promotion
from schiff.values.names import ENVIRONMENTS, Environment


def verify_chains(
    ledgers: Mapping[Environment, Ledger],
    proofs: Mapping[Environment, Proofs],
    releases: Mapping[str, Release] | None = None,
    memory: Memory | None = None,
) -> None:
    """Raise for the first entry that may not stand where it stands.

    `ledgers` holds an environment and all before it, `releases` those of the
    fleet, by digest; `memory` what this process judged before. Raises `Tampered` for a citation that does not hold, and
    `Refused` (``not-admitted``) for an entry that the gate would not have let
    through.
    """
    earlier: list[Ledger] = []
    for environment in ENVIRONMENTS:
        if environment in ledgers:
            known = replace(proofs.get(environment, NO_PROOFS), releases=releases or {})
            try:
                _verify(ledgers[environment], earlier, known, memory or Memory())
            except InvalidValue as error:
                raise unsound(environment, error) from None
            earlier.append(ledgers[environment])


def _verify(ledger: Ledger, earlier: Sequence[Ledger], proofs: Proofs, memory: Memory) -> None:
    before = earlier[-1] if earlier else None
    since, stage, dates = memory.begin(ledger, proofs, earlier)
    seen = _stages(before, _cited(ledger, before, since))
    for entry in ledger.after(since - 1):
        found = dates.refusals(entry)
        if entry.kind != "observe":  # which decides nothing, and is nearly every entry
            source = entry.said.source if isinstance(entry.said, PromoteBody) else None
            is_closed = source is not None and before is not None and source.seq < before.first
            then = seen[source.seq] if source is not None and not is_closed else None
            judge = partial(
                entry_refusals, stage=stage, before=then, proofs=proofs, objects=ledger.objects, is_closed=is_closed
            )
            against = (_stopped_since(entry, earlier), found, judge(entry), dates.late_refusals(entry, stage, judge))
            found = iter([refusal for refusals in against for refusal in refusals])
        for refusal in found:
            raise Refused(f"{entry.env} {entry.file_name}: {refusal.sentence}", "not-admitted")
        try:
            stage.take(entry, ledger.objects, ledger.receipts)
        except Refused as error:
            raise unsound(entry.env, error) from None
    memory.keep(ledger, proofs, earlier, stage, dates)
    ledger.with_state(stage)


def _stopped_since(entry: Entry, earlier: Sequence[Ledger]) -> Iterator[Refusal]:
    """Yield a refusal where an earlier environment stopped the release after what is cited, and before the promotion.

    Old evidence stays true, so a promotion must not be able to choose it. Two
    steps that run at the same moment may miss each other by a little.
    """
    body = entry.said
    if not isinstance(body, PromoteBody) or body.source is None:
        return
    latest = parse_moment(entry.at) - RECEIVED_WITHIN
    for ledger in earlier:
        cited = body.source.seq + 1 if ledger.environment == body.source.env else ledger.first + len(ledger.entries)
        for later in ledger.entries:
            if later.kind in ("genesis", "revoke") or (later.kind == "halt" and later.seq >= cited):
                yield from _stopped(later, body, latest)


def _stopped(later: Entry, body: PromoteBody, latest: datetime) -> Iterator[Refusal]:
    match later.said:
        case HaltBody(release=release, reason=reason) | RevokeBody(release=release, reason=reason):
            stopped = {release: reason}
        case GenesisBody(revoked=stopped):
            pass
        case _:
            return
    if body.release in stopped and parse_moment(later.at) <= latest:
        code, reason = "halted" if later.kind == "halt" else "revoked", stopped[body.release]
        yield Refusal(code, f"release {body.name} was {code} in {later.env} by entry {later.seq}: {reason}")


def _cited(ledger: Ledger, before: Ledger | None, since: int) -> frozenset[int]:
    """Return the numbers that promotions cite from `since` on; raise `Tampered` where something else stands there."""
    numbers = set()
    for entry in ledger.entries:
        source = entry.said.source if isinstance(entry.said, PromoteBody) else None
        if source is None:
            continue
        other = before if before is not None and before.environment == source.env else None
        if other is not None and _stands(ledger, entry, source, other):
            continue
        found = None if other is None else other.entry(source.seq)
        if found is None or found.digest != source.digest:
            raise Tampered(
                f"{entry.env} {entry.file_name} cites entry {source.seq} of {source.env} as {source.digest},"
                " and that is not what stands there: one of the two was changed"
            )
        if entry.seq >= since:
            numbers.add(source.seq)
    return frozenset(numbers)


def _stands(ledger: Ledger, entry: Entry, source: Cited, before: Ledger) -> bool:
    """Whether a promotion cites a chain that was closed since, and is none that was written afterwards."""
    standing = before.closes.standing if before.closes is not None else None
    if standing is None or source.seq >= before.first or entry.seq > standing.seq:
        return False
    last = ledger.entry(standing.seq)
    return last is not None and last.digest == standing.digest


def _stages(ledger: Ledger | None, wanted: frozenset[int]) -> Mapping[int, Stage]:
    """Return what a chain added up to after some of its entries."""
    found: dict[int, Stage] = {}
    stage = Stage()
    for entry in ledger.entries if ledger is not None and wanted else ():
        stage.take(entry, ledger.objects, ledger.receipts) if ledger is not None else None
        if entry.seq in wanted:
            found[entry.seq] = stage.copy()
    return found


def entry_refusals(
    entry: Entry, stage: Stage, before: Stage | None, proofs: Proofs, objects: Objects, *, is_closed: bool = False
) -> Iterator[Refusal]:
    """Yield every reason why an entry may not follow a prefix; none for one that decides nothing.

    `is_closed` says that a promotion stands although the chain it cites was closed since.
    """
    at = parse_moment(entry.at)
    match entry.said:
        case PromoteBody() as body:
            plan = plan_of_promotion(entry, body, objects)
            yield from admission(Request(entry.env, body, plan, at, stage, before, proofs, is_closed=is_closed))
        case MoveBody() as body:
            yield from transfer_refusals(Transfer(body, at, stage, proofs))
        case ResumeBody() as body:
            yield from _resumption(entry, body, stage, proofs)
        case NoteBody() as body:
            yield from _beginnings(body, stage)
        case RevokeBody(release=release, target=target) if release == target:
            yield Refusal("no-path", f"{target} is revoked, so nothing can go back to it")
        case RevokeBody(target=target) if target not in stage.completed_releases:
            yield Refusal("no-path", f"{target} never completed in {entry.env}, so nothing can go back to it")
        case _:
            return


def _beginnings(body: NoteBody, stage: Stage) -> Iterator[Refusal]:
    for key, pin in body.pins.items():
        if pin.release not in stage.completed_releases:
            yield Refusal("not-admitted", f"{key} would begin on {pin.release}, which never completed here")


def _resumption(entry: Entry, body: ResumeBody, stage: Stage, proofs: Proofs) -> Iterator[Refusal]:
    rollout = stage.rollout
    if rollout is None or rollout.release != body.release or rollout.halted is None:
        yield Refusal("not-halted", f"release {body.release} is not halted in {entry.env}")
        return
    if rollout.over_budget is not None:
        yield Refusal("halted", f"{rollout.over_budget}; a person acks it first: schiff resume --ack CLUSTER")
    needed = required_approvals(rollout.plan.policy, entry.env)
    asked = Asked("resume", body.release, parse_moment(entry.at))
    yield from lack_of_agreement(stage, proofs, body.approvals, asked, needed)

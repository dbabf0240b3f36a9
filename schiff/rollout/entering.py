"""Which release enters an environment next, and when a train is cut: what `decide` proposes when nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from schiff.errors import Refused
from schiff.rollout.admission import Request, admission, first_in
from schiff.rollout.agreement import Asked, usable
from schiff.rollout.bodies import PromoteBody
from schiff.rollout.moments import format_moment
from schiff.rollout.plan import Plan
from schiff.rollout.refusals import Refusal
from schiff.rollout.running import ReleaseState, Rollout
from schiff.rollout.situation import Append, Candidate, Cut, Situation, Step, Wait
from schiff.values.digests import digest
from schiff.values.names import ENVIRONMENTS

MOVING: Final = frozenset({
    ReleaseState.Admitted, ReleaseState.RollingOut, ReleaseState.Halted, ReleaseState.RollingBack,
})  # fmt: skip
"""The states in which a release is on its way through the clusters."""


def enter(situation: Situation) -> Step | None:
    """Promote the newest release that may enter; else say why the newest may not."""
    first: Refusal | None = None
    for candidate in reversed(_entering(situation)):
        try:
            request = request_of(situation, candidate)
        except Refused as error:
            first = first or Refusal(error.code, str(error))
            continue
        reasons = list(admission(request))
        if not reasons:
            return _promote(situation, candidate, request)
        first = first or reasons[0]
    return _cut_or_wait(situation, first)


def _entering(situation: Situation) -> Sequence[Candidate]:
    """Return the releases that could enter, oldest first: newer than what is here, and seen in the stage before."""
    state = situation.ledger.state
    here = {*state.completed_releases, *state.past, *state.revoked}
    if state.rollout is not None:
        here.add(state.rollout.release)
    known = [candidate.digest for candidate in situation.releases]
    newest = max((known.index(digest) for digest in here if digest in known), default=-1)
    rest = situation.releases[newest + 1 :]
    if situation.ledger.environment == ENVIRONMENTS[0]:
        return rest
    earlier = situation.before.state if situation.before is not None else None
    return [one for one in rest if earlier is not None and earlier.rollout_of(one.digest) is not None]


def request_of(situation: Situation, candidate: Candidate) -> Request:
    """Return the promotion of a release as it would be written now."""
    ledger, before = situation.ledger, situation.before
    plan = situation.plan(candidate.digest)
    earlier = before.state.rollout_of(candidate.digest) if before is not None else None
    head = before.head if before is not None else None
    data = {
        "release": candidate.digest,
        "name": candidate.name,
        "plan": plan.digest,
        "policy": plan.policy.digest,
        "source": {"env": before.environment, "seq": head.seq, "digest": head.digest} if before and head else None,
        "approvals": _approvals(situation, candidate, plan),
        "authors": list(candidate.authors),
        "firstIn": list(first_in(plan, earlier)) if earlier is not None else [],
        "expedited": candidate.release.kind == "hotfix",
    }
    body = PromoteBody.model_validate(data)
    stage = before.state if before is not None else None
    proofs = replace(situation.proofs, releases={one.digest: one for one in situation.releases})
    return Request(ledger.environment, body, plan, situation.now, ledger.state, stage, proofs, situation.revoked)


def _approvals(situation: Situation, candidate: Candidate, plan: Plan) -> list[int]:
    asked = (
        Asked("promote", candidate.digest, situation.now, candidate.authors),
        Asked("policy", plan.policy.digest, situation.now, candidate.authors),
        Asked("skip", candidate.digest, situation.now, candidate.authors),
        *(
            Asked("freeze", digest(freeze.as_document()), situation.now, candidate.authors)
            for freeze in plan.policy.freezes
            if candidate.release.kind == "hotfix"
        ),
    )
    return sorted(seq for each in asked for seq in usable(situation.ledger.state, situation.proofs, each))


def _promote(situation: Situation, candidate: Candidate, request: Request) -> Append:
    said = f"release {candidate.name} enters {situation.ledger.environment}: {len(request.plan.members)} clusters"
    body = request.body.as_document()
    return Append("promote", body, said, {request.plan.digest: request.plan.to_bytes()})


def _cut_or_wait(situation: Situation, first: Refusal | None) -> Step | None:
    train, rollout = situation.train, situation.rollout
    if first is not None:
        return Wait(first)
    if train is None:
        return None
    if rollout is not None and rollout.state in (*MOVING, ReleaseState.Soaking):
        return Wait(_settling(situation, rollout))
    if not train.changed:
        return Wait(Refusal("no-train", "head holds nothing that the newest release lacks", train.due))
    if situation.now < train.due:
        return Wait(Refusal("no-train", f"the next train leaves on {format_moment(train.due)}", train.due))
    return Cut("a train is due")


def _settling(situation: Situation, rollout: Rollout) -> Refusal:
    missing = rollout.required_soak - rollout.soak.earned
    said = f"release {rollout.name} is {rollout.state} in {situation.ledger.environment}"
    return Refusal("not-soaked", said, situation.now + missing)

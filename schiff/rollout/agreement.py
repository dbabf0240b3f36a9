"""Whether people agreed: each cited approval is held against its subject, its time and its author.

1. It lies in this chain, before the entry that uses it, and was used by no other.
2. It agrees to this very thing: verb and digest; one for another digest is none.
3. It had not expired when it was used.
4. Its signature was verified against `fleet/approvers`.
5. Nobody agrees to a change of their own.
6. Two approvals of one person are one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from schiff.rollout.bodies import ApproveBody, Verb
from schiff.rollout.moments import parse_moment
from schiff.rollout.proofs import Proofs
from schiff.rollout.refusals import Refusal
from schiff.rollout.stage import Stage


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be agreed to, when, and whose own change it is."""

    verb: Verb
    subject: str
    at: datetime
    authors: Collection[str] = ()


def lack_of_agreement(
    stage: Stage, proofs: Proofs, cited: Iterable[int], asked: Asked, needed: int
) -> Iterator[Refusal]:
    """Yield a refusal for every cited approval that does not hold, and one when too few hold."""
    people = set()
    for seq in cited:
        if seq in stage.approvals and stage.approvals[seq].body.verb != asked.verb:
            continue
        reason = _defect(stage, proofs, seq, asked)
        if reason is not None:
            yield Refusal("approval", f"approval {seq} does not count: {reason}")
        else:
            people.add(stage.approvals[seq].body.principal)
    if len(people) < needed:
        who = f"{needed} {'person' if needed == 1 else 'people'}"
        found = f"{len(people)} did" if people else "nobody did"
        cure = "schiff fast-forward approve" if asked.verb == "fast-forward" else f"schiff approve {asked.verb}"
        yield Refusal("approval", f"{asked.verb} of {asked.subject} needs {who} to agree, and {found}: {cure}")


def usable(stage: Stage, proofs: Proofs, asked: Asked) -> tuple[int, ...]:
    """Return the approvals that hold, one for each person, oldest first."""
    found: dict[str, int] = {}
    for seq, approval in stage.approvals.items():
        if _defect(stage, proofs, seq, asked) is None:
            found.setdefault(approval.body.principal, seq)
    return tuple(sorted(found.values()))


def _defect(stage: Stage, proofs: Proofs, seq: int, asked: Asked) -> str | None:
    if seq not in stage.approvals:
        return "there is no such approval before it"
    entry, approval = stage.approvals[seq]
    if seq in stage.used:
        return "it was used before"
    if (approval.verb, approval.subject) != (asked.verb, asked.subject):
        return f"it agrees to {approval.verb} of {approval.subject}"
    if parse_moment(approval.expires) < asked.at:
        return f"it expired at {approval.expires}"
    return _mistrust(approval, proofs.signers.get(entry), asked)


def _mistrust(approval: ApproveBody, signer: str | None, asked: Asked) -> str | None:
    if signer is None:
        return "its signature was not verified against approvers"
    if signer != approval.principal:
        return f"it was signed by {signer}, and says {approval.principal}"
    if signer.casefold() in {author.casefold() for author in asked.authors}:
        return f"{signer} is the author of the change"
    return None

"""Whether people agreed to orders over budget: by the digest of exactly what would change, of folders and trees."""

from __future__ import annotations

from schiff.rollout.agreement import Asked, lack_of_agreement, usable
from schiff.rollout.proofs import Proofs
from schiff.rollout.refusals import Refusal
from schiff.rollout.stage import Stage


def orders_refusals(stage: Stage, proofs: Proofs, asked: Asked) -> tuple[Refusal, ...]:
    """Return why orders may not be delivered, also of each approval of them that does not count; none when one does.

    Delivering changes the trees that the digest is over, so an approval is used up by what it allows.
    """
    if usable(stage, proofs, asked):
        return ()
    meant = [
        seq
        for seq, approval in stage.approvals.items()
        if (approval.body.verb, approval.body.subject) == (asked.verb, asked.subject)
    ]
    return tuple(lack_of_agreement(stage, proofs, meant, asked, 1))

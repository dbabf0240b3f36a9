"""The review of a hotfix, after the fact: what was hurried is looked at by a person, or the next one is not hurried.

1. Where people agree to what enters, a hotfix that was hurried is due for review within `REVIEWED_WITHIN`.
2. A review is an approval of the verb `review` for its digest, by anybody but its authors.
3. While one is overdue no further release is hurried there; trains go on, and so does what stops or takes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from schiff.rollout.agreement import Asked, usable
from schiff.rollout.moments import format_moment
from schiff.rollout.proofs import Proofs
from schiff.rollout.refusals import Refusal
from schiff.rollout.stage import Stage

REVIEWED_WITHIN: Final = timedelta(days=7)


def overdue_reviews(stage: Stage, proofs: Proofs, at: datetime) -> Iterator[Refusal]:
    """Yield a refusal for each hotfix that nobody reviewed in time; a review that comes late ends that."""
    for release, hurried in stage.hurried.items():
        due = hurried.at + REVIEWED_WITHIN
        asked = Asked("review", release, hurried.at, hurried.authors)
        if at > due and not usable(stage, proofs, asked):
            said = f"hotfix {hurried.name} was to be reviewed until {format_moment(due)}, and nobody did"
            yield Refusal("approval", f"{said}: schiff approve review {hurried.name}")

"""Whether people agreed: each rule of `schiff.rollout.agreement`."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.rollout.agreement import Asked, lack_of_agreement, usable
from schiff.rollout.proofs import Proofs
from tests.rollout.forgery import SOME_DIGEST
from tests.rollout.season import ANNA, BERT, FIRST, Season, a_season

HOURS_25 = timedelta(hours=25)


def sentences(season: Season, asked: Asked, cited: tuple[int, ...] = (1,), needed: int = 1) -> list[str]:
    """Return why people did not agree, after one approval."""
    stage = season.ledgers["prd"].state
    return [one.sentence for one in lack_of_agreement(stage, season.proofs("prd"), cited, asked, needed)]


def approved(verb: str = "promote", subject: str = FIRST, who: str = BERT) -> Season:
    season = a_season()
    season.approve("prd", verb, subject, who)
    return season


def asked(season: Season, **fields: object) -> Asked:
    found: dict[str, object] = {"verb": "promote", "subject": FIRST, "at": season.now, **fields}
    return Asked(**found)  # type: ignore[arg-type]


def test_one_person_agreed() -> None:
    season = approved()
    assert sentences(season, asked(season)) == []
    assert usable(season.ledgers["prd"].state, season.proofs("prd"), asked(season)) == (1,)


@pytest.mark.parametrize(
    ("season", "fields", "said"),
    [
        (approved(subject=SOME_DIGEST), {}, "it agrees to promote of"),
        (approved(), {"at": a_season().now + HOURS_25}, "it expired at"),
        (approved(who=ANNA), {"authors": (ANNA,)}, "is the author of the change"),
        (approved(who=ANNA), {"authors": (ANNA.upper(),)}, "is the author of the change"),
        (approved(verb="resume"), {}, "needs 1 person to agree, and nobody did"),
    ],
)
def test_what_does_not_fit_does_not_count(season: Season, fields: dict[str, object], said: str) -> None:
    assert said in "; ".join(sentences(season, asked(season, **fields)))
    assert usable(season.ledgers["prd"].state, season.proofs("prd"), asked(season, **fields)) == ()


def test_one_that_is_not_in_the_chain_does_not_count() -> None:
    season = approved()
    assert "there is no such approval" in sentences(season, asked(season), (9,))[0]


def test_one_whose_signature_was_not_verified_or_is_another_persons_does_not_count() -> None:
    season = approved()
    stage, entry = season.ledgers["prd"].state, season.ledgers["prd"].entries[1].digest
    for signers, said in (({}, "was not verified"), ({entry: ANNA}, "it was signed by")):
        found = list(lack_of_agreement(stage, Proofs(None, signers), (1,), asked(season), 1))
        assert said in found[0].sentence


def test_one_is_used_once() -> None:
    season = approved()
    season.ledgers["prd"].state.used.add(1)
    assert "it was used before" in sentences(season, asked(season))[0]


def test_two_approvals_of_one_person_are_one() -> None:
    season = approved()
    season.approve("prd", "promote", FIRST)
    assert "needs 2 people to agree, and 1 did" in sentences(season, asked(season), (1, 2), 2)[0]
    season.approve("prd", "promote", FIRST, ANNA)
    assert sentences(season, asked(season), (1, 2, 3), 2) == []

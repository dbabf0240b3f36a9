"""The review of a hotfix after the fact: an overdue one blocks the next (section 9)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from schiff.model.policy import PolicySpec
from schiff.rollout.reviews import overdue_reviews
from tests.rollout.forgery import DAY, promote, refused, steps
from tests.rollout.season import ANNA, BERT, Season, a_season

AGREED = PolicySpec.model_validate({"environments": {"tst": {"approvals": 1}}})


def hurried(days: float, policy: PolicySpec = AGREED) -> tuple[Season, str]:
    """Return a season in which a hotfix was hurried some days ago."""
    season = a_season(policy=policy)
    fix = enter(season, "2026.48.1")
    assert fix in season.ledgers["tst"].state.expedited
    steps(season, days)
    return season, fix


def enter(season: Season, name: str) -> str:
    """Cut a hotfix, agree to it, and let it enter where it may."""
    fix = season.cut(name, kind="hotfix", changes=("calico",))
    season.approve("tst", "promote", fix)
    season.step("tst")
    return fix


def overdue(season: Season) -> list[str]:
    stage = season.ledgers["tst"].state
    return [one.sentence for one in overdue_reviews(stage, season.proofs("tst"), season.now)]


def test_a_week_is_time_enough_for_a_review() -> None:
    assert overdue(hurried(7)[0]) == []
    (said,) = overdue(hurried(7.5)[0])
    assert said.endswith("and nobody did: schiff approve review 2026.48.1")


def test_an_overdue_review_blocks_the_next_hotfix_until_somebody_reviews() -> None:
    season, fix = hurried(8)
    second = enter(season, "2026.48.2")
    assert season.step("tst").refusal.code == "approval"
    assert second not in season.ledgers["tst"].state.expedited
    season.approve("tst", "review", fix)
    season.step("tst")
    assert second in season.ledgers["tst"].state.expedited
    season.verify()


def test_what_is_written_by_hand_while_a_review_is_overdue_does_not_count() -> None:
    season, _fix = hurried(8)
    second = season.cut("2026.48.2", kind="hotfix", changes=("calico",))
    season.approve("tst", "promote", second)
    seq = season.ledgers["tst"].entries[-1].seq
    promote(season, "tst", second, expedited=True, approvals=[seq], authors=[ANNA])
    refused(season, "nobody did: schiff approve review 2026.48.1")


@pytest.mark.parametrize(("who", "counts"), [(BERT, True), (ANNA, False)])
def test_nobody_reviews_a_hotfix_of_their_own(who: str, counts: bool) -> None:
    season, fix = hurried(1)
    season.approve("tst", "review", fix, who)
    season.now += 30 * DAY + timedelta(hours=1)
    assert (overdue(season) == []) is counts


def test_a_train_is_not_held_up_by_an_overdue_review() -> None:
    season, _fix = hurried(20)
    train = season.cut("2026.50.0")
    season.approve("tst", "promote", train)
    season.step("tst")
    assert season.ledgers["tst"].state.rollout_of(train) is not None


def test_where_nobody_has_to_agree_nobody_has_to_review() -> None:
    season, _fix = hurried(8, PolicySpec())
    second = season.cut("2026.48.2", kind="hotfix", changes=("calico",))
    season.step("tst")
    assert second in season.ledgers["tst"].state.expedited

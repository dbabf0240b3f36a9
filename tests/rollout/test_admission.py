"""Whether a release may enter: I1, I16, I17 and I18, by the rules of `schiff.rollout.admission`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schiff.model.policy import PolicySpec
from schiff.rollout.admission import Request, admission
from schiff.rollout.bodies import PromoteBody
from schiff.rollout.proofs import Proofs
from schiff.values.names import Environment
from tests.rollout.forgery import promotion, steps, until
from tests.rollout.season import ANNA, BERT, Season, a_season
from tests.rollout.small_fleet import head_release


def codes(season: Season, environment: Environment, release: str, **fields: Any) -> set[str]:
    """Return the codes of everything that stands in the way."""
    body, plan = promotion(season, environment, release, **fields)
    before = {"tst": None, "ref": "tst", "prd": "ref"}[environment]
    stage = season.ledgers[before].state if before else None  # type: ignore[index]
    proofs = replace(season.proofs(environment), releases={one.digest: one for one in season.releases})
    request = Request(
        environment,
        PromoteBody.model_validate(body),
        plan,
        season.now,
        season.ledgers[environment].state,
        stage,
        proofs,
    )
    return {one.code for one in admission(request)}


def soaked(**fields: Any) -> tuple[Season, str]:
    """Return a season whose release soaked in ref."""
    season = a_season(**fields)
    release = season.cut("2026.48.0")
    until(season, "ref", release)
    steps(season, 17)
    return season, release


def test_with_evidence_and_somebody_who_agrees_nothing_stands_in_the_way() -> None:
    season, release = soaked()
    season.approve("prd", "promote", release)
    assert codes(season, "prd", release, approvals=[1]) == set()
    assert codes(season, "prd", release) == {"approval"}


def test_it_enters_once() -> None:
    season, release = soaked()
    assert "repeated" in codes(season, "ref", release)


def test_one_at_a_time() -> None:
    season = a_season()
    season.cut("2026.48.0")
    steps(season, 1)
    assert codes(season, "tst", season.cut("2026.50.0")) == {"busy"}


def test_in_an_environment_before_the_last_what_soaks_is_overtaken_by_a_hotfix_alone() -> None:
    season = a_season()
    season.cut("2026.48.0")
    steps(season, 5)
    train = season.cut("2026.50.0")
    fix = season.cut("2026.48.1", kind="hotfix", changes=("calico",))
    assert codes(season, "tst", train) == {"busy"}
    assert codes(season, "tst", fix, expedited=True) == set()


def test_a_train_is_not_hurried() -> None:
    season = a_season()
    assert codes(season, "tst", season.cut("2026.48.0"), expedited=True) == {"not-admitted"}


def test_a_hotfix_has_floors_and_two_people_skip_them() -> None:
    season = a_season(policy=PolicySpec.model_validate({"hotfix": {"floors": {"ref": "2d"}}}))
    fix = season.cut("2026.48.1", kind="hotfix", changes=("calico",))
    while season.ledgers["ref"].state.completed != fix:
        steps(season, 0.125)
    assert codes(season, "prd", fix, expedited=True) == {"not-soaked", "approval"}
    season.approve("prd", "promote", fix)
    season.approve("prd", "skip", fix)
    assert "not-soaked" in codes(season, "prd", fix, expedited=True, approvals=[1, 2])
    season.approve("prd", "skip", fix, "carl@platform.example")
    assert codes(season, "prd", fix, expedited=True, approvals=[1, 2, 3]) == set()


def test_a_later_release_takes_no_hotfix_away() -> None:
    """I18 *Fix-forward*."""
    season = a_season()
    season.cut("2026.48.1", kind="hotfix", changes=("calico",))
    steps(season, 20)
    old = head_release(calico="v3.30.0").components
    assert "not-fixed" in codes(season, "tst", season.cut("2026.50.0", components=old))
    assert codes(season, "tst", season.cut("2026.50.1", components=old, supersedes=("2026.48.1",))) == set()


def test_what_the_environment_before_never_showed_is_named() -> None:
    season, release = soaked()
    season.approve("prd", "promote", release)
    plan = season.plan("prd", release)
    odd = replace(plan, members={key: replace(one, zone="internet") for key, one in plan.members.items()})
    assert codes(season, "prd", release, approvals=[1], planned=odd, firstIn=[]) == {"not-represented"}
    assert codes(season, "prd", release, approvals=[1], planned=odd) == set()


def test_waves_are_those_of_the_policy() -> None:
    season = a_season()
    release = season.cut("2026.48.0")
    plan = season.plan("tst", release)
    assert codes(season, "tst", release, planned=replace(plan, waves=plan.waves[::-1])) == {"not-admitted"}


@pytest.mark.parametrize(("ref", "sites"), [(1, 1), (2, 3)])
def test_too_few_clusters_or_sites_show_nothing(ref: int, sites: int) -> None:
    season, release = soaked(ref=ref, policy=PolicySpec.model_validate({"environments": {"ref": {"sites": sites}}}))
    season.approve("prd", "promote", release)
    assert codes(season, "prd", release, approvals=[1]) == {"nothing-to-judge"}


def test_self_asserted_time_does_where_no_witness_is_asked_for() -> None:
    season, release = soaked(witnessed=False)
    season.approve("prd", "promote", release)
    assert codes(season, "prd", release, approvals=[1]) == set()
    season.policy = PolicySpec.model_validate({"environments": {"prd": {"witness": "required"}}})
    assert codes(season, "prd", release, approvals=[1]) == {"self-dated"}


def test_an_approval_that_overrides_a_freeze_is_held_like_any_other() -> None:
    season = a_season()
    fix = season.cut("2026.48.1", kind="hotfix", changes=("calico",))
    for who, expected in ((BERT, set()), (ANNA, {"approval"})):
        season.approve("tst", "freeze", fix, who)
        seq = season.ledgers["tst"].entries[-1].seq
        assert codes(season, "tst", fix, expedited=True, approvals=[seq], authors=[ANNA]) == expected
    season.signers["tst"] = dict(Proofs(None, {}).signers)
    assert codes(season, "tst", fix, expedited=True, approvals=[1], authors=[ANNA]) == {"approval"}

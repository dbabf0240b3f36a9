"""What anybody with the right to push could write: entries that are well formed and well hashed, and lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from schiff.errors import Refused
from schiff.rollout.admission import first_in
from schiff.rollout.bodies import Reason
from schiff.rollout.plan import Plan
from schiff.rollout.refusals import Refusal
from schiff.rollout.situation import Wait
from schiff.values.digests import digest
from schiff.values.names import ENVIRONMENTS, ClusterKey, Environment
from tests.rollout.season import Season

STEP = timedelta(hours=3)
DAY = timedelta(days=1)
SOME_DIGEST = digest("something else")


def outcome(wait: Wait) -> tuple[str, int]:
    """Return code and exit status of what an environment waits for."""
    return outcome_of(wait.refusal)


def outcome_of(refusal: Refusal) -> tuple[str, int]:
    """Return code and exit status of a refusal."""
    error = refusal.error()
    return error.code, error.status


def promotion(season: Season, environment: Environment, release: str, **fields: Any) -> tuple[dict[str, Any], Plan]:
    """Return the body of a promotion on the newest evidence, whether or not it may be, and its plan."""
    plan = fields.pop("planned", None) or season.plan(environment, release)
    number = ENVIRONMENTS.index(environment)
    before = season.ledgers[ENVIRONMENTS[number - 1]] if number else None
    earlier = before.state.rollout_of(release) if before is not None else None
    source = {"env": before.environment, **before.head._asdict()} if before is not None and before.head else None
    body = {
        "release": release,
        "name": next(one.name for one in season.releases if one.digest == release),
        "plan": plan.digest,
        "policy": plan.policy.digest,
        "source": source,
        "approvals": [],
        "authors": [],
        "firstIn": list(first_in(plan, earlier)) if earlier is not None else [],
        "expedited": False,
        **fields,
    }
    return body, plan


def promote(season: Season, environment: Environment, release: str, **fields: Any) -> None:
    """Write a promotion by hand."""
    body, plan = promotion(season, environment, release, **fields)
    season.append(environment, "promote", body, objects={plan.digest: plan.to_bytes()})


def move(
    season: Season,
    environment: Environment,
    keys: Iterable[ClusterKey],
    release: str,
    why: Reason = "wave",
    **fields: Any,
) -> None:
    """Write a move by hand."""
    pins = {str(key): {"release": release, "kubernetes": "v1.35.4"} for key in keys}
    season.append(environment, "move", {"clusters": pins, "managementClusters": {}, "why": why, **fields})


def refused(season: Season, said: str) -> None:
    """See the chains refused, with status 11."""
    with pytest.raises(Refused, match=said) as error:
        season.verify()
    assert (error.value.code, error.value.status) == ("not-admitted", 11)


def until(season: Season, environment: Environment, release: str, days: int = 40) -> None:
    """Let time pass until a release was promoted to an environment."""
    for _ in range(days):
        if season.ledgers[environment].state.rollout_of(release) is not None:
            return
        if environment == "prd":
            season.approve("prd", "promote", release)
        season.go(DAY, STEP)
    raise AssertionError(f"{release} never reached {environment}")


def steps(season: Season, days: float) -> Mapping[Environment, Wait]:
    """Let days pass."""
    return season.go(timedelta(days=days), STEP)

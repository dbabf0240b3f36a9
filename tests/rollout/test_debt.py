from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schiff.rollout.debt import debt
from schiff.rollout.support import end_of_support
from schiff.rollout.way_back import Standing
from tests.rollout.versions import layers_of, release_of, version

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CALICO = {"version": "v3.32.1", "kubernetes": ">=1.34,<1.37"}
OLD = layers_of(release_of("1.33.5", name="2026.40.0", cut="2026-09-29T07:00:00Z"))
MIDDLE = layers_of(release_of("1.34.6", name="2026.42.0", cut="2026-10-13T07:00:00Z"))
NEW = layers_of(release_of("1.35.4", name="2026.44.0", cut="2026-10-27T08:00:00Z", calico=CALICO))
COMPLETED = (OLD, MIDDLE, NEW)
HELD = Standing(OLD.digest, version("1.33.5"))


def test_a_held_cluster_owes_what_it_missed() -> None:
    found = debt(HELD, COMPLETED, (), NOW, 7)
    assert json.loads(json.dumps(found.as_json())) == {
        "releasesBehind": 2,
        "daysBehind": 42,
        "minorsBehind": 2,
        "supportEnds": "2026-06-28",
        "supportDays": -149,
        "losing": ["calico v3.32.1 of release 2026.44.0 needs Kubernetes >=1.34,<1.37"],
        "machines": 7,
    }
    assert found.sentence() == (
        "2 releases, 42 days and 2 minors behind; its Kubernetes has been without support for 149 days;"
        " calico v3.32.1 of release 2026.44.0 needs Kubernetes >=1.34,<1.37; 7 machines will roll"
    )


def test_a_revoked_release_was_not_missed() -> None:
    found = debt(HELD, COMPLETED, {NEW.digest}, NOW, 1)
    assert (found.releases, found.minors, found.losing) == (1, 1, ())
    assert found.sentence().startswith("1 release, 42 days and 1 minor behind;")
    assert found.sentence().endswith("; 1 machine will roll")


def test_whoever_runs_the_newest_owes_nothing() -> None:
    found = debt(Standing(NEW.digest, version("1.35.4")), COMPLETED, (), NOW, 7)
    assert found.is_none
    assert found.sentence() == "behind by nothing; 96 days to the end of its Kubernetes support"
    assert found.machines == 0


def test_a_plane_that_no_longer_knows_the_minor_is_said() -> None:
    ahead = layers_of(release_of("1.35.4", name="2026.46.0", capi="v1.14.0", cut="2026-11-10T08:00:00Z"))
    found = debt(Standing(OLD.digest, version("1.30.2")), (OLD, ahead), (), NOW, 3)
    assert "release 2026.46.0 cannot look after it: v1.30.2 is outside 1.31-1.36" in found.sentence()


def test_support_of_an_unknown_minor_is_not_made_up() -> None:
    found = debt(Standing(NEW.digest, version("1.99.0")), COMPLETED, (), NOW, 0)
    assert (found.as_json()["supportEnds"], found.as_json()["supportDays"]) == (None, None)
    assert "not known" in found.sentence()


@pytest.mark.parametrize("minor", range(30, 38))
def test_minors_that_the_management_plane_knows_have_an_end(minor: int) -> None:
    ends, next_ends = (end_of_support(version(f"1.{it}")) for it in (minor, minor + 1))
    assert ends is not None
    assert next_ends is None or next_ends > ends


@given(days=st.integers(0, 2000), revoked=st.sets(st.sampled_from([it.digest for it in COMPLETED])))
def test_debt_only_grows_while_nothing_moves(days: int, revoked: set[str]) -> None:
    before = debt(HELD, COMPLETED, revoked, NOW, 7)
    later = debt(HELD, COMPLETED, revoked, NOW + timedelta(days=days), 7)
    assert later.days - before.days == (days if before.releases else 0)
    assert (later.releases, later.minors) == (before.releases, before.minors)
    assert (before.support_days or 0) - (later.support_days or 0) == days

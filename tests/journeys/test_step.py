"""`schiff step` with the real engine: it delivers what the ledger holds, lets a release in, and adds nothing twice."""

from __future__ import annotations

from typing import Any

from tests.journeys.pulumi_project import PulumiProject


def step(project: PulumiProject, status: int) -> Any:
    return project.json("step", "-e", "tst", status=status)


def test_a_step_delivers_lets_a_release_in_and_waits_for_somebody_to_tell_the_time(undelivered: PulumiProject) -> None:
    first = step(undelivered, 0)
    assert [one["doing"] for one in first["steps"]] == ["deliver"]
    assert first["waitsFor"]["code"] == "no-train"

    again = step(undelivered, 10)
    assert (again["steps"], again["code"]) == ([], "no-train")

    undelivered.edit("defaults.yaml", "labels", {"edition": "next"})
    undelivered.commit_fleet()
    undelivered.schiff("release", "cut", "--fleet", "stacks/fleet", "--name", "2026.49.0")
    waiting = step(undelivered, 10)
    assert waiting["steps"] == []

    undelivered.commit_fleet()
    entered = step(undelivered, 0)
    assert [one["entry"]["kind"] for one in entered["steps"] if one["entry"]] == ["promote"]
    assert (entered["waitsFor"]["code"], "no API server told its time" in entered["waitsFor"]["message"]) == (
        "skew",
        True,
    )
    assert step(undelivered, 10)["waitsFor"]["code"] == "skew"

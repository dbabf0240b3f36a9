"""Rules about when a cluster may move, which would otherwise stop a whole environment on the day of a promotion.

================  =========================================================================================
window-too-short  a move fits into one of the windows of its cluster: its own, or those of policy's environment
================  =========================================================================================

`tst` clusters that follow the working copy never move, so their windows are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from schiff.checks.fleet_subjects import Subject
from schiff.errors import Problem
from schiff.model.windows import WindowSpec
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.plan import ManagementMember
from schiff.rollout.waves import expected_duration
from schiff.rollout.windows import is_ever_open
from schiff.values.durations import format_duration


def window_problems(clusters: Sequence[Subject]) -> Iterator[Problem]:
    """Give every cluster that could never start to move."""
    for subject in clusters:
        windows, takes = _windows(subject), _takes(subject)
        if _moves(subject) and not is_ever_open(windows, takes):
            listed = "; ".join(map(str, windows))
            message = f"a move of {subject.label} takes {format_duration(takes)}, and no window is so long ({listed})"
            cure = "open one longer here, or in policy.yaml lower waves.deadlinePerMachine or open the environment's"
            yield subject.problem(("windows",), message, cure, "window-too-short")


def _moves(subject: Subject) -> bool:
    return subject.cluster.self_managed or is_pinnable(
        subject.fleet, subject.fleet.orders[subject.cluster.identity.key]
    )


def _windows(subject: Subject) -> tuple[WindowSpec, ...]:
    """Return the windows that apply; those in a management cluster's own order are not read."""
    own = () if subject.cluster.self_managed else subject.cluster.spec.windows
    return own or subject.fleet.policy.environment(subject.cluster.spec.environment).windows


def _takes(subject: Subject) -> timedelta:
    """Return how long a move is expected to take, which depends on the number of machines alone."""
    start = subject.cluster.assignment
    mover = ManagementMember(subject.label, subject.machines, start, (start.kubernetes,))
    return expected_duration(mover, subject.fleet.policy)

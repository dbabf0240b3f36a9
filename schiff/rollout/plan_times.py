"""Whether a plan has the time it needs: windows that are long enough, and an end before the next train leaves.

No clock is read: windows repeat every week, so any fortnight in which no clock changes tells of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from schiff.errors import Refused
from schiff.model.windows import WindowSpec
from schiff.rollout.listing import few
from schiff.rollout.plan import Plan
from schiff.rollout.waves import expected_duration, plan_duration
from schiff.rollout.windows import is_ever_open
from schiff.values.durations import format_duration

Need = tuple[tuple[WindowSpec, ...], timedelta]


def require_time(plan: Plan) -> None:
    """Raise `Refused` for a plan with a cluster that could never start, or that outlives the interval of trains."""
    if never := list(_never_open(plan)):
        raise Refused("; ".join(never), "no-window")
    takes, every = plan_duration(plan), plan.policy.trains.every.delta
    if takes > every:
        raise Refused(
            f"the plan takes at least {format_duration(takes)}, and a train leaves every {format_duration(every)};"
            " raise waves.maxUnavailable or waves.caps, shorten waves.bake or waves.deadlinePerMachine,"
            " or let trains leave less often (trains.every)",
            "too-long",
        )


def _never_open(plan: Plan) -> Iterator[str]:
    needs: dict[Need, list[str]] = defaultdict(list)
    for member in plan.members.values():
        needs[member.windows, expected_duration(member, plan.policy)].append(str(member.key))
    windows = plan.policy.environments[plan.environment].windows
    for manager in plan.management_clusters.values():
        needs[windows, expected_duration(manager, plan.policy)].append(manager.name)
    sentences = (_never(need, names) for need, names in needs.items())
    yield from sorted(sentence for sentence in sentences if sentence)


def _never(need: Need, names: list[str]) -> str | None:
    if is_ever_open(*need):
        return None
    listed = "; ".join(map(str, need[0]))
    return (
        f"{few(names)} could never start: a move takes {format_duration(need[1])}, and no window is open for so long"
        f" ({listed}); open one longer, or lower waves.deadlinePerMachine"
    )

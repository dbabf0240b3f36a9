"""How far one cluster is in a rollout: a small machine that moves and observations drive.

The states are those of the specification: Pending, Held and Deferred before a
move, Moving and Verifying after one, Done; Failed and Unknown; Gone.

1. A move starts a hop. Health from before it says nothing about it.
2. A hop is done when Healthy was seen twice, at least `bake` apart, on the new release, and never anything else in
   between. Before the last hop the cluster may then be moved again; after it, it is Done.
3. Unhealthy for longer than `grace`, or not there by the deadline, is Failed. Unknown never is, for nobody can say;
   but where it would have failed had it been Unhealthy, it is *in doubt*, and others wait as if it had.
4. Failed ends by a person's ack and a Healthy look after it, which begins the bake anew.
5. A cluster that disappears while it is Pending or Done is Gone; in between it counts as Failed until somebody acks it.
6. A hold that is set while a cluster moves takes effect after its hop.
7. Done that is Unhealthy or Unknown *burns*: what this rollout changed may be why. It stops whatever is new until it
   is seen well, or a person vouches for it. It has not failed: it is waited for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from schiff.rollout.health import Verdict


class Phase(StrEnum):
    """Where a cluster is; the spelling is that of ``--json``."""

    Pending = "Pending"
    Held = "Held"
    Deferred = "Deferred"
    Moving = "Moving"
    Verifying = "Verifying"
    Done = "Done"
    Failed = "Failed"
    Unknown = "Unknown"
    Gone = "Gone"


IN_FLIGHT = frozenset({Phase.Moving, Phase.Unknown, Phase.Failed})
"""What counts against `maxUnavailable` and the caps."""

_UNWELL = (Verdict.Unhealthy, Verdict.Unknown)


class Pace(NamedTuple):
    """The times that a rollout gives one cluster."""

    bake: timedelta
    grace: timedelta
    deadline: timedelta


class Progress(NamedTuple):
    """What is known of a cluster since the rollout began; `hop` is -1 before the first move."""

    hops: int
    pace: Pace
    hop: int = -1
    moved: datetime | None = None
    seen: Verdict | None = None
    healthy_since: datetime | None = None
    unhealthy_since: datetime | None = None
    unknown_since: datetime | None = None
    hop_done: bool = False
    failed: bool = False
    in_doubt: bool = False
    acked: bool = False
    held: bool = False
    gone: bool = False

    @property
    def phase(self) -> Phase:
        """The state it is in."""
        if self.failed:
            return Phase.Failed
        if self.gone:
            return Phase.Gone
        if self.is_done:
            return Phase.Done
        if self.hop >= 0 and not self.hop_done:
            return self._under_way
        if self.held:
            return Phase.Held
        if self.hop < 0:
            return Phase.Pending if self.seen in (None, Verdict.Healthy) else Phase.Deferred
        return Phase.Verifying

    @property
    def _under_way(self) -> Phase:
        if self.seen is Verdict.Unknown:
            return Phase.Unknown
        return Phase.Verifying if self.healthy_since is not None else Phase.Moving

    @property
    def is_done(self) -> bool:
        """Whether its last hop is done."""
        return self.hop_done and self.hop == self.hops - 1

    @property
    def is_settled(self) -> bool:
        """Whether the same look once more would change nothing: no hop is under way."""
        return self.gone or self.moved is None or self.hop_done

    @property
    def is_unwell(self) -> bool:
        """Whether it failed, or may have, or was not well when it was seen last."""
        return self.failed or self.in_doubt or self.seen in _UNWELL

    @property
    def burns(self) -> bool:
        """Whether it was done and is not well now, as far as anybody can tell, and nobody vouched for it."""
        return self.is_done and self.seen in _UNWELL and not (self.gone or self.acked)

    @property
    def may_start(self) -> bool:
        """Whether the next hop may start: it was seen Healthy on what it runs, and nothing holds it."""
        ready = self.hop < 0 or (self.hop_done and not self.is_done)
        return ready and not (self.held or self.gone or self.failed) and self.seen is Verdict.Healthy

    def started(self, at: datetime) -> Progress:
        """Return it after a move."""
        return Progress(self.hops, self.pace, self.hop + 1, at, held=self.held)

    def looked(self, at: datetime, verdict: Verdict) -> Progress:
        """Return it after an observation; `verdict` is on the release and version of its present hop."""
        if self.gone:
            return self
        if self.moved is None or self.hop_done:
            acked = self.acked and verdict is not Verdict.Healthy
            return self if (self.seen, self.acked) == (verdict, acked) else self._replace(seen=verdict, acked=acked)
        if at <= self.moved:
            return self
        if verdict is Verdict.Unknown:
            return _unknown(self, at)
        if verdict is Verdict.Healthy:
            return _healthy(self, at)
        seen = self._replace(seen=verdict, unknown_since=None, in_doubt=False)
        if verdict is Verdict.Unhealthy:
            return _unhealthy(seen, at)
        return _late(seen._replace(healthy_since=None), at)

    def vanished(self) -> Progress:
        """Return it after its order went away."""
        lost = self.hop >= 0 and not self.is_done
        return self._replace(gone=True, failed=lost or self.failed)

    def held_back(self) -> Progress:
        """Return it after a customer set a hold; one that moves finishes its hop first."""
        return self._replace(held=True)

    def released(self) -> Progress:
        """Return it after the hold was taken away."""
        return self._replace(held=False)

    def acknowledged(self) -> Progress:
        """Return it after a person vouched for it; what is gone is gone for good."""
        if self.gone:
            return self._replace(failed=False)
        return self._replace(acked=self.acked or self.failed or self.burns)


def _healthy(seen: Progress, at: datetime) -> Progress:
    """Let it be Healthy, in one step: nearly every look at what is under way is one of these."""
    if seen.failed and not seen.acked:
        return seen._replace(seen=Verdict.Healthy, unknown_since=None, in_doubt=False)
    since = seen.healthy_since or at
    done = at - since >= seen.pace.bake
    return seen._replace(
        seen=Verdict.Healthy,
        healthy_since=since,
        unhealthy_since=None,
        unknown_since=None,
        hop_done=done,
        failed=False,
        in_doubt=False,
        acked=False,
    )


def _unhealthy(seen: Progress, at: datetime) -> Progress:
    since = seen.unhealthy_since or at
    failed = seen.failed or at - since > seen.pace.grace
    return _late(seen._replace(healthy_since=None, unhealthy_since=since, failed=failed), at)


def _unknown(before: Progress, at: datetime) -> Progress:
    """Doubt what would have failed by now if it had been Unhealthy since it was last seen: it only waits."""
    since = before.unknown_since or at
    doubt = _is_late(before, at) or at - (before.unhealthy_since or since) > before.pace.grace
    return before._replace(seen=Verdict.Unknown, healthy_since=None, unknown_since=since, in_doubt=doubt)


def _late(seen: Progress, at: datetime) -> Progress:
    """Fail what is not there by its deadline."""
    return seen._replace(failed=True) if _is_late(seen, at) else seen


def _is_late(progress: Progress, at: datetime) -> bool:
    return progress.moved is not None and at - progress.moved > progress.pace.deadline

"""A chain that closes one that does not hold: `schiff rollback --unverified`, and when it may be.

Nothing is delivered from a broken ledger, also when production burns. The one
way on is a new beginning, and the memories of the old chain contradict it: so
its numbers go on where they end, and what lies before is excused. The rules, in
the order of the code:

1. What is closed is named by the newest entry that anybody remembers; of two memories of one number, a witness's.
2. It is agreed to by two people, over all that the beginning says: no one person, and no bot, makes evidence void.
3. An agreement had not expired when the beginning was written, nor when a witness received it, where that was so much
   later that nobody believes its time: two people who once thought better of it have not agreed for ever.
4. Clusters return to what they ran at a delivered commit, yet Kubernetes never goes down, a removal never goes back,
   and what was ordered since stays: nothing is deleted by going back.
5. Releases that clusters leave by it are revoked, and so is whatever the closed chain had revoked; the hotfixes that
   ran by that chain still bind what comes later.

Evidence does not outlive its chain: no soak and no rollout is taken over, a release is promoted anew.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from schiff.errors import Refused, Tampered
from schiff.model.fleet import Fleet
from schiff.model.policy import SoakPolicy
from schiff.model.tenant_cluster import Removal
from schiff.rollout.bodies import Agreement, Closed, GenesisBody, RanHotfix, Verb
from schiff.rollout.candidates import is_pinnable
from schiff.rollout.entry import Entry
from schiff.rollout.genesis import newest_release, orders_of
from schiff.rollout.ledger import Head, Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.names import release_order
from schiff.values.digests import HEAD, digest_of_bytes
from schiff.values.names import ClusterKey, Environment
from schiff.values.versions import KubernetesVersion

VERB: Final[Verb] = "rollback-unverified"
PEOPLE: Final = 2
_AGREED: Final = "agreed"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a cluster was delivered with."""

    release: str
    kubernetes: KubernetesVersion
    removal: Removal | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What outlives a closed chain: the releases that it revoked, with the reasons, and the hotfixes that ran."""

    revoked: Mapping[str, str] = field(default_factory=dict)
    expedited: Mapping[str, RanHotfix] = field(default_factory=dict)


NOTHING_SAID = Said()

Delivered = Mapping[ClusterKey | str, Standing]
"""What every cluster was delivered with; a management cluster is named by its name alone."""


def last_remembered(witnessed: Head | None, seen: Iterable[Head], written: Head | None) -> Head | None:
    """Return the newest entry that anybody remembers: a witness, whoever delivered, or the branch itself."""
    ordered = [head for head in (witnessed, *sorted(seen), written) if head is not None]
    return max(ordered, key=lambda head: head.seq, default=None)


def subject_of(body: Mapping[str, Any]) -> str:
    """Return the digest that people sign: of everything that a beginning says, but who agreed."""
    said = {name: value for name, value in body.items() if name != _AGREED}
    return digest_of_bytes(json.dumps(said, separators=(",", ":"), sort_keys=True).encode())


def in_time(entry: Entry, received: datetime | None = None) -> tuple[Agreement, ...]:
    """Return the agreements of a beginning that had not expired when it was written, or received far too late."""
    body, at = entry.said, parse_moment(entry.at)
    agreed = body.agreed if isinstance(body, GenesisBody) else ()
    moment = received if received is not None and received - at > SoakPolicy().max_gap.delta else at
    return tuple(one for one in agreed if parse_moment(one.expires) >= moment)


def require_agreed(ledger: Ledger, people: Collection[str]) -> None:
    """Raise `Tampered` unless enough people agreed to a chain that closes another; `people` are those who signed."""
    if ledger.closes is not None and len(set(people)) < PEOPLE:
        raise Tampered(
            f"the ledger of {ledger.environment} closes an earlier chain at entry {ledger.first}: {PEOPLE} approvers"
            f" have to agree to that, and the signatures of {len(set(people)) or 'nobody'} hold"
        )


def beginning(
    environment: Environment, closed: Closed, body: Mapping[str, Any], *, at: str, actor: str, fleet: str
) -> Entry:
    """Return the entry that begins a chain after a closed one."""
    return Entry(closed.seq + 1, None, environment, "genesis", at, None, actor, fleet, body)


@dataclass(frozen=True, slots=True)
class Return:
    """The way of an environment back: what its clusters run now, and what they ran at the good commit."""

    fleet: Fleet
    environment: Environment
    now: Delivered
    good: Delivered

    @property
    def left(self) -> tuple[tuple[str, str], ...]:
        """The releases that clusters leave, each with the one they return to, sorted."""
        tenants = ((self.now.get(key), run) for key, run in self.good.items() if isinstance(key, ClusterKey))
        pairs = {(run.release, to.release) for run, to in tenants if run is not None}
        return tuple(sorted(pair for pair in pairs if pair[0] != pair[1] and HEAD not in pair))

    @property
    def release(self) -> str:
        """The release that counts as completed: the one that most clusters ran, of two the older."""
        known = self.fleet.releases
        counted = Counter(run.release for run in self.good.values() if run.release in known)
        if counted:
            order = {digest: release_order(known[digest].release) for digest in counted}
            return min(counted, key=lambda digest: (-counted[digest], order[digest]))
        newest = newest_release(self.fleet)
        if newest is None:
            raise Refused(f"{self.environment} has no release to start from; cut the first one", "no-release")
        return newest.digest

    def body(self, closed: Closed, said: Said = NOTHING_SAID) -> dict[str, Any]:
        """Return the body of the beginning, without the people who agree; `said` is left of the closed chain."""
        returned = {run.release for run in self.good.values()}
        taken_back = {release: closed.reason for release, _ in self.left if release not in returned}
        revoked = {release: reason for release, reason in said.revoked.items() if release not in returned}
        return {
            "release": self.release,
            "clusters": self._clusters(taken_back),
            "managementClusters": self._management_clusters(),
            "grandfathered": True,
            "closes": closed.as_document(),
            "revoked": {**revoked, **taken_back},
            "expedited": {release: ran.as_document() for release, ran in said.expedited.items()},
        }

    def _clusters(self, revoked: Collection[str]) -> dict[str, Any]:
        return {
            str(order.key): self._pin(order.key, revoked, follows_head=not is_pinnable(self.fleet, order))
            for order in orders_of(self.fleet, self.environment)
        }

    def _pin(self, key: ClusterKey, revoked: Collection[str], *, follows_head: bool) -> dict[str, Any]:
        now, good = self.now.get(key), self.good.get(key)
        removal = {"removal": now.removal} if now is not None and now.removal else {}
        if follows_head:
            return {"release": HEAD, "kubernetes": str(self.fleet.head.release.kubernetes.version), **removal}
        run = good or (now if now is not None and now.release not in revoked else self._start)
        kubernetes = max(run.kubernetes, now.kubernetes) if now is not None else run.kubernetes
        return {"release": run.release, "kubernetes": str(kubernetes), **removal}

    @property
    def _start(self) -> Standing:
        """What a cluster starts on that was ordered after the good commit."""
        layers = self.fleet.releases[self.release]
        return Standing(self.release, layers.release.kubernetes.version)

    def _management_clusters(self) -> dict[str, Any]:
        """Return what management clusters run now: Cluster API and its providers do not go down."""
        runs = {name: self.now.get(name, self._start) for name in sorted(self._owned)}
        return {name: {"release": run.release, "kubernetes": str(run.kubernetes)} for name, run in runs.items()}

    @property
    def _owned(self) -> Collection[str]:
        clusters = self.fleet.management_clusters.items()
        return [name for name, cluster in clusters if cluster.spec.owning_environment == self.environment]

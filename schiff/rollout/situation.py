"""What a decision depends on, and the steps it can be: values that the edges fill in and carry out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from schiff.model.policy import PolicySpec
from schiff.model.release import Assignment
from schiff.model.tenant_cluster import Removal
from schiff.rollout.bodies import Kind, Pin
from schiff.rollout.ledger import Ledger
from schiff.rollout.plan import Plan
from schiff.rollout.proofs import Proofs, Release
from schiff.rollout.refusals import Refusal
from schiff.rollout.running import Rollout
from schiff.rollout.sights import Report
from schiff.values.names import ClusterKey


class Through(NamedTuple):
    """A state of removal that was seen to be through, and the digest of what was seen."""

    state: Removal
    report: str


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in this very run; `server` is the time that the API servers named.

    `removed` are the clusters that were seen to be through with a state of their removal.
    """

    at: datetime
    server: datetime | None
    report: Report
    plane: str
    removed: Mapping[ClusterKey, Through] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate(Release):
    """A release of the fleet; `authors` are those whose own change it is."""

    authors: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its label."""
        return self.release.name


@dataclass(frozen=True, slots=True)
class Train:
    """The next cut of a release from head: when it may be, and whether head has anything to carry."""

    due: datetime
    changed: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a decision depends on.

    `delivered` is the number of the ledger's head when it was delivered last.
    `orders` are the clusters of the environment that releases are moved to, and
    whether each is held now; `assigned` is what they run by the ledger.
    `releases` are the fleet's, oldest first. `plan` makes the plan of one, and
    may refuse. `revoked` are releases that any
    environment before took back, `ways` the ways back of held clusters.
    """

    ledger: Ledger
    before: Ledger | None
    proofs: Proofs
    now: datetime
    policy: PolicySpec
    releases: Sequence[Candidate]
    plan: Callable[[str], Plan]
    orders: Mapping[ClusterKey, bool]
    assigned: Mapping[ClusterKey, Assignment]
    delivered: int | None
    revoked: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[ClusterKey, Sequence[Pin]] = field(default_factory=dict)
    look: Look | None = None
    train: Train | None = None

    @property
    def rollout(self) -> Rollout | None:
        """The rollout of the environment, running or finished."""
        return self.ledger.state.rollout


@dataclass(frozen=True, slots=True)
class Append:
    """An entry to write, with what it cites; then ask again."""

    kind: Kind
    body: Mapping[str, Any]
    sentence: str
    objects: Mapping[str, bytes] = field(default_factory=dict)
    at: datetime | None = None
    server: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observe:
    """Look at the clusters, then ask again."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver what the ledger assigns, then ask again."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut a release from head, then ask again."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is legal now, and why."""

    refusal: Refusal


Step = Append | Observe | Deliver | Cut | Wait

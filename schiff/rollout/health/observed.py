"""What was seen of a cluster, and when: the live objects of both API servers, and trees of commits they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from schiff.errors import InvalidValue
from schiff.rollout.health.verdicts import Finding

ObjectKey = tuple[str, str, str, str]
"""API group, kind, namespace, name."""


@dataclass(frozen=True)
class Seen:
    """The objects of one API server as it gave them; with `trouble` nothing on that side can be known."""

    objects: Mapping[ObjectKey, Any] = field(default_factory=dict)
    trouble: Finding | None = None


@dataclass(frozen=True)
class Observation:
    """One look at one cluster; of a management cluster, both sides are its own API server.

    `trees` says what lies at a path in a commit of a repository: a tree id, or
    an empty text when the commit has nothing there. A commit nobody could find
    is not in it.
    """

    management: Seen
    tenant: Seen
    trees: Mapping[tuple[str, str, str], str]
    at: datetime

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise InvalidValue(f"{self.at.isoformat()} has no time zone, so no other moment can be held against it")

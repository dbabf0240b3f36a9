"""How many clusters of a rollout count, and how they are: kept from look to look, so that only who changed is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from schiff.values.names import ClusterKey


class Part(NamedTuple):
    """What one cluster of the population adds."""

    healthy: bool
    unhealthy: bool
    done: bool


_NOTHING = Part(healthy=False, unhealthy=False, done=False)


@dataclass(slots=True)
class Census:
    """The population with what each adds, and the sums."""

    parts: dict[ClusterKey, Part] = field(default_factory=dict)
    healthy: int = 0
    unhealthy: int = 0
    done: int = 0

    def copy(self) -> Census:
        """Return a census that goes on without changing this one."""
        return replace(self, parts=dict(self.parts))

    @property
    def total(self) -> int:
        """How many count."""
        return len(self.parts)

    def put(self, key: ClusterKey, part: Part | None) -> None:
        """Take what a cluster adds from now on; None for one that does not count."""
        before = self.parts.get(key)
        if part == before:
            return
        less, more = before or _NOTHING, part or _NOTHING
        self.healthy += more.healthy - less.healthy
        self.unhealthy += more.unhealthy - less.unhealthy
        self.done += more.done - less.done
        if part is None:
            del self.parts[key]
        else:
            self.parts[key] = part

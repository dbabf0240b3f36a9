"""What goes wrong in a season: drawn from its seed, so that a story can be told again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from schiff.values.names import ClusterKey

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong for a while, and what people are told of it."""

    start: datetime
    end: datetime
    sentence: str

    def lasts(self, now: datetime) -> bool:
        """Whether it is so at this moment."""
        return self.start <= now < self.end


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one season.

    `wrong_clock` is a moment at which the runner's clock is two weeks ahead,
    `dies_moving` and `dies_telling` are moments after which one run dies: between a
    move and its delivery, and between an entry and its witness.
    """

    slow: str
    sick: tuple[str, Trouble]
    unreachable: tuple[str, Trouble]
    off: Trouble
    wrong_clock: datetime
    dies_moving: datetime
    dies_telling: datetime

    @classmethod
    def drawn(
        cls, random: Random, start: datetime, candidates: Collection[ClusterKey], reference: Collection[ClusterKey]
    ) -> Faults:
        """Draw the faults of a season that begins at midnight; `candidates` soak in `tst`, `reference` in `ref`."""
        first, second = sorted(candidates), sorted(reference)
        slow, sick = str(random.choice(second or first)), str(random.choice(first or second))
        site = random.choice(sorted({key.site for key in second or first}))
        ill = start + random.randint(6, 8) * _DAY + 7 * _HOUR
        away = start + random.randint(24, 30) * _DAY + 2 * _HOUR
        off = start + random.randint(9, 13) * _DAY + 9 * _HOUR
        return cls(
            slow,
            (sick, Trouble(ill, ill + 3 * _HOUR, f"a machine of {sick} is not ready for three hours")),
            (site, Trouble(away, away + 30 * _HOUR, f"site {site} cannot be reached for thirty hours")),
            Trouble(off, off + 2 * _DAY, "the runner of the schedule is off for two days"),
            start + random.randint(3, 5) * _DAY + 12 * _HOUR,
            start + random.randint(1, 3) * _DAY,
            start + random.randint(15, 17) * _DAY,
        )

    def begun(self, before: datetime, now: datetime) -> Iterator[str]:
        """Yield what people are told of the troubles that began between two moments."""
        for trouble in self._troubles:
            if before < trouble.start <= now:
                yield trouble.sentence

    def deaths(self, before: datetime, now: datetime) -> set[str]:
        """Return where a run dies that begins now: after the next move, after the next thing that is seen."""
        moments = {"moving": self.dies_moving, "telling": self.dies_telling}
        return {where for where, moment in moments.items() if before < moment <= now}

    def misleads(self, before: datetime, now: datetime) -> bool:
        """Whether the runner's clock is wrong now."""
        return before < self.wrong_clock <= now

    @property
    def _troubles(self) -> Sequence[Trouble]:
        return self.sick[1], self.unreachable[1], self.off

    def slowness(self, name: str) -> int:
        """Return how many times longer than others a cluster takes for each machine."""
        return 3 if name == self.slow else 1

    def hides(self, name: str, now: datetime) -> bool:
        """Whether a cluster cannot be seen."""
        site, trouble = self.unreachable
        return name.startswith(f"{site}/") and trouble.lasts(now)

    def sickens(self, name: str, now: datetime) -> bool:
        """Whether a cluster is unhealthy."""
        sick, trouble = self.sick
        return name == sick and trouble.lasts(now)

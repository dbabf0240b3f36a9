"""How long a release has demonstrably run well.

1. Only time *between* two good observations of this very release counts: silence earns nothing, so an observer
   that was off for a week adds no soak.
2. Between two neighbours that are further apart than `maxGap` nothing counts.
3. An observation is good when enough of the population is healthy on the release and nothing is unhealthy.
4. What is progressing, unknown or unhealthy for less than `grace` earns nothing and resets nothing; longer resets.
   Only a good observation ends trouble: one that saw nothing in between does not.
5. An observation that does not count (`schiff.rollout.clock`) breaks the time it stands in: dropping or back-dating
   one can only lose soak.

It follows that 0 <= soak <= elapsed, and that deleting healthy observations or
adding unhealthy ones never increases it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class Soak(NamedTuple):
    """What was earned since the last reset, and the last good observation, from which on the next one counts."""

    earned: timedelta = timedelta()
    good_at: datetime | None = None
    bad_since: datetime | None = None

    def after(self, at: datetime, *, covered: bool, unhealthy: bool, max_gap: timedelta, grace: timedelta) -> Soak:
        """Return the soak after one more observation that counts."""
        if unhealthy:
            since = self.bad_since or at
            return Soak(bad_since=since) if at - since > grace else self._replace(good_at=None, bad_since=since)
        if not covered:
            return self._replace(good_at=None)
        gap = at - self.good_at if self.good_at is not None else None
        gained = gap if gap is not None and timedelta() < gap <= max_gap else timedelta()
        return Soak(self.earned + gained, at)

    def interrupted(self) -> Soak:
        """Return the soak after an observation that does not count."""
        return self._replace(good_at=None)

"""The provider plugin as a rehearsal starts it: schiff's own, with commits dated by the simulated clock.

It runs in a process of its own, to which the moment comes as a variable. Only
the project that a rehearsal makes for itself names this module.
"""

from __future__ import annotations

import os
from datetime import datetime, tzinfo
from unittest.mock import patch

from schiff.delivery import plugin
from schiff.rollout.moments import format_moment, parse_moment

_VARIABLE = "SCHIFF_REHEARSAL_NOW"


def moment_variable(now: datetime) -> dict[str, str]:
    """Return what tells the plugin the moment."""
    return {_VARIABLE: format_moment(now)}


def main() -> None:
    """Serve the engine until it ends this."""
    with patch("schiff.delivery.plugin_resources.datetime", _Simulated):
        plugin.main()


class _Simulated(datetime):
    """A `datetime` whose present is the simulated moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """Return the simulated moment, to the second."""
        return parse_moment(os.environ[_VARIABLE]).astimezone(tz)

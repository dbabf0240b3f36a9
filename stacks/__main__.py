"""One program for every stack: its name chooses the environment."""

from __future__ import annotations

from schiff.resources.program import run

run()

"""Pulumi resources: thin, because everything they record was decided in the middle.

A stack of one's own is made of `Delivery` and `Environment`; `Fleet.load` reads
the fleet. The other classes appear in its resource tree.
"""

from __future__ import annotations

from schiff.resources.delivery import Commits, Delivery
from schiff.resources.environment import Environment

__all__ = ["Commits", "Delivery", "Environment"]

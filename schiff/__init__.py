"""schiff: a Kubernetes fleet as typed data, compiled into Git and promoted on evidence.

The names below are public and know nothing of Pulumi: a fleet is read from
files (`load_fleet`) or made in Python (`fleet_of`), and both give equal values.
The Pulumi classes of custom stacks are in `schiff.resources`.
"""

from __future__ import annotations

from schiff.errors import InvalidInput, Problem, SchiffError
from schiff.layers.construct import fleet_of
from schiff.model.fleet import Fleet
from schiff.sources.fleet_files import load_fleet

__all__ = ["Fleet", "InvalidInput", "Problem", "SchiffError", "fleet_of", "load_fleet"]

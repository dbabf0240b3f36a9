"""The schemas that the package carries (built by ``tools/schemas`` from pinned upstream files)."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from schiff.checks.schemas import SchemaSet


@cache
def load_schemas() -> SchemaSet:
    """Return the bundle of this installation; read once, compiled kind by kind when needed."""
    packed = files("schiff").joinpath("data", "schemas.gz").read_bytes()
    return SchemaSet.parse(gzip.decompress(packed).decode())

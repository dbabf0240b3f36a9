"""Objects against their schemas: twenty-three thousand of them, in memory.

python -m bench.schemas COUNT
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from typing import Any

from bench.fleets import FleetDocuments
from bench.measure import Steps, on_one_core
from bench.pipeline import compiled, files_of, parsed, require_none
from schiff.checks.schemas import schema_problems
from schiff.sources.schemas import load_schemas

OBJECTS_OF_A_CLUSTER = 40
"""Fewer than any cluster has."""


def measure(count: int) -> dict[str, Any]:
    """Check `count` objects, first with schemas that nobody compiled yet, then again."""
    environment = compiled(Steps(), FleetDocuments(count // OBJECTS_OF_A_CLUSTER + 1))
    found = (item for items in parsed(files_of(environment, "definitions")).values() for item in items)
    in_components = (item for items in parsed(files_of(environment, "components")).values() for item in items)
    objects = [*islice((*found, *in_components), count)]
    steps, schemas = Steps(), load_schemas()
    for name in ("first", "again"):
        with steps.step(name):
            require_none(schema_problems(objects, schemas))
    return {**steps.as_dict(), "objects": len(objects), "kinds": len({item.kind for item in objects})}


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    asked = parser.parse_args()
    on_one_core()
    print(json.dumps(measure(asked.count)))


if __name__ == "__main__":
    main()

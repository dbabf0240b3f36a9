"""Texts that Go's reader of Kubernetes takes for something else, as schiff and as PyYAML write them.

    python -m bench.strings COUNT

The corpus is the tests'; to it comes every text and key that the compiled fleet
of COUNT clusters holds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from helm_python import values_from_yaml

from bench.fleets import FleetDocuments
from bench.measure import Steps
from bench.pipeline import REPOSITORIES, compiled, files_of, parsed
from schiff.manifests.yaml import to_yaml
from tests.manifests.test_yaml import NASTY, SPACED


def measure(count: int) -> dict[str, Any]:
    """Count the texts that do not come back from Go as they went in."""
    environment = compiled(Steps(), FleetDocuments(count))
    held = {
        text
        for repository in REPOSITORIES
        for items in parsed(files_of(environment, repository)).values()
        for item in items
        for text in _texts(item.data)
    }
    corpus = [*dict.fromkeys([*NASTY, *SPACED])]
    return {
        "corpus": len(corpus),
        "held": len(held),
        "schiff": _misread(corpus, _by_schiff) + _misread(sorted(held), _by_schiff),
        "pyyaml": _misread(corpus, _by_pyyaml),
    }


def _by_schiff(data: dict[str, Any]) -> str:
    return to_yaml([data])


def _by_pyyaml(data: dict[str, Any]) -> str:
    return str(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False))


def _misread(texts: list[str], write: Callable[[dict[str, Any]], str]) -> int:
    """Return how many texts Go gives back as another value, each alone, as a value and in a list."""
    return sum(_read({"k": text, "l": [text]}, write) is False for text in texts)


def _read(data: dict[str, Any], write: Callable[[dict[str, Any]], str]) -> bool:
    try:
        return bool(values_from_yaml(write(data)) == data)
    except Exception:  # noqa: BLE001  # a reader that gives up has not read it
        return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))


def main() -> None:
    """Measure once and print it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    print(json.dumps(measure(parser.parse_args().count)))


if __name__ == "__main__":
    main()

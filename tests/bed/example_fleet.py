"""A copy of the example fleet that a test bed can run: its own addresses, and documents its own keys open.

The private keys of the example were never kept, so nobody can decrypt its
documents. In the copy every recipient is a new key, and every document holds
made-up values for the same object, encrypted for the same readers. The copy has
the components that a bed can run.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pyrage
import yaml

from schiff.manifests.sops import ENCRYPTED
from schiff.sources.fleet_files import load_fleet
from tests.bed.fewer_components import leave_out_components
from tools.parts import ROOT

EXAMPLE = ROOT / "stacks" / "fleet"
MADE_UP = "made-up-for-the-test-bed"


@dataclass(frozen=True)
class BedFleet:
    """The copied fleet's folder, and the private age key of each management cluster and tenant cluster by name."""

    folder: Path
    keys: Mapping[str, str]


def copy_example_fleet(
    target: Path, bin_dir: Path, definitions_url: str, components_url: str, alerts_url: str = ""
) -> BedFleet:
    """Copy the example to `target`, so that its management clusters pull from two other addresses.

    Without `alerts_url` their alerts go where the example's go, which is nowhere.
    """
    shutil.copytree(EXAMPLE, target)
    leave_out_components(target)
    example = load_fleet(EXAMPLE)
    readers = {name: one.spec.facts.recipients[0] for name, one in example.management_clusters.items()}
    readers |= {str(key): order.document.data["recipients"][0] for key, order in example.orders.items()}
    documents = sorted(target.rglob("*.secrets/*.yaml"))
    decoded = {path: yaml.safe_load(path.read_text()) for path in documents}
    recipients = {one["recipient"] for data in decoded.values() for one in data["sops"]["age"]} | {*readers.values()}
    identities = {recipient: pyrage.x25519.Identity.generate() for recipient in sorted(recipients)}
    replaced = {recipient: str(identity.to_public()) for recipient, identity in identities.items()}
    facts = next(iter(example.management_clusters.values())).spec.facts
    replaced |= {facts.definitions_url: definitions_url, facts.components_url: components_url}
    if alerts_url and facts.alerts and facts.alerts.address:
        replaced[facts.alerts.address] = alerts_url
    for path in sorted({*target.rglob("*.yaml"), target / ".sops.yaml"} - {*documents}):
        if "components" not in path.relative_to(target).parts:
            path.write_text(_with(path.read_text(), replaced))
    private = {name: str(identities[recipient]) for name, recipient in readers.items()}
    with ThreadPoolExecutor(2) as pool:
        plain = [_plain(data, private.get(_cluster_of(path), "")) for path, data in decoded.items()]
        readers_of = [[replaced[one["recipient"]] for one in data["sops"]["age"]] for data in decoded.values()]
        for path, content in zip(documents, pool.map(_sealed, repeat(bin_dir), plain, readers_of), strict=False):
            path.write_bytes(content)
    return BedFleet(target, private)


def _cluster_of(document: Path) -> str:
    """Return the tenant cluster of a document by its path, ``sites/<site>/<customer>/<cluster>.secrets/<name>``."""
    return f"{document.parents[2].name}/{document.parent.stem}"


def _plain(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the same object with made-up values, but the cluster's private key where it held one."""
    kept = {name: value for name, value in data.items() if name not in {"sops", "data", "stringData"}}
    names = [name for part in ("data", "stringData") for name in data.get(part) or ()]
    return {**kept, "stringData": {name: key if name.endswith(".agekey") else MADE_UP for name in names}}


def _sealed(bin_dir: Path, plain: Mapping[str, Any], readers: list[str]) -> bytes:
    options = ["--age", ",".join(readers), "--encrypted-regex", ENCRYPTED]
    types = ["--input-type", "yaml", "--output-type", "yaml"]
    text = yaml.safe_dump(plain, sort_keys=False).encode()
    argv: list[str | Path] = [bin_dir / "sops", "encrypt", *options, *types, "/dev/stdin"]
    return subprocess.run(argv, input=text, capture_output=True, check=True).stdout


def _with(text: str, replaced: Mapping[str, str]) -> str:
    for old, new in replaced.items():
        text = text.replace(old, new)
    return text

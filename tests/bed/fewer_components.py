"""A fleet with fewer components: a bed has no disks, no object store and no registry, and two cores.

What is left out stays out of every layer, and the releases are cut anew from what
remains, so that the fleet is as right as the one it was made from.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from tests.bed.process import BedFailed

RUN_IN_A_BED = ("calico", "flux", "metallb", "snapshot-controller", "vsphere-cpi", "vsphere-csi")
"""What a node needs, addresses and volumes."""


def leave_out_components(fleet: Path, kept: Collection[str] = RUN_IN_A_BED) -> None:
    """Leave every other component out of the fleet in this folder."""
    for path in sorted(fleet.rglob("*.yaml")):
        folder = path.relative_to(fleet).parts[0]
        if folder not in {"components", "releases"} and ".secrets" not in path.parent.suffix:
            _leave_out(path, kept)
    for entry in (fleet / "components").glob("*.yaml"):
        if entry.stem not in kept:
            entry.unlink()
            shutil.rmtree(entry.with_suffix(""), ignore_errors=True)
    for release in sorted((fleet / "releases").iterdir()):
        _cut_again(fleet, release)


def _leave_out(path: Path, kept: Collection[str]) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = [document, document.get("cluster"), document.get("values")] if isinstance(document, dict) else []
    maps: list[dict[str, Any]] = [
        part["components"] for part in parts if isinstance(part, dict) and "components" in part
    ]
    dropped = [(components, name) for components in maps for name in components if name not in kept]
    for components, name in dropped:
        del components[name]
    if dropped:
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _cut_again(fleet: Path, release: Path) -> None:
    cut = str(yaml.safe_load((release / "release.yaml").read_text(encoding="utf-8"))["cut"])
    shutil.rmtree(release)
    program = Path(sys.executable).with_name("schiff")
    argv: list[str | Path] = [program, "release", "cut", "--fleet", fleet, "--name", release.name, "--at", cut]
    answer = subprocess.run(argv, cwd=fleet, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise BedFailed(f"release {release.name} cannot be cut from fewer components: {answer.stderr or answer.stdout}")

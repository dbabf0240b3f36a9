"""Writing the folder of a release: whole or not at all, and never twice."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from schiff.errors import Failed, Refused


def write_release(fleet: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Write ``releases/<name>/`` of a fleet folder and return it; raises `Refused` when it exists.

    It is made beside the fleet folder and moved to its place, so that a reader
    never sees half of it.
    """
    folder = fleet / "releases" / name
    fresh = fleet.absolute().parent / f".release-{name}.new"
    if folder.exists():
        raise Refused(f"{folder} exists already and is never edited; cut under another name", code="exists")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        for path, content in files.items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_bytes(content)
        folder.parent.mkdir(exist_ok=True)
        fresh.rename(folder)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise Failed(f"{folder} could not be written: {error.strerror}") from error
    return folder

"""A fleet as it was in a commit of its own repository."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from schiff.errors import InvalidInput, Place, Problem
from schiff.git.process import try_git
from schiff.model.fleet import Fleet
from schiff.sources.fleet_files import load_fleet


def load_fleet_at(folder: Path, revision: str) -> Fleet:
    """Return the fleet that `folder` held in a commit; raises `InvalidInput` when Git knows no such commit."""
    ended = try_git("-C", str(folder), "archive", "--format=tar", f"{revision}^{{commit}}", ".")
    if ended.status:
        message = f"{revision!r} is no commit that holds this fleet"
        raise InvalidInput([Problem(Place("--against"), "", message, "name a branch, tag or commit of its repository")])
    with TemporaryDirectory(prefix="schiff-fleet-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(ended.out)) as packed:
            packed.extractall(scratch, filter="data")
        return load_fleet(Path(scratch))

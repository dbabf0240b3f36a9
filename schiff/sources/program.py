"""Which schiff this is: an installed wheel's version, or a source checkout."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution

from schiff.rollout.release import SOURCE


def program_version() -> str:
    """Return the version of an installed wheel, else `source`: such a program can change under its version."""
    try:
        installed = distribution("schiff")
    except PackageNotFoundError:
        return SOURCE
    origin = installed.read_text("direct_url.json")
    if origin is not None and "archive_info" not in json.loads(origin):
        return SOURCE
    return installed.version

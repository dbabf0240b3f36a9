"""Who runs a command, as the ledger records it."""

from __future__ import annotations

import getpass
from collections.abc import Mapping


def actor(variables: Mapping[str, str]) -> str:
    """Return a job of CI by its address, else the user of this machine."""
    if "CI_JOB_ID" in variables:
        return f"ci:project/{variables.get('CI_PROJECT_ID', '-')}/job/{variables['CI_JOB_ID']}"
    if "GITHUB_RUN_ID" in variables:
        return f"ci:{variables.get('GITHUB_REPOSITORY', '-')}/run/{variables['GITHUB_RUN_ID']}"
    try:
        return f"user:{getpass.getuser()}"
    except (KeyError, OSError):
        return "user:unknown"

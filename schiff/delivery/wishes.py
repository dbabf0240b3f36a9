"""What somebody wants of one run and not of the stack: told by environment variables.

As a setting or an input a wish would lie in state and differ on the next run.
`schiff up` sets the variables from its options; with a plain `pulumi up` they
are written in front: ``SCHIFF_TAKE_BACK=1 pulumi up --stack prd``.
"""

from __future__ import annotations

import os

from schiff.delivery.stack import StackSettings
from schiff.delivery.workspace import is_embedded

TAKE_BACK = "SCHIFF_TAKE_BACK"
"""Overwrite what somebody else changed."""
ADOPT = "SCHIFF_ADOPT"
"""Take folders over that are there and belong to nobody."""
CLUSTER = "SCHIFF_CLUSTER"
"""Deliver one cluster, and leave everything else as it was delivered."""

REHEARSAL = "SCHIFF_REHEARSAL"
"""Let the made-up people of rehearsals approve; without effect where a repository is not embedded."""


def is_wished(variable: str) -> bool:
    """Whether a wish of yes or no was made."""
    return os.environ.get(variable, "").lower() in {"1", "true", "yes"}


def is_rehearsal(settings: StackSettings) -> bool:
    """Whether a rehearsal is wished, and nothing that it does could reach anybody."""
    repositories = (settings.ledger, settings.definitions, settings.components)
    return is_wished(REHEARSAL) and all(map(is_embedded, repositories))


def wished_cluster() -> str | None:
    """Return the one cluster to deliver, if one was named."""
    return os.environ.get(CLUSTER) or None

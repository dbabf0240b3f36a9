"""Names that a cluster has in systems outside of it (domain reference 3.4)."""

from __future__ import annotations

from typing import NamedTuple


class Identifier(NamedTuple):
    """One such name. `system` knows it (``s3``), `kind` says what it names there (``prefix``).

    `scope` is where it is unique (``velero-site-1``; empty: everywhere). A `shared` one may belong to several clusters.
    """

    system: str
    kind: str
    scope: str
    value: str
    shared: bool = False

"""Reading the ledger of an environment from its branch, in the fleet repository or an embedded one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schiff.git.repository import read_branch
from schiff.rollout.ledger import Ledger
from schiff.rollout.proofs import Receipt
from schiff.values.names import Environment


def read_ledger(
    url: str,
    environment: Environment,
    cache_dir: Path,
    receipts: Mapping[int, Receipt] | None = None,
    known: Ledger | None = None,
) -> Ledger:
    """Return the verified ledger; empty where its repository was not made yet, or has no such branch.

    `receipts` are those of a witness; without one, time is as the chain says.
    `known` is the ledger as this process read it before. Raises `Tampered`
    when the chain does not hold, `Failed` when it cannot be read.
    """
    if _is_missing_folder(url):
        return Ledger.parse(environment, {}, receipts)
    return Ledger.parse(environment, read_branch(url, f"ledger/{environment}", cache_dir).files, receipts, known)


def _is_missing_folder(url: str) -> bool:
    return "://" not in url and ":" not in url.partition("/")[0] and not Path(url).exists()

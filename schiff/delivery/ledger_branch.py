"""Writing the ledger of an environment: one commit an entry, pushed only on top of the head it was decided on.

Two writers of one number meet at the push, and one of them wins: the other
reads the new head and decides again, so nothing is ever written twice. An entry
is one file in one commit, so whoever is killed in between leaves a whole entry
or none.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from schiff.errors import Conflict
from schiff.git.repository import LostRace, append_files, ensure_bare, read_branch
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.values.names import Environment

_ATTEMPTS = 5

Propose = Callable[[Ledger], Entry | None]
"""Decides on the next entry, given the ledger as it is; None when nothing is left to say."""


def append_to_ledger(url: str, environment: Environment, propose: Propose, cache_dir: Path) -> Ledger:
    """Append entries until nothing more is proposed, and return the ledger as it stands then.

    An embedded repository is made on first use. Raises `Tampered` before
    anything is written to a chain that does not hold, and `Conflict` when others
    keep winning the race.
    """
    where = existing_repository(url)
    branch = f"ledger/{environment}"
    lost = 0
    while lost < _ATTEMPTS:
        found = read_branch(where, branch, cache_dir)
        ledger = Ledger.parse(environment, found.files)
        entry = propose(ledger)
        if entry is None:
            return ledger
        try:
            _push(where, branch, entry, found.head, cache_dir)
        except LostRace:
            lost += 1
    raise Conflict(f"others appended to {branch} {_ATTEMPTS} times in between; run the command again")


def _push(url: str, branch: str, entry: Entry, head: str | None, cache_dir: Path) -> None:
    append_files(
        url,
        branch,
        {entry.file_name: entry.to_bytes()},
        f"{entry.kind} {entry.seq} in {entry.env}\n",
        expected_head=head,
        cache_dir=cache_dir,
        when=parse_moment(entry.at),
    )


def existing_repository(url: str) -> str:
    """Return the URL; make the repository where it names a local folder that is not a checkout."""
    local = "://" not in url and ":" not in url.partition("/")[0]
    return ensure_bare(Path(url)) if local and not (Path(url) / ".git").exists() else url

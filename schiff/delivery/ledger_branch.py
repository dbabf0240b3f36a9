"""Writing the ledger of an environment: one commit an entry, pushed only on top of the head it was decided on.

Two writers of one number meet at the push, and one of them wins: the other
reads the new head and decides again, so nothing is ever written twice. An entry
is one commit, with its own file and whatever it cites, so whoever is killed in
between leaves a whole entry or none. A witness is told after the push: the
branch decides who wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schiff.errors import Conflict, Refused
from schiff.git.repository import BranchFiles, LostRace, append_files, ensure_bare, read_branch, replace_files
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.proofs import Receipt
from schiff.values.digests import digest_of_bytes
from schiff.values.names import Environment

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry, and by digest what it cites and the branch does not hold yet."""

    entry: Entry
    objects: Mapping[str, bytes] = field(default_factory=dict)


Propose = Callable[[Ledger], Entry | Proposal | None]
"""Decides on the next entry, given the ledger as it is; None when nothing is left to say."""

Told = Callable[[Entry], None]
"""Hears of an entry once it stands on the branch."""

Received = Callable[[], Mapping[int, Receipt] | None]
"""Asks what a witness received so far; None where there is no witness."""


def append_to_ledger(
    url: str,
    environment: Environment,
    propose: Propose,
    cache_dir: Path,
    *,
    witness: Told | None = None,
    received: Received | None = None,
    known: Ledger | None = None,
) -> Ledger:
    """Append entries until nothing more is proposed, and return the ledger as it stands then.

    `known` is the ledger as this process read it before. An embedded
    repository is made on first use. Raises `Tampered` before anything is
    written to a chain that does not hold, and `Conflict` when others keep
    winning the race.
    """
    where = existing_repository(url)
    branch = f"ledger/{environment}"
    lost = 0
    while lost < _ATTEMPTS:
        found = read_branch(where, branch, cache_dir)
        ledger = Ledger.parse(environment, found.files, None if received is None else received(), known)
        proposed = propose(ledger)
        if proposed is None:
            return ledger
        proposal = proposed if isinstance(proposed, Proposal) else Proposal(proposed)
        try:
            _push(where, branch, proposal, found.head, cache_dir)
        except LostRace:
            lost += 1
            continue
        if witness is not None:
            witness(proposal.entry)
    raise Conflict(f"others appended to {branch} {_ATTEMPTS} times in between; run the command again")


def reopen_ledger(
    url: str, environment: Environment, entry: Entry, found: BranchFiles, cache_dir: Path, *, witness: Told
) -> None:
    """Begin a chain on top of one that does not hold, if the branch still stands as it was found.

    What was there leaves the branch and stays in its history, so whoever looks
    into what happened finds it by the commit that the new chain cites. Raises
    `Conflict` when somebody wrote in between: nobody agreed to close that.
    """
    branch = f"ledger/{environment}"
    try:
        replace_files(
            existing_repository(url),
            branch,
            {entry.file_name: entry.to_bytes()},
            f"{entry.kind} {entry.seq} in {entry.env}, which closes what was here before\n",
            expected_head=found.head,
            cache_dir=cache_dir,
            when=parse_moment(entry.at),
            removed=sorted(found.files),
        )
    except LostRace:
        raise Conflict(f"somebody wrote to {branch} in between; run the command again and look") from None
    witness(entry)


def _push(url: str, branch: str, proposal: Proposal, head: str | None, cache_dir: Path) -> None:
    entry = proposal.entry
    append_files(
        url,
        branch,
        {entry.file_name: entry.to_bytes(), **_object_files(proposal.objects)},
        f"{entry.kind} {entry.seq} in {entry.env}\n",
        expected_head=head,
        cache_dir=cache_dir,
        when=parse_moment(entry.at),
    )


def _object_files(objects: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return cited objects by file; one under a wrong digest would break the chain for good, so it is refused."""
    for digest, content in objects.items():
        if digest_of_bytes(content) != digest:
            raise Refused(f"an object that an entry cites is not {digest}", "bad-entry")
    return {f"objects/{digest.removeprefix('sha256:')}.json": content for digest, content in objects.items()}


def existing_repository(url: str) -> str:
    """Return the URL; make the repository where it names a local folder that is not a checkout."""
    local = "://" not in url and ":" not in url.partition("/")[0]
    return ensure_bare(Path(url)) if local and not (Path(url) / ".git").exists() else url

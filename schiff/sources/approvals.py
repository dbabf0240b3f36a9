"""Who approved: the approvers of a fleet, and which signatures of a chain hold.

A signature is verified as the approvers stood when its entry was made: who left
since keeps a line that ends. What was verified is remembered in the cache by the
digest of the entry and of the approvers, so that a long chain starts no
thousand programs; only what held is remembered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from schiff.errors import InvalidInput, Place, Problem
from schiff.model.approvers import NAMESPACE, NOBODY, Approvers, keys_of, parse_approvers
from schiff.rollout.bodies import ApproveBody, parse_body
from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from schiff.rollout.moments import parse_moment
from schiff.rollout.proofs import Receipt
from schiff.rollout.reopening import VERB, in_time, subject_of
from schiff.rollout.signed_text import signed_text
from schiff.ssh.signatures import verify
from schiff.values.digests import digest_of_bytes
from schiff.values.names import Environment

FILE = "approvers"
_AT_ONCE = 4


def read_approvers(fleet: Path, *, is_rehearsal: bool = False) -> Approvers:
    """Return the approvers of a fleet; nobody where it has no such file. Raises `InvalidInput` with every problem.

    The keys of made-up people are one, unless this is a rehearsal: anybody has them.
    """
    try:
        content = (fleet / FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return NOBODY
    except OSError as error:
        raise InvalidInput([Problem(Place(FILE), "", f"cannot be read: {error.strerror}", "mend it")]) from error
    return parse_approvers(content, FILE, () if is_rehearsal else keys_of(rehearsal_file(FILE)))


def approvers_problems(fleet: Path) -> tuple[Problem, ...]:
    """Return everything that is wrong with the approvers of a fleet."""
    try:
        read_approvers(fleet)
    except InvalidInput as error:
        return error.problems
    return ()


def rehearsal_file(name: str) -> bytes:
    """Return a file of the made-up people that approve in rehearsals: ``approvers``, ``anna``, ``bert``."""
    return files("schiff").joinpath("data", "rehearsal", name).read_bytes()


def verified_signers(ledger: Ledger, approvers: Approvers, cache_dir: Path) -> Mapping[str, str]:
    """Return the principal of each approve entry whose signature holds, by the digest of the entry."""
    asked = {entry.digest: entry for entry in ledger.entries if entry.kind == "approve"}
    memory = cache_dir / f"signatures-{digest_of_bytes(approvers.content).removeprefix('sha256:')}.json"
    known = _remembered(memory)
    new = {digest: entry for digest, entry in asked.items() if digest not in known}
    held = known | _holding(new, approvers)
    if new and held != known:
        _remember(memory, held)
    return {digest: _body(entry).principal for digest, entry in asked.items() if digest in held}


def _holding(entries: Mapping[str, Entry], approvers: Approvers) -> frozenset[str]:
    if not entries:
        return frozenset()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = pool.map(lambda entry: holds(entry, approvers), entries.values())
        return frozenset(digest for digest, held in zip(entries, answers, strict=True) if held)


def holds(entry: Entry, approvers: Approvers) -> bool:
    """Whether the signature of an approve entry is of the principal it names."""
    return is_signed(_body(entry), entry.env, approvers, parse_moment(entry.at))


def is_signed(body: ApproveBody, environment: Environment, approvers: Approvers, at: datetime) -> bool:
    """Whether a signature is of the principal it names, by the approvers as they stood at a moment."""
    text = signed_text(environment, body.verb, body.subject, body.expires)
    return body.principal in approvers.principals and verify(
        approvers.content, body.principal, NAMESPACE, message=text, signature=body.signature, at=at
    )


def people_who_agreed(
    ledger: Ledger, approvers: Approvers, receipts: Mapping[int, Receipt] | None = None
) -> frozenset[str]:
    """Return whose signatures hold under the beginning of a chain that closes another; nobody else signs one."""
    if ledger.closes is None:
        return frozenset()
    first, receipt = ledger.entries[0], (receipts or {}).get(ledger.first)
    subject, at = subject_of(first.body), parse_moment(first.at)
    return frozenset(
        one.principal
        for one in in_time(first, None if receipt is None else receipt.received)
        if is_signed(ApproveBody(verb=VERB, subject=subject, **one.as_document()), first.env, approvers, at)
    )


def _body(entry: Entry) -> ApproveBody:
    body = parse_body(entry.kind, entry.body)
    if not isinstance(body, ApproveBody):
        raise TypeError(f"entry {entry.seq} is no approval")
    return body


def _remembered(memory: Path) -> frozenset[str]:
    with suppress(OSError, ValueError):
        return frozenset(map(str, json.loads(memory.read_bytes())))
    return frozenset()


def _remember(memory: Path, held: Iterable[str]) -> None:
    """Write the memory; one that cannot be written costs programs the next time and nothing else."""
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        half = memory.with_suffix(".new")
        half.write_text(json.dumps(sorted(held)), encoding="utf-8")
        half.replace(memory)

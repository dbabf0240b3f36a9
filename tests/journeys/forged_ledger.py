"""What somebody may do to a ledger who can push to its branch."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from schiff.rollout.entry import Entry
from schiff.rollout.ledger import Ledger
from tests.git.repositories import git

Files = Mapping[str, bytes]


def files_of(ledger: Ledger) -> dict[str, bytes]:
    """Return the files of a ledger's branch."""
    objects = {f"objects/{digest.removeprefix('sha256:')}.json": data for digest, data in ledger.objects.items()}
    return {entry.file_name: entry.to_bytes() for entry in ledger.entries} | objects


def forgeries(ledger: Ledger, seq: int) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Yield every way to forge one entry, with the files of the branch after it."""
    files, entries = files_of(ledger), ledger.entries
    name, last = entries[seq].file_name, seq == len(entries) - 1
    other = entries[seq - 1 if last else seq + 1].file_name
    yield "flip", {**files, name: _flipped(files[name], seq)}
    yield "drop", {path: content for path, content in files.items() if path != name}
    yield "swap", {**files, name: files[other], other: files[name]}
    kept = {entry.file_name for entry in (entries[:seq] if last else entries[: seq + 1])}
    yield "cut", {path: content for path, content in files.items() if "/" in path or path in kept}
    yield "recompute", files | {entry.file_name: entry.to_bytes() for entry in _recomputed(entries, seq)}


def _flipped(content: bytes, seq: int) -> bytes:
    place = seq * 37 % len(content)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _recomputed(entries: tuple[Entry, ...], seq: int) -> Iterator[Entry]:
    """Yield an entry with another actor, and all after it, each citing the one before as it is now."""
    before = replace(entries[seq], actor="user:forger")
    yield before
    for entry in entries[seq + 1 :]:
        before = replace(entry, prev=before.digest)
        yield before


def push_forged(repository: Path, branch: str, files: Files, folder: Path) -> None:
    """Put a branch on a commit of exactly these files, by force."""
    git(folder.parent, "clone", "-q", "-b", branch, str(repository), str(folder))
    git(folder, "rm", "-q", "-r", ".")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "forged")
    subprocess.run(["git", "push", "-q", "--force", "origin", f"HEAD:{branch}"], cwd=folder, check=True)

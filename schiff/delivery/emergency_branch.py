"""The branch ``emergency/<env>``: encrypted secrets without which clusters cannot be rebuilt.

One file a secret, one commit a run, only what changed. Nothing is ever removed:
a secret that is gone may be the very one that somebody is about to need. Two
runs at once meet at the push; whoever loses reads the new head and looks again,
so neither takes back what the other saved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from schiff.delivery.ledger_branch import existing_repository
from schiff.delivery.sops import encrypt
from schiff.errors import Conflict
from schiff.git.repository import LostRace, read_branch, replace_files
from schiff.manifests.emergency import is_saved
from schiff.manifests.manifest import Manifest
from schiff.manifests.yaml import to_yaml
from schiff.values.names import ClusterKey, Environment

_ATTEMPTS = 5
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Backup:
    """One secret to keep, where it goes, and who can read it there; nothing prints what it holds."""

    path: str
    manifest: Manifest
    readers: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Backup({self.path!r})"


@dataclass(frozen=True, slots=True)
class Saved:
    """What a run saved: the paths of new and changed files, and the commit they are in, if there are any."""

    paths: tuple[str, ...] = ()
    commit: str | None = None


def branch_of(environment: Environment) -> str:
    """Return the branch of an environment."""
    return f"emergency/{environment}"


def backup_path(management_cluster: str, cluster: ClusterKey, secret: str) -> str:
    """Return where the backup of a secret lies."""
    return str(PurePosixPath(management_cluster, cluster.site, cluster.name, f"{secret}.yaml"))


def save(
    url: str,
    environment: Environment,
    backups: Iterable[Backup],
    *,
    cache_dir: Path,
    when: datetime,
    search_path: str | None = None,
) -> Saved:
    """Save what the branch does not hold yet, as one commit; raises `Conflict` when others keep winning the race."""
    branch, wanted, encrypted = branch_of(environment), tuple(backups), dict[str, bytes]()
    if not wanted:
        return Saved()
    where = existing_repository(url)
    for _ in range(_ATTEMPTS):
        there = read_branch(where, branch, cache_dir)
        changed = [backup for backup in wanted if not _is_there(backup, there.files)]
        if not changed:
            return Saved()
        encrypted |= _encrypted([backup for backup in changed if backup.path not in encrypted], search_path)
        files = {backup.path: encrypted[backup.path] for backup in sorted(changed, key=lambda backup: backup.path)}
        message = f"backup of {len(files)} secrets in {environment}\n"
        try:
            commit = replace_files(
                where, branch, files, message, expected_head=there.head, cache_dir=cache_dir, when=when
            )
        except LostRace:
            continue
        return Saved(tuple(files), commit)
    raise Conflict(f"others wrote to {branch} {_ATTEMPTS} times in between; run the command again")


def _is_there(backup: Backup, files: Mapping[str, bytes]) -> bool:
    document = files.get(backup.path)
    return document is not None and is_saved(document, backup.manifest, backup.readers)


def _encrypted(backups: Iterable[Backup], search_path: str | None) -> dict[str, bytes]:
    def one(backup: Backup) -> tuple[str, bytes]:
        return backup.path, encrypt(to_yaml([backup.manifest]).encode(), backup.readers, search_path)

    with ThreadPoolExecutor(_AT_ONCE) as workers:
        return dict(workers.map(one, backups))

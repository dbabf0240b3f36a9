"""Reading a fleet folder: which files there are, and how they get in.

1. Nothing outside the folder is read: a link that leads out of it is refused, and so is a link to a folder.
2. Only regular files, none over its limit; the size is looked at before the content.
3. Hidden files and files that no YAML reader would open (a README, `approvers`) are left alone, but not among secrets:
   an editor's copy of a decrypted document is hidden too.
4. Encrypted and vendored files are taken byte for byte; everything else is YAML (`schiff.layers.yaml_documents`).

Problems of all files are raised together, with those of `schiff.layers.assemble`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.assemble import survey
from schiff.layers.fleet_layout import SECRETS, fleet_file, is_secret, vendored_key
from schiff.layers.yaml_documents import LARGEST_FILE, read_document, too_large
from schiff.model.fleet import Document, Fleet
from schiff.model.frozen import LOCK_FILE

_LARGEST_VENDORED = 32 * 2**20


@dataclass(slots=True)
class FleetFiles:
    """What a fleet folder holds, by path relative to it, and what could not be read."""

    documents: dict[str, Document] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)
    vendored: dict[str, dict[str, bytes]] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_fleet(folder: Path) -> Fleet:
    """Return the fleet in `folder`; raises `InvalidInput` with every problem of every file."""
    fleet, problems = survey_fleet(folder)
    if fleet is None or problems:
        raise InvalidInput(problems)
    return fleet


def survey_fleet(folder: Path) -> tuple[Fleet | None, list[Problem]]:
    """Return what can be made of the fleet in `folder`, and every problem: for `check`, which goes on from there.

    There is no fleet when a file that others build on could not be read: what it
    might have held would be missed everywhere else.
    """
    files = read_folder(folder)
    unread = {problem.place.file for problem in files.problems}
    if not files.documents:
        return None, files.problems
    stand_ins = {name: Document(name, {}) for name in unread if name not in files.documents}
    fleet, problems = survey({**files.documents, **stand_ins}, files.secrets, files.vendored)
    others = [problem for problem in problems if problem.place.file not in unread]
    return None if any(map(_is_built_on, unread)) else fleet, [*files.problems, *others]


def _is_built_on(name: str) -> bool:
    file = fleet_file(name)
    return file is not None and file.kind not in {"order", "customer"}


def read_folder(folder: Path) -> FleetFiles:
    """Return everything in `folder` that a fleet is made of, with the problems of what is not readable."""
    files = FleetFiles()
    if not folder.is_dir():
        problem = Problem(Place(str(folder)), "", "is no folder", "name the folder that holds fleet.yaml")
        files.problems.append(problem)
        return files
    root = folder.resolve()
    for path in _walk(root, root, files.problems):
        _take(path, path.relative_to(root).as_posix(), files)
    if not files.documents and not files.problems:
        message, cure = "holds no fleet", "name the folder that holds fleet.yaml"
        files.problems.append(Problem(Place(str(folder)), "", message, cure, rule="empty-fleet"))
    files.documents |= {lock: Document(lock, {}) for lock in _missing_locks(files.documents)}
    return files


def _missing_locks(documents: Collection[str]) -> list[str]:
    """Return the lock of each release that has none: an empty one vouches for nothing, so the release is refused."""
    locks = (path.removesuffix("release.yaml") + LOCK_FILE for path in documents if path.endswith("/release.yaml"))
    return [lock for lock in locks if lock not in documents]


def _walk(folder: Path, root: Path, problems: list[Problem]) -> Iterator[Path]:
    """Give the readable files below `folder`, sorted; what leads elsewhere becomes a problem."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(_unreadable(folder.relative_to(root).as_posix(), error))
        return
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith(".") and not _is_hidden_secret(entry, folder):
            continue
        if entry.is_symlink() and not _stays_inside(path, root):
            name, cure = path.relative_to(root).as_posix(), "put a copy there"
            problems.append(Problem(Place(name, 1), "", "is a link out of the fleet folder", cure, rule="link-out"))
        elif entry.is_dir():
            if entry.is_symlink():
                name, cure = path.relative_to(root).as_posix(), "put a copy there"
                problems.append(Problem(Place(name, 1), "", "is a link to a folder", cure, rule="link-to-folder"))
            else:
                yield from _walk(path, root, problems)
        else:
            yield path


def _is_hidden_secret(entry: os.DirEntry[str], folder: Path) -> bool:
    """Return whether a hidden file may hold a secret; an empty one only keeps its folder in Git."""
    return folder.suffix == SECRETS and (entry.is_symlink() or entry.stat().st_size > 0)


def _stays_inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _take(path: Path, name: str, files: FleetFiles) -> None:
    vendored = vendored_key(name)
    if vendored is not None:
        content = _content(path, name, _LARGEST_VENDORED, files.problems)
        if content is not None:
            files.vendored.setdefault(vendored[0], {})[vendored[1]] = content
    elif is_secret(name):
        content = _content(path, name, LARGEST_FILE, files.problems)
        if content is not None:
            files.secrets[name] = content
    elif name.endswith((".yaml", ".yml")) or path.name == LOCK_FILE:
        content = _content(path, name, LARGEST_FILE, files.problems)
        if content is not None:
            files.texts[name] = content
            _read(content, name, files)


def _read(content: bytes, name: str, files: FleetFiles) -> None:
    try:
        files.documents[name] = read_document(content, name)
    except InvalidInput as error:
        files.problems.extend(error.problems)


def _content(path: Path, name: str, limit: int, problems: list[Problem]) -> bytes | None:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            message, cure = "is no regular file", "remove it"
            problems.append(Problem(Place(name, 1), "", message, cure, rule="no-regular-file"))
            return None
        if found.st_size > limit:
            problems.append(too_large(name, found.st_size))
            return None
        return path.read_bytes()
    except OSError as error:
        problems.append(_unreadable(name, error))
        return None


def _unreadable(name: str, error: OSError) -> Problem:
    reason = (error.strerror or "unknown reason").lower()
    return Problem(Place(name, 1), "", f"cannot be read: {reason}", "let schiff read it", rule="unreadable")

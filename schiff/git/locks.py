"""Locks between processes: whoever holds the file works alone; a process that dies lets go."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock

from schiff.errors import Failed


class FileLock:
    """An exclusive lock on one file; the holder may take it again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until nobody else holds the lock, and hold it for the block."""
        with self._thread:
            if self._depth:
                yield
                return
            with _opened(self._path) as descriptor:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1


@cache
def file_lock(path: Path) -> FileLock:
    """Return the one lock of a path: two in one process would wait for each other for ever."""
    return FileLock(path)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error
    with file:
        yield file.fileno()

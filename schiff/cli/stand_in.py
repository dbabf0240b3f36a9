"""A project that stands in for another for a while, such as the test bed that `make bed` starts.

``.schiff/project`` names its folder. It counts only while whoever wrote it keeps
it locked: the lock ends with the process, so a machine that was switched off or a
killed test bed leaves nothing behind that would send commands elsewhere.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

POINTER = Path(".schiff", "project")


def stand_in_for(root: Path) -> Path | None:
    """Return the folder of the project that stands in for the one in `root` right now, if one does."""
    try:
        with (root / POINTER).open(encoding="utf-8") as pointer:
            return root / pointer.read().strip() if _is_locked(pointer) else None
    except OSError:
        return None


def put_in(root: Path, folder: Path) -> TextIO:
    """Let the project in `folder` stand in for the one in `root`, as long as the returned file stays open."""
    pointer = (root / POINTER).open("a", encoding="utf-8")
    fcntl.flock(pointer, fcntl.LOCK_EX)
    pointer.truncate(0)
    pointer.write(os.path.relpath(folder, root) + "\n")
    pointer.flush()
    return pointer


def _is_locked(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False

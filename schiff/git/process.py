"""Running Git: the one place that starts it.

Git gets argument lists and never a shell. It finds its credentials itself, so
the user's configuration stays; what could change the meaning of a command is
taken away: variables that point at another repository, prompts, translations,
hooks and background tidying. A failure becomes a sentence made of Git's own
last lines, without the credentials that a URL may carry.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from signal import Signals
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from schiff.errors import Failed

_USERINFO = re.compile(r"(\w[\w+.-]*://)[^/\s@'\"]+@")
_NOISE = re.compile(
    r"hint:|To |fast-import: dumping|remote: *$|Please make sure you have|and the repository exists"
    r"|error: failed to push|$"
)
_SHOWN = 4
_SETTINGS = (
    *("-c", "advice.detachedHead=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "fetch.writeCommitGraph=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "protocol.version=2"),
    *("-c", "push.followTags=false"),
    *("-c", "push.gpgSign=false"),
)
_ELSEWHERE = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CURL_VERBOSE",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)


class Ended(NamedTuple):
    """How a run of Git ended."""

    status: int
    out: bytes
    err: str

    @property
    def sentence(self) -> str:
        """The lines of Git's message that say what happened."""
        lines = [line.rstrip() for line in self.err.splitlines() if not _NOISE.match(line)]
        if self.status < 0:
            lines.append(f"Git was ended by {Signals(-self.status).name}")
        return redacted("; ".join(lines[-_SHOWN:])) or f"Git ended with status {self.status} and said nothing"


def run_git(*args: str, folder: Path | None = None, stdin: bytes | Iterable[bytes] = b"") -> bytes:
    """Return what Git prints; raises `Failed` with Git's words when it does not succeed."""
    ended = try_git(*args, folder=folder, stdin=stdin)
    if ended.status:
        command = next(arg for arg in args if not arg.startswith("-") and "=" not in arg)
        raise Failed(f"git {command}: {ended.sentence}")
    return ended.out


def try_git(*args: str, folder: Path | None = None, stdin: bytes | Iterable[bytes] = b"") -> Ended:
    """Run Git and say how it ended; input may come in pieces, so that a large one never stands in memory whole."""
    where = () if folder is None else (f"--git-dir={folder}",)
    pieces = (stdin,) if isinstance(stdin, bytes) else stdin
    with TemporaryFile() as out, TemporaryFile() as err:
        command = ["git", *_SETTINGS, *where, *args]
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=err, env=_environment())
        except FileNotFoundError as error:
            raise Failed("the program git is not there; install it (Debian and Ubuntu: apt install git)") from error
        with process:
            if process.stdin:
                _feed(process, process.stdin, pieces)
        out.seek(0)
        err.seek(0)
        return Ended(process.returncode, out.read(), err.read().decode(errors="replace"))


def redacted(text: str) -> str:
    """Return a text without the user names and passwords that its URLs carry."""
    return _USERINFO.sub(r"\1", text)


def _feed(process: subprocess.Popen[bytes], stream: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Write the input; a Git that ends early says why on its own, so a broken pipe is not the news."""
    try:
        with suppress(BrokenPipeError):
            stream.writelines(pieces)
        with suppress(BrokenPipeError):
            stream.close()
    except BaseException:
        process.kill()
        raise


def _environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in _ELSEWHERE and "GIT_TRACE" not in name}
    return {**kept, "LC_ALL": "C", "LANGUAGE": "C", "GIT_TERMINAL_PROMPT": "0"}

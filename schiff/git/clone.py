"""A cached clone of one branch: bare, of depth 1, without file contents until one is read.

It is a cache and nothing else: deleting it costs a fetch. Several stacks, and
the program and the plugin of one stack, share the clone of a URL, so whatever
changes it does so under a lock. A server that does not know filters sends the
contents too; that is slower, and nothing else changes.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from schiff.errors import Failed
from schiff.git.locks import file_lock
from schiff.git.process import Ended, redacted, run_git, try_git

_MISSING = "couldn't find remote ref"
_GRACE = 2.0
_WORN = 200
_QUIET = 3600.0
_ALL = ("--quiet", "--filter=blob:none", "--no-tags", "--no-write-fetch-head")
_FETCH = (*_ALL, "--depth=1")
_FILL = ("-c", "fetch.negotiationAlgorithm=noop", "fetch", *_ALL, "--stdin")
_SIGNS = {"A": "+", "D": "-"}


class CachedClone:
    """One branch of a repository as this machine last saw it."""

    def __init__(self, url: str, branch: str, cache_dir: Path) -> None:
        self.url = url if "://" in url or _is_ssh(url) else str(Path(url).absolute())
        self.branch = branch
        self.folder = cache_dir.absolute() / sha256(self.url.encode()).hexdigest()
        self.tracking = f"refs/remotes/origin/{branch}"
        self._lock = file_lock(self.folder.with_suffix(".lock"))
        self._trees: dict[tuple[str, str], str] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other process out of the clone; the holder may enter again."""
        with self._lock.held():
            self._make()
            yield

    def refresh(self, *, whole: bool = False) -> str | None:
        """Fetch the head of the branch and return it; None when the server has no such branch.

        The `whole` history is fetched for who asks about the past, into a clone of its own.
        """
        with self.locked():
            self._renew()
            options = _ALL if whole else _FETCH
            ended = self.attempt("fetch", *options, "origin", f"+refs/heads/{self.branch}:{self.tracking}")
            if ended.status and _MISSING in ended.err:
                self.attempt("update-ref", "-d", self.tracking)
            elif ended.status:
                raise Failed(f"{redacted(self.url)} cannot be read: {ended.sentence}")
            return self.head()

    def head(self) -> str | None:
        """Return the head of the last refresh without asking the server."""
        return self.resolve(self.tracking)

    def resolve(self, name: str) -> str | None:
        """Return the id of a reference or revision; None when there is none of that name."""
        if not self.folder.is_dir():
            return None
        ended = try_git("rev-parse", "--quiet", "--verify", "--end-of-options", name, folder=self.folder)
        return None if ended.status else ended.out.decode().strip()

    def trees(self, head: str | None, paths: Iterable[str]) -> dict[str, str]:
        """Return the tree id of each path that is a folder at `head`; answers are remembered."""
        if head is None:
            return {}
        asked = tuple(paths)
        unknown = [path for path in asked if (head, path) not in self._trees]
        if unknown:
            names = "".join(f"{head}:{path}\n" for path in unknown).encode()
            lines = self.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=names).decode().splitlines()
            for path, line in zip(unknown, lines, strict=True):
                object_id, _, kind = line.rpartition(" ")
                self._trees[head, path] = object_id if kind == "tree" else ""
        return {path: found for path in asked if (found := self._trees[head, path])}

    def names(self, head: str | None, folder: str) -> tuple[str, ...]:
        """Return the names of what lies directly in a folder, sorted; none when the folder is absent."""
        if head is None:
            return ()
        listed = self.run("ls-tree", "-z", "--name-only", head, f"{folder}/").decode()
        return tuple(sorted(path.rpartition("/")[2] for path in listed.split("\0") if path))

    def read(self, head: str | None, path: str) -> bytes | None:
        """Return the content of one file at `head`; None when it is absent."""
        return self.read_all(head, (path,)).get(path)

    def read_all(self, head: str | None, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the content of every path that is a file at `head`; what the clone lacks is fetched."""
        asked = tuple(paths)
        if head is None or not asked:
            return {}
        out = self.run("cat-file", "--batch", stdin="".join(f"{head}:{path}\n" for path in asked).encode())
        found, start = {}, 0
        for path in asked:
            line = out[start : out.index(b"\n", start)]
            start += len(line) + 1
            if line.endswith(b" missing"):
                continue
            _, kind, size = line.rsplit(b" ", 2)
            if kind == b"blob":
                found[path] = out[start : start + int(size)]
            start += int(size) + 1
        return found

    def fill(self, tree: str) -> None:
        """Fetch whatever the clone lacks of one tree in one request; reading files one by one costs one each."""
        listed = self.run("rev-list", "--objects", "--missing=print", tree).decode().splitlines()
        missing = "".join(f"{line[1:]}\n" for line in listed if line.startswith("?"))
        if missing:
            self.run(*_FILL, "origin", stdin=missing.encode())

    def changed_files(self, old_tree: str, new_tree: str, limit: int = 20) -> tuple[str, ...]:
        """Name the files in which two trees differ; no names when a tree is not in this clone."""
        ended = self.attempt("diff-tree", "-r", "-z", "--no-renames", "--name-status", old_tree, new_tree)
        fields = ended.out.decode().split("\0") if not ended.status else []
        lines = [f"{_SIGNS.get(sign, '~')} {path}" for sign, path in zip(fields[::2], fields[1::2], strict=False)]
        more = len(lines) - limit
        return (*lines[:limit], f"... and {more} more") if more > 0 else tuple(lines)

    def run(self, *args: str, stdin: bytes | Iterable[bytes] = b"") -> bytes:
        """Run Git in the clone."""
        return run_git(*args, folder=self.folder, stdin=stdin)

    def attempt(self, *args: str) -> Ended:
        """Run Git in the clone and say how it ended; a lock file that a killed Git left behind is cleared once."""
        ended = try_git(*args, folder=self.folder)
        if not ended.status or ".lock': File exists" not in ended.err:
            return ended
        time.sleep(_GRACE)
        for left_behind in self.folder.rglob("*.lock"):
            left_behind.unlink(missing_ok=True)
        return try_git(*args, folder=self.folder)

    def _renew(self) -> None:
        """Start afresh when many fetches and imports have piled up, unless somebody may be between two steps."""
        packs = list((self.folder / "objects/pack").glob("*.pack"))
        if len(packs) > _WORN and time.time() - max(pack.stat().st_mtime for pack in packs) > _QUIET:
            shutil.rmtree(self.folder)
            self._make()

    def _make(self) -> None:
        """Create the clone beside its place and move it there: a half-made one is never seen."""
        if self.folder.is_dir():
            return
        fresh = self.folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        run_git("init", "--quiet", "--bare", "--template=", "--object-format=sha1", str(fresh))
        for name, value in (
            ("remote.origin.url", self.url),
            ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "blob:none"),
            ("core.repositoryformatversion", "1"),
            ("extensions.partialClone", "origin"),
        ):
            run_git("config", name, value, folder=fresh)
        fresh.rename(self.folder)


def _is_ssh(url: str) -> bool:
    """Whether a URL has the form ``host:path``, which Git takes for SSH."""
    return ":" in url.partition("/")[0]

"""Which schiff this is: an installed wheel's version and digest, or a source checkout.

The digest of a program is over the files that decide what it emits: the package
and what its metadata says of dependencies and entry points. A wheel and what is
installed from it have the same one, whoever packed or installed it; the archive
around it, compiled caches and an installer's own notes do not count.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from schiff.errors import Failed
from schiff.model.release import SOURCE
from schiff.values.digests import digest, digest_of_bytes

_PACKAGE = re.compile(r"schiff/(?!(?:.*/)?__pycache__/)[^/].*")
_METADATA = re.compile(r"schiff-[^/]+\.dist-info/(METADATA|entry_points\.txt)")


@dataclass(frozen=True, slots=True)
class Program:
    """One schiff: its version, or `source`, and the digest of its files, which a source checkout has none of."""

    version: str
    wheel: str | None = None

    @property
    def is_source(self) -> bool:
        """Whether it can change under its version."""
        return self.version == SOURCE


@cache
def running_program() -> Program:
    """Return the program that runs; a source checkout can change under its version, so it has none."""
    version = program_version()
    if version == SOURCE:
        return Program(SOURCE)
    return Program(version, digest_of_installed(distribution("schiff")))


def program_version() -> str:
    """Return the version of an installed wheel, else `source`: such a program can change under its version."""
    try:
        installed = distribution("schiff")
    except PackageNotFoundError:
        return SOURCE
    origin = installed.read_text("direct_url.json")
    if origin is not None and "archive_info" not in json.loads(origin):
        return SOURCE
    return installed.version


def digest_of_installed(installed: Distribution) -> str:
    """Return the digest of an installed schiff, from its files as they are now."""
    found = {name: Path(str(file.locate())) for file in installed.files or () for name in _named(file.as_posix())}
    try:
        return digest({name: digest_of_bytes(path.read_bytes()) for name, path in found.items()})
    except OSError as error:
        raise Failed(f"schiff is not installed whole: {error.filename} cannot be read: {error.strerror}") from error


def digest_of_wheel(wheel: Path) -> str:
    """Return the digest that a schiff installed from this wheel has."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = {name: member for member in archive.namelist() for name in _named(member)}
            return digest({name: digest_of_bytes(archive.read(member)) for name, member in members.items()})
    except (OSError, zipfile.BadZipFile) as error:
        raise Failed(f"{wheel} cannot be read as a wheel: {error}") from error


def _named(path: str) -> Iterator[str]:
    """Give the name by which a file counts; nothing for one that does not."""
    if metadata := _METADATA.fullmatch(path):
        yield metadata[1]
    elif _PACKAGE.fullmatch(path) and not path.endswith("/"):
        yield path

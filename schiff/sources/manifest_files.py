"""Reading a folder of plain manifests: every YAML file below it, hidden folders left out."""

from __future__ import annotations

from pathlib import Path

from schiff.errors import InvalidInput, Place, Problem

LARGEST = 16 * 2**20
_ENDINGS = (".yaml", ".yml")


def read_manifests(folder: Path) -> dict[str, bytes]:
    """Return the files below `folder` by their path relative to it; raises `InvalidInput` when there are none.

    A link is not followed: it may lead anywhere.
    """
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not name.endswith(_ENDINGS) or any(part.startswith(".") for part in name.split("/")) or path.is_symlink():
            continue
        try:
            if path.is_file():
                if path.stat().st_size > LARGEST:
                    message = f"has more than {LARGEST // 2**20} MiB"
                    problems.append(Problem(Place(name), "", message, "split it", rule="too-large"))
                else:
                    files[name] = path.read_bytes()
        except OSError as error:
            problems.append(Problem(Place(name), "", f"cannot be read: {error.strerror}", "", rule="not-readable"))
    if not files and not problems:
        problems.append(Problem(Place(str(folder)), "", "holds no manifest", "name a folder with .yaml or .yml files"))
    if problems:
        raise InvalidInput(problems)
    return files

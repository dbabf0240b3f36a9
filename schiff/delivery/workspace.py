"""Where a Pulumi project keeps what is its own: the cache, and the embedded repositories.

Settings name repositories as people write them. A relative path, such as
``.schiff/cluster-definitions.git``, is an *embedded* repository: it lies below
the project's folder and is made on first use. Everything else is a repository
that already exists, and stays as written. State holds the setting and never the
path it stands for, so that two checkouts of one project have equal state.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from schiff.errors import Refused
from schiff.git.repository import ensure_bare

CACHE_VARIABLE = "SCHIFF_CACHE"
PROJECT_FILE = "Pulumi.yaml"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folder of a Pulumi project."""

    root: Path

    @property
    def cache(self) -> Path:
        """The folder of cached clones and plans; deleting it costs a fetch and nothing else."""
        return Path(os.environ.get(CACHE_VARIABLE) or self.root / ".schiff" / "cache").absolute()

    @property
    def programs(self) -> Path:
        """The folder of other versions of schiff, each installed in an environment of its own."""
        return (self.root / ".schiff" / "versions").absolute()

    def place(self, setting: str) -> str:
        """Return where a setting points, and make nothing: a relative path is below the project's folder."""
        return str(self.root / setting) if is_embedded(setting) else setting

    def url(self, setting: str) -> str:
        """Return the URL that Git is given for a repository's setting."""
        return ensure_bare(self.root / setting) if is_embedded(setting) else setting


def is_embedded(setting: str) -> bool:
    """Whether a repository's setting is a relative path: no URL, no ``host:path``, no absolute path."""
    return "://" not in setting and ":" not in setting.partition("/")[0] and not Path(setting).is_absolute()


def find_workspace(start: Path) -> Workspace:
    """Return the workspace of the nearest folder upwards that holds a Pulumi project."""
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / PROJECT_FILE).is_file():
            return Workspace(folder)
    raise Refused(f"neither {start} nor a folder above it holds a {PROJECT_FILE}", code="no-project")

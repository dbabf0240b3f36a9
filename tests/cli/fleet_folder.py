"""A fleet on disk for tests of commands, with a comment in every file so that copying can be told from rewriting."""

from __future__ import annotations

from pathlib import Path

from schiff.manifests.yaml import to_yaml
from tests.makers import Documents, fleet_documents


def write_fleet(folder: Path, documents: Documents | None = None) -> Path:
    """Write the documents below ``folder/fleet`` and return that folder."""
    for path, data in (documents or fleet_documents()).items():
        file = folder / "fleet" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {path}\n{to_yaml([data])}", encoding="utf-8")
    return folder / "fleet"

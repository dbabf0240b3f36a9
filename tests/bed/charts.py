"""A repository of Helm charts over HTTP: an index and archives, made by the test that needs them."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.bed.loopback_server import LoopbackServer


class ChartServer(LoopbackServer):
    """Runs while the `with` block does; `publish` adds a version of a chart."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._index: dict[str, list[dict[str, Any]]] = {}
        super().__init__(partial(_Quiet, directory=str(folder)))

    def publish(self, name: str, version: str, templates: Mapping[str, str]) -> None:
        """Offer a chart of these templates under a version."""
        about = {"apiVersion": "v2", "name": name, "version": version, "type": "application"}
        files = {"Chart.yaml": yaml.safe_dump(about), **{f"templates/{path}": text for path, text in templates.items()}}
        archive = _archive({f"{name}/{path}": text for path, text in files.items()})
        file = f"{name}-{version}.tgz"
        (self._folder / file).write_bytes(archive)
        entry = {**about, "urls": [file], "digest": hashlib.sha256(archive).hexdigest()}
        self._index.setdefault(name, []).append(entry)
        index = {"apiVersion": "v1", "entries": self._index, "generated": "2026-11-22T00:00:00Z"}
        (self._folder / "index.yaml").write_text(yaml.safe_dump(index))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Print nothing."""


def _archive(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()

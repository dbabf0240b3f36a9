"""`schiff vendor`: take upstream manifests into the fleet, byte for byte, with where they came from.

1. A file that is there with the same bytes stays; one with other bytes is refused: a version never changes.
2. Nothing is added to a version that a release pins: its digest is part of the release's identity.
3. `components/<name>.yaml` records origin and SHA-256 of every file; it is written last.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.error import URLError
from urllib.request import urlopen

import typer

from schiff.errors import Failed, InvalidInput, InvalidValue, Place, Problem, Refused
from schiff.layers.yaml_documents import read_document
from schiff.manifests.yaml import to_yaml
from schiff.model.frozen import LOCK_FILE
from schiff.values.versions import ComponentVersion

HELP = """\
Example: schiff vendor metallb v0.16.1 --from ~/metallb/config/manifests/metallb-native.yaml --fleet stacks/fleet

Take upstream manifests into components/NAME/VERSION/ of the fleet, byte for byte, and record their origin and SHA-256
in components/NAME.yaml. --from is a folder (all its files, with their paths), a file or a URL. Files that are there
already stay as they are; other bytes under the same name are refused: changed content is a new version, such as
v0.16.1-s2.
"""

_MODULE = re.compile(r"/pkg/mod/(?!cache/)(.+@v[^/]+)(/.*)?$")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LARGEST = 20_000_000


@dataclass(frozen=True, slots=True)
class Upstream:
    """One file as it was taken: its bytes, and where it can be had again."""

    origin: str
    content: bytes

    @property
    def sha256(self) -> str:
        """What the catalogue records."""
        return hashlib.sha256(self.content).hexdigest()


def vendor(
    name: str,
    version: str,
    source: Annotated[str, typer.Option("--from", help="Folder, file or URL to take from.")],
    fleet: Annotated[Path, typer.Option("--fleet", help="Folder of the fleet.")] = Path("stacks/fleet"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take files and record them."""
    added = take(fleet, name, version, files_from(source))
    folder = fleet / "components" / name / version
    if as_json:
        print(json.dumps({"component": name, "version": version, "folder": str(folder), "added": added}))
        return
    print(f"{name} {version}: {len(added)} new files in {folder}")
    print(f"next: git add {folder} {folder.parent}.yaml && git commit")


def files_from(source: str) -> dict[str, Upstream]:
    """Return the files of a folder, one file, or what a URL answers, by their path in the version's folder."""
    if source.startswith(("https://", "http://")):
        return {PurePosixPath(source.partition("?")[0]).name: Upstream(source, _fetched(source))}
    path = Path(source).expanduser()
    if path.is_file():
        return {path.name: Upstream(_origin(source, path), path.read_bytes())}
    if not path.is_dir():
        raise InvalidInput(
            [Problem(Place(source), "", "is no folder and no file", "name one, or a URL", rule="vendor")]
        )
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    if not files:
        raise InvalidInput([Problem(Place(source), "", "holds no file", "name another folder", rule="vendor")])
    taken: dict[str, Upstream] = {}
    for file in files:
        relative = file.relative_to(path).as_posix()
        taken[relative] = Upstream(_origin(f"{source.rstrip('/')}/{relative}", file), file.read_bytes())
    return taken


def take(fleet: Path, name: str, version: str, files: Mapping[str, Upstream]) -> list[str]:
    """Write files and record them; return the paths that are new. Raises before anything is written."""
    _require_named(name, version)
    folder = fleet / "components" / name / version
    added = [path for path in sorted(files) if not (folder / path).is_file()]
    _require_unchanged(folder, files)
    if added and (release := next(_pinning(fleet, f"{name}/{version}"), None)):
        raise Refused(
            f"release {release} pins {name} {version}, so nothing can be added to it; vendor a new version, "
            f"such as {version}-s2", code="vendored-version-frozen",
        )  # fmt: skip
    for path in added:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path].content)
    _record(folder.parent.with_suffix(".yaml"), version, files)
    return added


def _require_named(name: str, version: str) -> None:
    if not _NAME.fullmatch(name):
        cure = "lower-case letters, digits and '-'"
        raise InvalidInput([Problem(Place(f"components/{name}"), "", f"{name!r} is no name", cure, rule="bad-name")])
    try:
        ComponentVersion.parse(version)
    except InvalidValue as error:
        place = Place(f"components/{name}/{version}")
        raise InvalidInput([Problem(place, "", str(error), rule="wrong-value")]) from None


def _require_unchanged(folder: Path, files: Mapping[str, Upstream]) -> None:
    other = [path for path, file in sorted(files.items()) if _differs(folder / path, file.content)]
    if other:
        raise Refused(
            f"{folder} holds other bytes under {', '.join(other)}; a version never changes: vendor it as a new one, "
            f"such as {folder.name}-s2", code="vendored-version-changed",
        )  # fmt: skip


def _differs(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() != content


def _pinning(fleet: Path, key: str) -> Iterator[str]:
    for lock in sorted((fleet / "releases").glob(f"*/{LOCK_FILE}")):
        if key in json.loads(lock.read_text(encoding="utf-8")).get("vendored", {}):
            yield lock.parent.name


def _record(catalogue: Path, version: str, files: Mapping[str, Upstream]) -> None:
    """Write the catalogue entry; comments at its top stay, and so does everything people wrote about the version."""
    text = catalogue.read_text(encoding="utf-8") if catalogue.is_file() else ""
    data: dict[str, Any] = {"kind": "component", **read_document(text.encode(), catalogue.name).data}
    versions = dict(data.get("versions") or {})
    entry = dict(versions.get(version) or {})
    recorded = {item["path"]: item for item in entry.get("vendored") or []}
    for path, file in files.items():
        recorded.setdefault(path, {"path": path, "origin": file.origin, "sha256": file.sha256})
    entry["vendored"] = [recorded[path] for path in sorted(recorded)]
    data["versions"] = {**versions, version: entry}
    head = [line for line in text.splitlines(keepends=True) if line.startswith("#")]
    written = "".join(head) + to_yaml([data])
    if written != text:
        catalogue.write_text(written, encoding="utf-8")


def _origin(named: str, path: Path) -> str:
    """Return where a file came from: a module cache names module and version, which hold on every machine."""
    match = _MODULE.search(path.resolve().as_posix())
    return f"{match[1]}{match[2] or ''}" if match else named


def _fetched(url: str) -> bytes:
    try:
        with urlopen(url, timeout=60) as answer:  # noqa: S310  # files_from lets http and https through
            content: bytes = answer.read(_LARGEST + 1)
    except (URLError, TimeoutError) as error:
        raise Failed(f"{url} cannot be fetched: {getattr(error, 'reason', error)}") from error
    if len(content) > _LARGEST:
        raise Failed(f"{url} answers with more than {_LARGEST // 1_000_000} MB, which is no manifest")
    return content

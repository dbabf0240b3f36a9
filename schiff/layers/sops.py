"""Encrypted documents, by place: what lies in a folder of secrets must be encrypted, whole.

schiff never decrypts. It only makes sure that nobody commits plain text where
a controller expects SOPS, and says so without quoting a single value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schiff.errors import InvalidInput, Place, Problem
from schiff.layers.yaml_documents import read_document
from schiff.model.fleet import Document, Path

_CLEAR = frozenset({"apiVersion", "kind", "metadata", "type", "immutable", "sops"})
_CURE = "encrypt it with sops; if it was ever committed, the secret is burnt"


def secret_problems(file: str, content: bytes) -> Iterator[Problem]:
    """Give what is wrong with one encrypted document; no message holds any of its content."""
    try:
        document = read_document(content, file)
    except InvalidInput as error:
        line = min(problem.place.line for problem in error.problems)
        yield _problem(Place(file, line), "", "is not a SOPS document")
        return
    data = document.data
    if not isinstance(data.get("sops"), dict) or not isinstance(data["sops"].get("mac"), str):
        yield _problem(document.place(), "", "is not a SOPS document: it has no `sops` metadata")
        return
    if all(key in _CLEAR for key in data):
        yield _problem(document.place(), "", "holds no encrypted data")
    for key, value in data.items():
        if key not in _CLEAR:
            yield from _clear_text(document, value, (key,))


def _clear_text(document: Document, value: Any, path: Path) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _clear_text(document, inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _clear_text(document, inner, (*path, number))
    elif not (isinstance(value, str) and value.startswith("ENC[") and value.endswith("]")):
        yield _problem(document.place(path), ".".join(map(str, path)), "is plain text in a folder of secrets")


def _problem(place: Place, path: str, message: str) -> Problem:
    return Problem(place, path, message, _CURE, rule="plain-text-secret")

"""A fleet made in Python: the same documents as files hold, given as mappings or specs.

Field names may be written as in Python (snake_case) or as in YAML; what people
chose as names stays as it is. The result is the one that reading equal files
gives, so equal bytes come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schiff.errors import InvalidValue
from schiff.layers.assemble import assemble
from schiff.layers.fleet_layout import fleet_file
from schiff.layers.shapes import LEAF, Shape
from schiff.model.fleet import Document, Fleet
from schiff.model.spec import Spec
from schiff.values.parsed import Parsed

Content = Mapping[str, Any] | Spec


def fleet_of(
    documents: Mapping[str, Content],
    secrets: Mapping[str, bytes] | None = None,
    vendored: Mapping[str, Mapping[str, bytes]] | None = None,
) -> Fleet:
    """Return the fleet of these documents, keyed by path below the fleet folder; raises `InvalidInput`."""
    return assemble(documents_of(documents), secrets or {}, vendored or {})


def documents_of(documents: Mapping[str, Content]) -> dict[str, Document]:
    """Return the documents as reading their files would give them, without lines."""
    return {path: _document(path, content) for path, content in documents.items()}


def _document(path: str, content: Content) -> Document:
    file = fleet_file(path)
    return Document(path, _plain(content, file.shape if file else LEAF))


def _plain(value: Any, shape: Shape) -> Any:
    match value:
        case Spec():
            return _plain(value.as_document(), shape)
        case Parsed():
            return str(value)
        case Mapping():
            return {_key(key, shape): _plain(item, _below(shape, _key(key, shape))) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, shape.items or LEAF) for item in value]
        case str() | int() | None:
            return value
        case float():
            raise InvalidValue(f"{value} is a number with a fraction, which no field takes (write it as text)")
        case _:
            raise InvalidValue(f"{type(value).__name__} is no layer's value (expected text, number, map or list)")


def _key(key: Any, shape: Shape) -> str:
    if not isinstance(key, str):
        raise InvalidValue(f"{key!r} cannot be a key of a layer (expected text)")
    return shape.python_names.get(key, key)


def _below(shape: Shape, key: str) -> Shape:
    return shape.below(key) or LEAF

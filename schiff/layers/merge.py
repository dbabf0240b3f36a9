"""Layers become one value for each field: maps merge, lists replace, ``null`` removes, nothing else.

`merged_data` gives the value alone and shares what a layer does not touch, so
that a thousand clusters cost what they differ by. `merge` gives the origin of
every leaf too, and everything that lost. Maps come out with sorted keys: the
order in which people write fields never reaches a byte that is delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schiff.errors import Place
from schiff.model.fleet import Document, Path
from schiff.model.settings import LayerName

Layer = tuple[LayerName, Document]


@dataclass(frozen=True, order=True, slots=True)
class Origin:
    """The layer that set a value, and where."""

    layer: LayerName
    place: Place


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged value, the origin of each leaf, and the origins that lost, earliest first."""

    data: Mapping[str, Any]
    origins: Mapping[Path, Origin]
    losers: Mapping[Path, tuple[Origin, ...]]


def merged_data(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Return `upper` laid over `lower`; neither is changed, and what `upper` does not name is shared."""
    result = dict(lower)
    for key, value in upper.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged_data(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = _sorted(value)
    return dict(sorted(result.items()))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(inner) for key, inner in sorted(value.items())}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def merge(layers: Sequence[Layer]) -> Merged:
    """Return the layers' value with all origins; later layers win."""
    data: dict[str, Any] = {}
    history = _History({}, {})
    for name, document in layers:
        history.note(name, document, data, document.data, ())
        data = merged_data(data, document.data)
    losers = {path: tuple(origins) for path, origins in history.losers.items()}
    return Merged(data, history.origins, losers)


@dataclass(frozen=True, slots=True)
class _History:
    """Who set what so far; a value inside a list has its list's origin."""

    origins: dict[Path, Origin]
    losers: dict[Path, list[Origin]]

    def note(self, layer: LayerName, document: Document, lower: Mapping[str, Any], upper: Any, path: Path) -> None:
        """Take in one layer, before it is merged into the data below it."""
        for key, value in upper.items():
            here, below = (*path, key), lower.get(key)
            if isinstance(value, dict):
                if not isinstance(below, dict):
                    self._lose(here)
                self.note(layer, document, below if isinstance(below, dict) else {}, value, here)
            else:
                self._lose(here)
                if value is not None:
                    self.origins[here] = Origin(layer, document.place(here))

    def _lose(self, path: Path) -> None:
        for lost in [leaf for leaf in self.origins if leaf[: len(path)] == path]:
            self.losers.setdefault(lost, []).append(self.origins.pop(lost))

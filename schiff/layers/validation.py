"""The one place where pydantic's errors become problems with file, line, path and cure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from schiff.errors import Place, Problem
from schiff.layers.shapes import Shape, path_text, shape_of
from schiff.model.fleet import Document, Path
from schiff.model.spec import Spec

S = TypeVar("S", bound=Spec)


class Located(NamedTuple):
    """Where a value was written: its place, its layer and that layer's rank, and what stands before its path."""

    place: Place
    layer: str = ""
    prefix: str = ""
    rank: int = 0


Locate = Callable[[Path], Located]

_SHOWN = 60
_KINDS: dict[type, str] = {bool: "a boolean", int: "a number", str: "text", dict: "a map", list: "a list"}
_EXPECTED = {
    "string_type": "text", "int_type": "a whole number", "bool_type": "true or false", "dict_type": "a map",
    "mapping_type": "a map", "model_type": "a map", "model_attributes_type": "a map", "tuple_type": "a list",
}  # fmt: skip
_VERSION_FIELDS = frozenset({"version", "versions", "kubernetes", "kubernetesVersion", "release", "images"})


def typed(model: type[S], document: Document, problems: list[Problem]) -> S | None:
    """Return the document as a spec, or None after adding its problems."""
    try:
        return model.model_validate(document.data, by_name=False, by_alias=True)
    except ValidationError as error:
        problems.extend(problems_of(error, shape_of(model), in_document(document)))
        return None


def in_document(document: Document, layer: str = "", prefix: str = "") -> Locate:
    """Return how to locate values that all stand in one document."""
    return lambda path: Located(document.place(path), layer, prefix)


def problems_of(error: ValidationError, shape: Shape, locate: Locate) -> Iterator[Problem]:
    """Give each of pydantic's errors as a problem."""
    for item in error.errors(include_url=False):
        if item["type"] == "is_instance_of":
            continue  # a value that may be given ready-made; the text form says what is wrong
        path = _path(shape, item["loc"])
        message, cure, rule = _sentence(item, shape, path)
        where = {blamed: locate(blamed) for blamed in _blamed(item, shape, path)}
        path = max(where, key=lambda blamed: where[blamed].rank)
        place, layer, prefix, _ = where[path]
        yield Problem(place, path_text(shape, path, prefix), message, cure, layer, rule)


def close_to(name: str, known: Collection[str]) -> str:
    """Return a cure that names the nearest known name, else all of them."""
    near = get_close_matches(name, list(known), n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else "none is known here"


def _path(shape: Shape, location: tuple[int | str, ...]) -> Path:
    """Return the location without pydantic's own marks, which stand below leaves and behind keys."""
    path: list[str | int] = []
    here: Shape | None = shape
    for key in location:
        if here is None or key == "[key]" or (here.values is None and here.items is None and not here.fields):
            break
        path.append(key)
        here = here.below(key)
    return tuple(path)


def _blamed(item: Mapping[str, Any], shape: Shape, path: Path) -> list[Path]:
    """Return the fields that a rule over several fields talks about, by name or value; the latest layer's is shown."""
    value = item["input"]
    if item["type"] != "value_error" or not isinstance(value, dict):
        return [path]
    here: Shape | None = shape
    for key in path:
        here = here.below(key) if here else None
    known = dict.fromkeys(here.fields if here else ())
    words = str(item["ctx"]["error"]).replace(",", " ").replace(":", " ").split()
    named = [(*path, key) for word in words for key, inner in {**known, **value}.items() if word in {key, str(inner)}]
    return named or [path]


def _sentence(item: Mapping[str, Any], shape: Shape, path: Path) -> tuple[str, str, str]:
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_field(shape, path)
    if kind == "missing":
        return "is missing", "add it", "missing-field"
    if kind == "value_error":
        return str(context["error"]), "", "wrong-value"
    if kind in _EXPECTED:
        return _wrong_type(value, _EXPECTED[kind])
    if kind == "literal_error":
        return f"{_shown(value)} is not known", f"expected {context['expected']}", "wrong-value"
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = f"at least {context['ge']}" if "ge" in context else f"at most {context['le']}"
        return f"{_shown(value)} is out of range", f"expected {bound}", "wrong-value"
    if kind == "string_pattern_mismatch":
        return f"{_shown(value)} has not the expected form", f"expected {context['pattern']}", "wrong-value"
    return f"{_shown(value)}: {item['msg'][:1].lower()}{item['msg'][1:]}", "", "wrong-value"


def _unknown_field(shape: Shape, path: Path) -> tuple[str, str, str]:
    here: Shape | None = shape
    for key in path[:-1]:
        here = here.below(key) if here else None
    fields, name = (here.fields, here.python_names) if here else ({}, {})
    unknown = str(path[-1])
    message = f"no field is called {unknown!r} here"
    if unknown in name and name[unknown] != unknown:
        return message, f"write {name[unknown]!r}: fields are camelCase in YAML", "unknown-field"
    if unknown in _VERSION_FIELDS and "controlPlane" in fields:
        return message, "no layer sets a version; versions come from head.yaml or the release", "unknown-field"
    return message, close_to(unknown, list(fields)), "unknown-field"


def _wrong_type(value: Any, expected: str) -> tuple[str, str, str]:
    message = f"{_shown(value)} is {_kind(value)}, expected {expected}"
    if expected == "text" and isinstance(value, bool | int):
        return message, f'write it in quotes: "{_shown(value)}"', "wrong-type"
    if expected == "a whole number" and isinstance(value, str) and value.isdigit():
        return message, "write it without quotes", "wrong-type"
    return message, "", "wrong-type"


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list) or value is None:
        return "this"
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."

"""Kubernetes objects as a file holds them: read as Kubernetes' reader would, each value with its place.

Python's stock reader of YAML takes ``2024-01-01`` for a date and ``1:30`` for
ninety, and stops at a plain ``=``; Kubernetes' takes none of them so. A key
that stands twice is refused, as the API server refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from schiff.errors import Place, Problem

Path = tuple[str | int, ...]
"""The keys and positions that lead to a value of an object."""

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_MOST_VALUES = 1_000_000
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class _Unreadable(yaml.MarkedYAMLError):
    """A document that YAML allows and Kubernetes does not."""


class _Reader(yaml.CSafeLoader):
    """PyYAML's loader with the scalars of Kubernetes' reader and no key twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own registry

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        found: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise _Unreadable(problem=f"the key {key!r} is not a text", problem_mark=key_node.start_mark)
            if key in found:
                raise _Unreadable(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            found[key] = self.construct_object(value_node, deep=deep)
        return found

    def construct_map(self, node: MappingNode) -> dict[Hashable, Any]:
        """Return a whole map at once: nothing of Kubernetes refers to itself."""
        return self.construct_mapping(node, deep=True)

    def construct_truth(self, node: ScalarNode) -> bool:
        """Return a truth, in every spelling Kubernetes' reader knows."""
        return node.value in _TRUE


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), list(first))


_resolve("bool", "|".join((*_TRUE, *_FALSE)), "yYnNtTfFoO")
_resolve("null", "~|null|Null|NULL", "~nN")
_resolve("int", "[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)", "-+0123456789")
_resolve("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789")
_Reader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"\Z"))]
_Reader.add_constructor("tag:yaml.org,2002:map", _Reader.construct_map)
_Reader.add_constructor("tag:yaml.org,2002:bool", _Reader.construct_truth)


@dataclass(frozen=True, slots=True)
class KubernetesObject:
    """One decoded object: the file it stands in, its number there, and what it says."""

    file: str
    data: Mapping[str, Any] = field(compare=False)
    number: int = 0
    text: str = field(default="", compare=False, repr=False)

    @property
    def api_version(self) -> str:
        """``group/version``, or the version alone for the core group."""
        return _text(self.data.get("apiVersion"))

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        group, slash, _ = self.api_version.partition("/")
        return group if slash else ""

    @property
    def kind(self) -> str:
        """The kind."""
        return _text(self.data.get("kind"))

    @property
    def name(self) -> str:
        """``metadata.name``."""
        return _text(self.at("metadata", "name"))

    @property
    def namespace(self) -> str:
        """``metadata.namespace``, empty for a cluster-wide object."""
        return _text(self.at("metadata", "namespace"))

    @property
    def title(self) -> str:
        """Kind and name, for sentences."""
        return f"{self.kind} {self.name}" if self.name else self.kind or "object"

    def at(self, *path: str | int) -> Any:
        """Return the value at a path, or None where it ends early."""
        return value_at(self.data, path)

    def map_at(self, *path: str | int) -> Mapping[str, Any]:
        """Return the map at a path, or an empty one."""
        value = self.at(*path)
        return value if isinstance(value, Mapping) else {}

    def items_at(self, *path: str | int) -> list[Any]:
        """Return the list at a path, or an empty one."""
        value = self.at(*path)
        return value if isinstance(value, list) else []

    def text_at(self, *path: str | int) -> str:
        """Return the text at a path, or an empty one."""
        return _text(self.at(*path))

    def problem(self, path: Path, message: str, cure: str, rule: str) -> Problem:
        """Return a problem with the value at `path`, placed on its line."""
        return Problem(self.place(path), dotted(path), message, cure, rule=rule)

    def place(self, path: Path = ()) -> Place:
        """Return where the value at `path` stands, or its nearest parent."""
        marks = _marks(self.text) if self.text else ()
        if self.number >= len(marks):
            return Place(self.file)
        for length in range(len(path), -1, -1):
            mark = marks[self.number].get(path[:length])
            if mark is not None:
                return Place(self.file, *mark)
        return Place(self.file)


def read_objects(file: str, text: str) -> tuple[list[KubernetesObject], list[Problem]]:
    """Return the objects of a file, and why it could not be read to its end."""
    found: list[KubernetesObject] = []
    try:
        for number, data in enumerate(yaml.load_all(text, Loader=_Reader)):
            if isinstance(data, dict):
                _require_bounded(data, text)
                found.append(KubernetesObject(file, data, number, text))
            elif data is not None:
                message = f"document {number + 1} is no Kubernetes object, but a {kind_of(data)}"
                problem = Problem(Place(file), "", message, "write apiVersion, kind and metadata", rule="not-an-object")
                return found, [problem]
    except yaml.MarkedYAMLError as error:
        return found, [_unreadable(file, error)]
    except yaml.YAMLError:
        return found, [Problem(Place(file), "", "not readable as YAML", "write text in UTF-8", rule="not-yaml")]
    return found, []


def value_at(data: Any, path: Iterable[str | int]) -> Any:
    """Return the value at a path of decoded data, or None where it ends early."""
    for step in path:
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            data = data.get(step) if isinstance(data, Mapping) else None
    return data


def leaves(data: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar of decoded data with its path."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, (*path, index))
    else:
        yield path, data


def dotted(path: Path) -> str:
    """Return a path as the API server names fields: ``spec.files[0].path``, ``metadata.labels[a/b]``."""
    text = ""
    for step in path:
        if isinstance(step, str) and _SIMPLE_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step}]"
    return text


def kind_of(value: Any) -> str:
    """Return what people call the type of a decoded value."""
    for kind, name in ((bool, "boolean"), (str, "text"), (int, "integer"), (float, "number"), (list, "list")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "map"


def _require_bounded(data: Mapping[str, Any], text: str) -> None:
    """Refuse a small text that aliases blow up to a large object."""
    if "&" not in text:
        return
    for count, _ in enumerate(leaves(data)):
        if count > _MOST_VALUES:
            raise _Unreadable(problem=f"aliases blow this up to more than {_MOST_VALUES} values")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _unreadable(file: str, error: yaml.MarkedYAMLError) -> Problem:
    """Return what the reader stopped at, without the snippet it would quote: a file may hold a secret."""
    mark = error.problem_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    return Problem(place, "", error.problem or "not readable as YAML", "write valid YAML", rule="not-yaml")


@lru_cache(maxsize=64)
def _marks(text: str) -> tuple[dict[Path, tuple[int, int]], ...]:
    """Return line and column, from 1, of every value of every document."""
    found: list[dict[Path, tuple[int, int]]] = []
    for root in yaml.compose_all(text, Loader=_Reader):
        marks: dict[Path, tuple[int, int]] = {}
        if root is not None:
            _mark(root, (), marks)
        found.append(marks)
    return tuple(found)


def _mark(node: Node, path: Path, marks: dict[Path, tuple[int, int]]) -> None:
    marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            marks[below] = (key.start_mark.line + 1, key.start_mark.column + 1)
            _mark(value, below, marks)
    elif isinstance(node, SequenceNode):
        for index, item in enumerate(node.value):
            _mark(item, (*path, index), marks)

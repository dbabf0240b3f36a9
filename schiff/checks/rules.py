"""What a rule over objects is: a stable id, one sentence, and a function that finds what breaks it.

A rule judges each object by itself, or all objects together. Some rules ask
whether something is *missing*: those hold for a whole delivered tree only, since
a few files of one say nothing about the rest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from schiff.checks.documents import KubernetesObject, Path
from schiff.checks.schemas import SchemaSet
from schiff.errors import Problem

_TARGET = re.compile(
    r"(?:^|/)locations/[^/]+/(?P<tenant>[^/]+/[^/]+)/"
    r"|(?:^|/)(?P<component>components/.+)/[^/]+$"
    r"|(?:^|/)(?P<management>[^/]+)/(?:self-definitions|sites|flux)/"
)


class Breach(NamedTuple):
    """Where a rule is broken: the object, the path of the field, what is wrong, what would be right."""

    item: KubernetesObject
    path: Path
    message: str
    cure: str


class Room(NamedTuple):
    """Where names are unique: one kind in one namespace of one API server."""

    target: str
    namespace: str
    kind: str


class Objects:
    """All objects that are checked together, found by kind and by name, and the files they lie among."""

    def __init__(self, objects: Iterable[KubernetesObject], schemas: SchemaSet, files: Iterable[str] = ()) -> None:
        self.all = tuple(objects)
        self.schemas = schemas
        self.files = frozenset(files)
        self._by_kind: defaultdict[str, list[KubernetesObject]] = defaultdict(list)
        self._rooms: defaultdict[Room, dict[str, KubernetesObject]] = defaultdict(dict)
        for item in self.all:
            self._by_kind[item.kind].append(item)
            self._rooms[_room(item, item.kind, item.namespace)].setdefault(item.name, item)

    def of(self, *kinds: str) -> Iterator[KubernetesObject]:
        """Yield the objects of these kinds."""
        for kind in kinds:
            yield from self._by_kind.get(kind, ())

    def beside(
        self, item: KubernetesObject, kind: str, name: str, namespace: str | None = None
    ) -> KubernetesObject | None:
        """Return the object that `item` names: in its own namespace unless another is given, else cluster-wide."""
        wanted = item.namespace if namespace is None else namespace
        for room in (_room(item, kind, wanted), _room(item, kind, "")):
            if found := self._rooms.get(room, {}).get(name):
                return found
        return None

    def neighbours(self, item: KubernetesObject, *kinds: str) -> Iterator[KubernetesObject]:
        """Yield the objects of these kinds in the same API server and namespace."""
        for kind in kinds:
            yield from self._rooms.get(_room(item, kind, item.namespace), {}).values()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its id, as ``docs/reference/rules.md`` lists it."""

    id: str
    sentence: str
    find: Callable[[Objects], Iterator[Breach]]
    whole: bool = False

    def problems(self, objects: Objects) -> Iterator[Problem]:
        """Yield a problem for every breach."""
        for item, path, message, cure in self.find(objects):
            yield item.problem(path, f"{item.title}: {message}", cure, self.id)


Each = Callable[[KubernetesObject], Iterator[tuple[Path, str, str]]]


def each(rule_id: str, sentence: str, kinds: tuple[str, ...], find: Each) -> Rule:
    """Return a rule that judges every object of these kinds by itself; of every kind when none is named."""

    def across(objects: Objects) -> Iterator[Breach]:
        for item in objects.of(*kinds) if kinds else objects.all:
            for path, message, cure in find(item):
                yield Breach(item, path, message, cure)

    return Rule(rule_id, sentence, across)


@lru_cache(maxsize=4096)
def target(file: str) -> str:
    """Return which API server a file's objects go to, as far as its path tells: a tenant, a management cluster.

    Every folder of a component stands for itself, because variants repeat what their base holds.
    """
    match = _TARGET.search(file)
    if match is None:
        return ""
    return match["tenant"] or match["component"] or match["management"]


def matches(selector: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    """Return whether a label selector selects these labels."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or []
    equal = isinstance(wanted, dict) and all(labels.get(key) == value for key, value in wanted.items())
    return equal and isinstance(expressions, list) and all(_holds(each, labels) for each in expressions)


def _room(item: KubernetesObject, kind: str, namespace: str) -> Room:
    return Room(target(item.file), namespace, kind)


def _holds(expression: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or []
    listed = isinstance(values, list) and labels.get(key) in values
    match expression.get("operator"):
        case "In":
            return key in labels and listed
        case "NotIn":
            return not listed
        case "Exists":
            return key in labels
        case _:
            return key not in labels

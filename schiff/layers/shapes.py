"""The shape of a spec: which keys are fields, which are names that people chose.

A path is written by names (``pools[md-0].replicas``), a Python author may write
the snake_case of a field, and an unknown field is answered with the nearest
known one. All three need to know where fields end and chosen names begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from schiff.model.fleet import Path
from schiff.model.spec import Spec
from schiff.model.tenant_cluster import TenantClusterSpec


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand at one place: fields, values under chosen names, items of a list, or a leaf (none of them)."""

    fields: Mapping[str, Shape] = field(default_factory=dict)
    values: Shape | None = None
    items: Shape | None = None
    python_names: Mapping[str, str] = field(default_factory=dict)

    def below(self, key: str | int) -> Shape | None:
        """Return the shape under `key`, or None where nothing may stand."""
        if key in self.fields:
            return self.fields[str(key)]
        return self.items if isinstance(key, int) else self.values


LEAF = Shape()


@cache
def shape_of(model: type[Spec]) -> Shape:
    """Return the shape of a spec; the order inside `cluster` of a management cluster has the shape of an order."""
    fields = {}
    for name, info in model.model_fields.items():
        alias = info.alias or name
        is_order = (model.__name__, name) == ("ManagementClusterSpec", "cluster")
        fields[alias] = shape_of(TenantClusterSpec) if is_order else _shape(info.annotation)
    return Shape(fields, python_names={name: info.alias or name for name, info in model.model_fields.items()})


def path_text(shape: Shape, path: Path, prefix: str = "") -> str:
    """Return the path by names: fields with dots, chosen names and positions in brackets."""
    text, here = prefix, shape
    for key in path:
        below = here.below(key)
        is_field = isinstance(key, str) and here.values is None
        text += (f".{key}" if text else str(key)) if is_field else f"[{key}]"
        here = below or LEAF
    return text


def _shape(annotation: Any) -> Shape:
    if get_origin(annotation) is Annotated:
        return _shape(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _shape(next(option for option in get_args(annotation) if option is not NoneType))
    if get_origin(annotation) is Mapping:
        values = get_args(annotation)[1]
        return LEAF if values is Any else Shape(values=_shape(values))
    if get_origin(annotation) is tuple:
        return Shape(items=_shape(get_args(annotation)[0]))
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return shape_of(annotation)
    return LEAF

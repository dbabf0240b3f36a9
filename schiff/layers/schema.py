"""Each layer by itself against the one schema: the fields of a cluster, all optional.

Rules over several fields wait until the layers are merged. What is wrong in a
single layer is said here, with the layer's name, in the order of the code:

1. `environment`, `zone`, `class` and `decommission` come from the order only: the first three choose the layers.
2. Unknown fields, wrong types, wrong values.
3. No layer sets a version: not of Kubernetes, and not of a component.
4. No value is a template: what looks like one to Flux would be emptied on its way to a machine.
5. A hold is a customer's, for its production clusters: it stands in the customer's file or in an order of `prd`.
6. A customer layer sets only what `fleet.yaml` allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from schiff.errors import Problem
from schiff.layers.shapes import path_text, shape_of
from schiff.layers.validation import in_document, problems_of
from schiff.model.fleet import Document, Path
from schiff.model.settings import FleetSettings, LayerName
from schiff.model.spec import Spec
from schiff.model.tenant_cluster import TenantClusterSpec
from schiff.values.names import ENVIRONMENTS

CLUSTER_SHAPE: Final = shape_of(TenantClusterSpec)
LAST: Final = ENVIRONMENTS[-1]
"""The environment in which customers may hold releases back."""

_ORDER_ONLY = ("environment", "zone", "class", "decommission")
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


def layer_problems(layer: LayerName, document: Document, prefix: str = "") -> Iterator[Problem]:
    """Give everything that is wrong with one layer by itself."""
    data = dict(document.data)
    for key in _ORDER_ONLY if layer != "cluster" else ():
        if key in data:
            del data[key]
            yield Problem(
                document.place((key,)), path_text(CLUSTER_SHAPE, (key,), prefix), "comes from the order only",
                "write it into the order of the cluster", layer, "order-only",
            )  # fmt: skip
    try:
        partial(TenantClusterSpec).model_validate(data)
    except ValidationError as error:
        yield from problems_of(error, CLUSTER_SHAPE, in_document(document, layer, prefix))
    yield from _pinned_components(layer, document, prefix)
    yield from _templates(layer, document, prefix)
    yield from _hold(layer, document, prefix)


def _pinned_components(layer: LayerName, document: Document, prefix: str) -> Iterator[Problem]:
    components = document.data.get("components")
    for name, settings in components.items() if isinstance(components, dict) else ():
        path = ("components", name, "version")
        if isinstance(settings, dict) and "version" in settings:
            yield Problem(
                document.place(path), path_text(CLUSTER_SHAPE, path, prefix),
                "no layer sets a version", "versions come from head.yaml or the release", layer, "version-in-layer",
            )  # fmt: skip


def _templates(layer: LayerName, document: Document, prefix: str) -> Iterator[Problem]:
    for path, text in _texts(document.data):
        if "${" in text:
            yield Problem(
                document.place(path), path_text(CLUSTER_SHAPE, path, prefix), "holds ${: no value is a template",
                "write the value itself", layer, "template",
            )  # fmt: skip


def _hold(layer: LayerName, document: Document, prefix: str) -> Iterator[Problem]:
    environment = document.data.get("environment", LAST if layer == "cluster" and not prefix else "")
    if document.data.get("hold") is None or layer == "customer" or (layer, environment) == ("cluster", LAST):
        return
    yield Problem(
        document.place(("hold",)), path_text(CLUSTER_SHAPE, ("hold",), prefix),
        f"only a customer's clusters of {LAST} are held", "remove it, or write it into the customer's file",
        layer, "hold-outside-prd",
    )  # fmt: skip


def _texts(data: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _texts(value, (*path, key))


def customer_problems(document: Document, settings: FleetSettings, release: str = "") -> Iterator[Problem]:
    """Give what a customer layer sets but may not; `release` names the settings' release, none means head."""
    where = f"release {release}" if release else "fleet.yaml"
    for path in leaves(document.data):
        dotted = ".".join(map(str, path))
        if not any(f"{dotted}.".startswith(f"{allowed}.") for allowed in settings.customer_may_set):
            may = ", ".join(settings.customer_may_set) or "nothing"
            yield Problem(
                document.place(path), path_text(CLUSTER_SHAPE, path),
                f"a customer may not set this; {where} allows {may}",
                "move it into an order, or let fleet.yaml allow it in customerMaySet", "customer", "customer-may-not",
            )  # fmt: skip


def leaves(data: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Give the path of every value that is no map with content."""
    for key, value in data.items():
        here = (*path, key)
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here


@cache
def partial(model: type[Spec]) -> type[BaseModel]:
    """Return the form of `model` in a layer: every field optional, `null` allowed, no rules over several fields."""
    fields: dict[str, Any] = {
        name: (_optional(_partial_of(info.annotation), info.metadata), Field(default=None, alias=info.alias))
        for name, info in model.model_fields.items()
    }
    return create_model(f"Layer{model.__name__}", __config__=_STRICT, **fields)


def _optional(annotation: Any, metadata: Sequence[Any] = ()) -> Any:
    inner = Annotated[(annotation, *metadata)] if metadata else annotation
    return inner | None


def _partial_of(annotation: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _partial_of(next(option for option in arguments if option is not NoneType))
    if origin is Mapping:
        mapping: Any = dict
        return mapping[arguments[0], _optional(_partial_of(arguments[1]))]
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return partial(annotation)
    return annotation

"""The fields of a spec as rows of a table: path, type and default are read from the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from schiff.model.policy import WaveName
from schiff.model.recipient import Recipient
from schiff.model.spec import OneOrMore, Spec
from schiff.model.tenant_cluster import Removal
from schiff.values.digests import Digest
from schiff.values.durations import PositiveDuration
from schiff.values.instants import Instant, InstantText
from schiff.values.names import ClusterKey, ClusterName, Domain, Environment, LabelKey, LabelValue, Name, PoolName
from schiff.values.networks import Address, AddressRange, MacAddress, Network
from schiff.values.shares import Clusters, Share
from schiff.values.versions import ComponentVersion, KubernetesVersion, VersionRange
from schiff.values.wall_time import WallTime, Weekday, WeeklyMoment, Zone

REQUIRED = "required"
NONE = "none"

_WORDS: tuple[tuple[Any, str, str], ...] = (
    (Name, "name", "names"),
    (ClusterName, "name of a cluster", "names of clusters"),
    (PoolName, "name of a pool", "names of pools"),
    (Domain, "domain", "domains"),
    (LabelKey, "label key", "label keys"),
    (LabelValue, "label value", "label values"),
    (ClusterKey, "`<site>/<cluster>`", "`<site>/<cluster>`"),
    (Environment, "environment", "environments"),
    (Removal, "removal state", "removal states"),
    (Recipient, "recipient", "recipients"),
    (Digest, "digest", "digests"),
    (Address, "address", "addresses"),
    (AddressRange, "range", "ranges"),
    (MacAddress, "MAC address", "MAC addresses"),
    (Network, "network", "networks"),
    (ComponentVersion, "version", "versions"),
    (KubernetesVersion, "Kubernetes version", "Kubernetes versions"),
    (VersionRange, "range of versions", "ranges of versions"),
    (PositiveDuration, "duration", "durations"),
    (Share, "percent", "percents"),
    (Clusters, "number of clusters", "numbers of clusters"),
    (WaveName, "wave", "waves"),
    (WeeklyMoment, "moment of a week", "moments of a week"),
    (WallTime, "time of day", "times of day"),
    (Zone, "time zone", "time zones"),
    (Weekday, "weekday", "weekdays"),
    (Instant, "moment", "moments"),
    (InstantText, "moment", "moments"),
    (str, "text", "texts"),
    (int, "number", "numbers"),
    (bool, "boolean", "booleans"),
)
_LIFTED = get_args(OneOrMore[str])[1]


class Row(NamedTuple):
    """One field: where it stands, what may stand there, and what holds when nobody writes it."""

    path: str
    type: str
    default: str


def rows(model: type[Spec], prefix: str = "") -> Iterator[Row]:
    """Yield the fields of a model and of everything below it, in the order in which they are declared."""
    hints = get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        below, between = _below(hints[name])
        if below is None or between or info.default is None:
            yield Row(path, type_text(hints[name]), _default(info))
        if below is not None:
            yield from rows(below, f"{path}{between}.")


def type_text(hint: Any, *, many: bool = False) -> str:
    """Return what may stand in a field, in words; of several things in a list, when there are `many`."""
    for known, one, several in _WORDS:
        if hint == known:
            return several if many else one
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(type_text(option, many=many) for option in arguments if option is not NoneType)
    if origin is Literal:
        return ", ".join(f"`{_spelled(value)}`" for value in arguments)
    if origin is Annotated:
        return _annotated(arguments, many=many)
    if origin is Mapping:
        named = _below(arguments[1])[0] is not None or get_origin(arguments[1]) is Mapping
        return "map by name" if named else f"map of {type_text(arguments[1], many=True)}"
    if origin is tuple:
        return f"list of {type_text(arguments[0], many=True)}"
    return "maps" if many else "map"


def _annotated(arguments: tuple[Any, ...], *, many: bool) -> str:
    inner, *marks = arguments
    if _LIFTED in marks:
        one = get_args(inner)[0]
        return f"{type_text(one)} or list of {type_text(one, many=True)}"
    bounds = [mark for info in marks if isinstance(info, FieldInfo) for mark in info.metadata]
    lowest = next((f" from {mark.ge}" for mark in bounds if isinstance(mark, Ge)), "")
    highest = next((f" to {mark.le}" for mark in bounds if isinstance(mark, Le)), "")
    return f"{type_text(inner, many=many)}{lowest}{highest}"


def _below(hint: Any) -> tuple[type[Spec] | None, str]:
    """Return the spec below a field, and what stands between: a chosen name, a position, or nothing."""
    origin, arguments = get_origin(hint), get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Spec):
        return hint, ""
    if origin is Annotated:
        return _below(arguments[0])
    if origin in (Union, UnionType):
        return next((found for option in arguments if (found := _below(option))[0]), (None, ""))
    if origin is Mapping and (below := _below(arguments[1])[0]):
        return below, ".<name>"
    if origin is tuple and (below := _below(arguments[0])[0]):
        return below, "[]"
    return None, ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return REQUIRED
    return NONE if info.default in (None, (), {}, "") else f"`{_spelled(info.default)}`"


def _spelled(value: Any) -> str:
    """Return a value as people write it in YAML."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_spelled(item)}' for key, item in value.items())}}}"
    if isinstance(value, Spec):
        return _spelled(value.as_document())
    if isinstance(value, tuple):
        return f"[{', '.join(map(_spelled, value))}]"
    return json.dumps(value) if isinstance(value, bool) or value in {"true", "false"} else str(value)

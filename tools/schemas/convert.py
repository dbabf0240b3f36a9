"""What an API server enforces, as plain JSON Schema: unknown fields refused, defaults filled in before.

The server prunes, defaults and validates by a CustomResourceDefinition's
structural schema; with strict field validation it names what it would prune.
So, in the order of the code: descriptions go; an object that lists properties
takes no others; a required field with a default is not required; quantities
that are an integer or a text are either; `null` only where the schema says so;
a list keyed by fields holds no key twice. CEL rules are left to the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Schema = dict[str, Any]

LIST_KEYS = "x-schiff-list-keys"
"""Our keyword for a list whose items differ in these fields."""

SCOPE = "x-schiff-scope"
"""Our note whether a kind lives in a namespace: ``Namespaced`` or ``Cluster``."""

_KEPT = (
    "type", "enum", "required", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minProperties",
    "maxProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems",
)  # fmt: skip
_LOGIC = ("anyOf", "oneOf", "allOf")
_EITHER = [{"type": "integer"}, {"type": "string"}]
_BASE64 = r"^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$"
_BOUNDS = {"int32": 2**31, "int64": 2**63}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "digit": "0-9",
    "lower": "a-z",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_REFERENCE = "#/components/schemas/"


def custom_resource(schema: Schema) -> Schema:
    """Return the strict schema of one version of a CustomResourceDefinition."""
    properties = {name: part for name, part in schema.get("properties", {}).items() if name != "status"}
    found = _structural({**schema, "properties": properties})
    whole = {"apiVersion": {}, "kind": {}, "metadata": {"$ref": "#/$defs/ObjectMeta"}}
    found["properties"] = found.get("properties", {}) | whole  # a kind of free form lists none
    found["required"] = sorted({*found.get("required", ()), "apiVersion", "kind", "metadata"} - {"status"})
    return found


def built_in(name: str, components: Mapping[str, Schema]) -> Schema:
    """Return the strict schema of a type of Kubernetes' own API, with every type it refers to."""
    found = _openapi(components[name])
    found.get("properties", {}).pop("status", None)
    found["required"] = sorted({*found.get("required", ()), "apiVersion", "kind", "metadata"})
    return found | {"$defs": definitions(_references(found), components)}


def definitions(names: Iterable[str], components: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return these types of Kubernetes' API and all they refer to, by short name."""
    by_short_name = {_short(name): name for name in components}
    found: dict[str, Schema] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _openapi(components[by_short_name[name]])
            waiting.extend(_references(found[name]))
    return dict(sorted(found.items()))


def _structural(schema: Schema) -> Schema:
    found = _values(schema)
    properties = schema.get("properties", {})
    if properties:
        found["properties"] = {name: _structural(part) for name, part in properties.items()}
    if "items" in schema:
        found["items"] = _structural(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        found["additionalProperties"] = _structural(schema["additionalProperties"])
    if "required" in schema:
        found["required"] = [name for name in schema["required"] if "default" not in properties.get(name, {})]
    if schema.get("x-kubernetes-embedded-resource"):
        found["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}} | found.get("properties", {})
    takes_more = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if schema.get("type") == "object" and not takes_more:
        found["additionalProperties"] = False
    return found


def _values(schema: Schema) -> Schema:
    """Return the keywords about a value itself, without what lies below it."""
    found = {key: schema[key] for key in _KEPT if key in schema}
    for key in _LOGIC:
        if key in schema:
            found[key] = [_logic(part) for part in schema[key]]
    if "not" in schema:
        found["not"] = _logic(schema["not"])
    if schema.get("x-kubernetes-int-or-string"):
        found["type"] = ["integer", "string"]
        if found.get("anyOf") == _EITHER:
            del found["anyOf"]
    if "pattern" in found:
        found["pattern"] = _pattern(found["pattern"])
    _formats(schema, found)
    _list_kind(schema, found)
    if schema.get("nullable"):
        _allow_null(found)
    return found


def _logic(schema: Schema) -> Schema:
    """Return a branch of a condition: it judges values, and lists no fields."""
    found = _values(schema)
    if "properties" in schema:
        found["properties"] = {name: _logic(part) for name, part in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found[key] = _logic(schema[key])
    return found


def _formats(schema: Schema, found: Schema) -> None:
    form = schema.get("format")
    if form in _BOUNDS and schema.get("type") == "integer":
        found.setdefault("minimum", -_BOUNDS[form])
        found.setdefault("maximum", _BOUNDS[form] - 1)
    elif form == "date-time":
        found["format"] = form
    elif form == "byte":
        found["pattern"] = _BASE64


def _list_kind(schema: Schema, found: Schema) -> None:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            found["uniqueItems"] = True
        case "map":
            found[LIST_KEYS] = schema["x-kubernetes-list-map-keys"]


def _allow_null(found: Schema) -> None:
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if "enum" in found:
        found["enum"] = [*found["enum"], None]


def _pattern(pattern: str) -> str:
    """Return a pattern of Go's RE2 for Rust's: classes by name are spelled out."""
    return re.sub(r"\[:(\w+):\]", lambda match: _POSIX[match[1]], pattern)


def _openapi(schema: Schema) -> Schema:
    """Return a type of Kubernetes' own OpenAPI document; references stay references."""
    inner = schema.get("allOf")
    if "$ref" in schema or inner:
        return {"$ref": f"#/$defs/{_short(schema.get('$ref') or inner[0]['$ref'])}"}
    if schema.get("oneOf") == _EITHER:
        return {"type": ["integer", "string"]}
    found = _values(schema)
    if "properties" in schema:
        found["properties"] = {name: _openapi(part) for name, part in schema["properties"].items()}
        found["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found[key] = _openapi(schema[key])
    return found


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(_references, schema))
    if not isinstance(schema, dict):
        return set()
    found = set().union(*map(_references, schema.values()))
    reference = schema.get("$ref")
    return found | {reference.removeprefix("#/$defs/")} if isinstance(reference, str) else found


def _short(name: str) -> str:
    """Return ``PodSpec`` for ``io.k8s.api.core.v1.PodSpec``; one document never has two of a short name."""
    return name.removeprefix(_REFERENCE).rpartition(".")[2]

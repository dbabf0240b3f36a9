"""Objects held against the schemas of the projects that define them, as strictly as an API server would.

A field that no schema lists is a problem, named as the API server names it
(``spec.clusterNetwrk``). A schema is compiled when the first object of its kind
comes, once. What a schema cannot say is the business of `schiff.checks.objects`.

No value of a Secret, and none that stands where secrets or file contents stand,
ever reaches a message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import jsonschema_rs

from schiff.checks.documents import KubernetesObject, Path, kind_of, value_at
from schiff.errors import Problem

PASSED_THROUGH = frozenset({"apiextensions.k8s.io/v1/CustomResourceDefinition"})
"""Kinds that are vendored whole and never written here, so that no schema is carried for them."""

_LIST_KEYS = "x-schiff-list-keys"
_SCOPE = "x-schiff-scope"
_HIDDEN = re.compile(r"(?i)password|secret|token|content|data|key")
_BASE64 = r"^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$"
_SHOWN = 60
_TYPES = {"string": "text", "object": "map", "array": "list"}
_UNIT = {"Length": "characters", "Items": "items", "Properties": "fields"}


class _DistinctItems:
    """A list keyed by some fields holds no key twice, or server-side apply could not tell its items apart."""

    def __init__(self, _parent: Any, keys: list[str], _path: Any) -> None:
        self._keys = keys

    def validate(self, instance: Any) -> None:
        """Raise for the first item whose keys an earlier item has; what is no list of maps is refused elsewhere."""
        seen: set[str] = set()
        for index, item in enumerate(instance if isinstance(instance, list) else ()):
            if not isinstance(item, dict):
                continue
            key = json.dumps([item.get(name) for name in self._keys])
            if key in seen:
                raise ValueError(str(index))
            seen.add(key)


class SchemaSet:
    """The schemas of all kinds that schiff emits, by ``<apiVersion>/<kind>``; compiled when first asked for."""

    def __init__(self, schemas: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    @classmethod
    def parse(cls, bundle: str) -> SchemaSet:
        """Read the text of a bundle: a head line, then a line for each kind."""
        lines = (line.partition("\t") for line in bundle.splitlines()[1:])
        return cls({kind: schema for kind, _, schema in lines})

    def __contains__(self, kind: str) -> bool:
        return kind in self._schemas

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every ``<apiVersion>/<kind>``, sorted."""
        return tuple(sorted(self._schemas))

    def schema(self, kind: str) -> dict[str, Any]:
        """Return the schema of a kind as data."""
        found: dict[str, Any] = json.loads(self._schemas[kind])
        return found

    def is_namespaced(self, kind: str) -> bool | None:
        """Return whether objects of a kind live in a namespace; None where that is not known."""
        match = re.search(rf'"{_SCOPE}":"(\w+)"', self._schemas.get(kind, ""))
        return None if match is None else match[1] == "Namespaced"

    def validator(self, kind: str) -> jsonschema_rs.Validator:
        """Return the compiled schema of a kind; raises `KeyError` for an unknown one."""
        found = self._validators.get(kind)
        if found is None:
            found = jsonschema_rs.validator_for(
                self.schema(kind),
                validate_formats=True,
                pattern_options=jsonschema_rs.RegexOptions(),
                keywords={_LIST_KEYS: _DistinctItems},
            )
            self._validators[kind] = found
        return found


def schema_problems(objects: Iterable[KubernetesObject], schemas: SchemaSet) -> Iterator[Problem]:
    """Yield every way in which objects do not fit the schema of their kind."""
    for item in objects:
        kind = f"{item.api_version}/{item.kind}"
        if kind in PASSED_THROUGH:
            continue
        if kind not in schemas:
            yield _unknown_kind(item, schemas)
            continue
        data = _without_encryption(item.data)
        validator = schemas.validator(kind)
        if not validator.is_valid(data):
            yield from _problems(item, validator, _without_nulls(data) if _is_built_in(item) else data, schemas)


def _problems(
    item: KubernetesObject, validator: jsonschema_rs.Validator, data: Any, schemas: SchemaSet
) -> Iterator[Problem]:
    for error in validator.iter_errors(data):
        path = tuple(error.instance_path)
        found = error.kind.as_dict()
        match error.kind.name:
            case "additionalProperties":
                for name in found["unexpected"]:
                    yield _unknown_field(item, (*path, name), _listed(schemas, item, error.schema_path))
            case "required":
                name = str(found["property"]).strip('"')
                yield _problem(item, (*path, name), "required, but missing", f"set {name}")
            case "x-schiff-list-keys":
                at = (*path, int(found["message"]))
                yield _problem(item, at, "stands twice in its list", "keep one of the two")
            case keyword:
                yield _problem(item, path, *_sentence(keyword, found, value_at(data, path), _hides(item, path)))


def _sentence(keyword: str, found: Mapping[str, Any], value: Any, hidden: bool) -> tuple[str, str]:
    """Return what is wrong with a value and what would be right."""
    shown = _shown(value, hidden)
    limit = next((found[key] for key in ("limit", "pattern", "format", "types", "options") if key in found), "")
    match keyword:
        case "type":
            wanted = " or ".join(_TYPES.get(name, name) for name in found["types"])
            said = "" if shown == f"this {kind_of(value)}" else f"{shown} "
            return f"{said}is of type {kind_of(value)}", f"write a value of type {wanted}"
        case "enum":
            options = [option for option in found["options"] if option is not None]
            return f"{shown} is not supported", f"write one of {', '.join(map(str, options))}"
        case "pattern":
            return (
                f"{shown} does not have the asked form",
                f"write {'base64' if limit == _BASE64 else f'text that matches {limit}'}",
            )
        case "format":
            return f"{shown} does not have the asked form", f"write a {limit}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            side = "below" if keyword.endswith("inimum") else "above"
            return f"{shown} is {side} the limit", f"the limit is {limit}"
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            side, unit = ("few", "least") if keyword.startswith("min") else ("many", "most")
            things = _UNIT[keyword[3:]]
            return f"has too {side} {things}", f"write at {unit} {limit}"
        case "uniqueItems":
            return "an item stands twice in its list", "keep one of the two"
    return "fits none of the forms that are allowed here", "compare with the kind's reference"


def _unknown_field(item: KubernetesObject, path: Path, listed: Iterable[str]) -> Problem:
    if path == ("status",):
        return item.problem(path, f"{item.title}: belongs to the controllers", "leave it out of Git", "unknown-field")
    near = get_close_matches(str(path[-1]), list(listed), n=1)
    cure = f"did you mean {near[0]}?" if near else "remove it, or check where it belongs"
    return item.problem(path, f"unknown field of {item.title} ({item.api_version})", cure, "unknown-field")


def _unknown_kind(item: KubernetesObject, schemas: SchemaSet) -> Problem:
    versions = sorted({kind.rpartition("/")[0] for kind in schemas.kinds if kind.endswith(f"/{item.kind}")})
    if not item.api_version or not item.kind:
        missing = "kind" if item.api_version else "apiVersion"
        return item.problem((missing,), "required, but missing", f"set {missing}", "schema")
    if versions:
        message = f"{item.kind} is not served in {item.api_version}"
        return item.problem(("apiVersion",), message, f"write {' or '.join(versions)}", "unknown-kind")
    kinds = [kind.rpartition("/")[2] for kind in schemas.kinds if kind.startswith(f"{item.api_version}/")]
    near = get_close_matches(item.kind, kinds, n=1)
    cure = f"did you mean {near[0]}?" if near else "write a kind that schiff has a schema for"
    return item.problem(("kind",), f"no schema for {item.kind} of {item.api_version}", cure, "unknown-kind")


def _problem(item: KubernetesObject, path: Path, message: str, cure: str) -> Problem:
    return item.problem(path, f"{message} in {item.title}", cure, "schema")


def _listed(schemas: SchemaSet, item: KubernetesObject, schema_path: Iterable[str | int]) -> Iterable[str]:
    """Return the fields a schema lists where it refused another."""
    root = schemas.schema(f"{item.api_version}/{item.kind}")
    here: Any = root
    for step in list(schema_path)[:-1]:
        reference = here.get("$ref") if isinstance(here, dict) else None
        if reference and step != "$ref":
            here = root["$defs"][reference.rpartition("/")[2]]
        here = root["$defs"][reference.rpartition("/")[2]] if reference and step == "$ref" else value_at(here, (step,))
    return list(here.get("properties", {})) if isinstance(here, dict) else ()


def _hides(item: KubernetesObject, path: Path) -> bool:
    return item.kind == "Secret" or any(isinstance(step, str) and _HIDDEN.search(step) for step in path)


def _shown(value: Any, hidden: bool) -> str:
    """Return a short scalar as written, else what it is."""
    if hidden or isinstance(value, (dict, list)) or len(str(value)) > _SHOWN:
        return f"this {kind_of(value)}"
    return json.dumps(value, ensure_ascii=False)


def _is_built_in(item: KubernetesObject) -> bool:
    return "." not in item.group or item.group.endswith(".k8s.io")


def _without_encryption(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object without what SOPS writes beside it; Flux removes that before it applies."""
    return {key: value for key, value in data.items() if key != "sops"} if "sops" in data else data


def _without_nulls(data: Any) -> Any:
    """Return data as the server decodes its own kinds: a field that is null is a field that is not there."""
    if isinstance(data, dict):
        return {key: _without_nulls(value) for key, value in data.items() if value is not None}
    return [_without_nulls(item) for item in data] if isinstance(data, list) else data

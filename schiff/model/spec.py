"""The base of every spec: frozen, typed strictly, unknown fields refused."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Spec(BaseModel):
    """A value as people write it: camelCase in YAML, the snake_case of the same word in Python."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )

    def as_document(self) -> dict[str, Any]:
        """Return what was set, as it would be read from YAML."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _tuple_of(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _lifted(value: Any) -> Any:
    return (value,) if isinstance(value, str) else _tuple_of(value)


Items = Annotated[tuple[T, ...], BeforeValidator(_tuple_of)]
"""A list; a later layer replaces it whole."""

OneOrMore = Annotated[tuple[T, ...], BeforeValidator(_lifted)]
"""A list that may be written as its only text."""
